using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Larder.Redis;

/// <summary>Connects when the program starts, not with its first request, and lets what waits go out when it stops.</summary>
internal sealed class RedisService(Func<LarderCache> cache, RedisOptions options, ILogger logger) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var report = RedisSecurityReport.Of(options);
        if (report.Level < RedisSecurityLevel.High) Log.Insecure(logger, report.Level, string.Join(' ', report.Findings.Where(finding => finding.CostsLevel).Select(finding => $"{finding.Problem} {finding.Advice}")));
        if (options.Variables.Count > 0) Log.OfEnvironment(logger, string.Join(", ", options.Variables));
        LarderCache started = cache();
        if (!options.FailOnConnectionError) return;
        // Two connections, and the log's beginning.
        if (!await started.ConnectedAsync(3 * options.ConnectTimeout, cancellationToken).ConfigureAwait(false))
            throw new InvalidOperationException($"Redis can't be used ({options}): {started.RemoteTier?.Problem ?? "no reason is known"}. The program does not start without it because {nameof(options.FailOnConnectionError)} is on.");
    }

    public Task StopAsync(CancellationToken cancellationToken) =>
        cache().Remote is { } remote ? remote.Tier.SettleAsync(cancellationToken) : Task.CompletedTask;
}
