using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Larder.Redis;

/// <summary>Connects when the program starts, not with its first request, and lets what waits go out when it stops.</summary>
internal sealed class RedisService(Func<LarderCache> cache, RedisOptions options, TimeProvider time, ILogger logger) : IHostedService
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(10), LongestStop = TimeSpan.FromSeconds(2);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var report = RedisSecurityReport.Of(options);
        if (report.Level < RedisSecurityLevel.High) Log.Insecure(logger, report.Level, string.Join(' ', report.Findings.Where(finding => finding.CostsLevel).Select(finding => $"{finding.Problem} {finding.Advice}")));
        LarderCache started = cache();
        if (!options.FailOnConnectionError) return;
        // Two connections, and the log's beginning.
        if (!await UntilAsync(() => started.RemoteTier is { State: RemoteTierState.InUse }, 3 * options.ConnectTimeout, cancellationToken).ConfigureAwait(false))
            throw new InvalidOperationException($"Redis can't be used ({options}): {started.RemoteTier?.Problem ?? "no reason is known"}. The program does not start without it because {nameof(options.FailOnConnectionError)} is on.");
    }

    public Task StopAsync(CancellationToken cancellationToken) =>
        cache().Remote is { } remote ? UntilAsync(() => remote.Tier.IsIdle || remote.Tier.Follower.Epoch == 0, LongestStop, cancellationToken) : Task.CompletedTask;

    private async Task<bool> UntilAsync(Func<bool> condition, TimeSpan patience, CancellationToken cancellationToken)
    {
        long began = time.GetTimestamp();
        while (!condition())
        {
            if (time.GetElapsedTime(began) >= patience || cancellationToken.IsCancellationRequested) return false;
            await Task.Delay(Glance, time, CancellationToken.None).ConfigureAwait(false);
        }
        return true;
    }
}
