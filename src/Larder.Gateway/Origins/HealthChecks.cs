using System.Net.Http;
using Larder.Gateway.Forwarding;
using Larder.Gateway.Hosting;
using Microsoft.Extensions.Logging;

namespace Larder.Gateway.Origins;

/// <summary>
/// Asks servers whether they are well, each in a loop of its own. Two failures in a row take a server out; one success
/// brings it back, from a pause, too.
/// </summary>
internal sealed class HealthChecks(ILogger logger, TimeProvider time)
{
    private const int Tolerated = 2;

    /// <summary>Checks a server until it is told to stop.</summary>
    public async Task RunAsync(OriginServer server, HealthCheckOptions options, CancellationToken stop)
    {
        try
        {
            for (int failures = 0; ; await Task.Delay(options.Every, time, stop))
            {
                string? cause = await CauseAsync(server, options, stop);
                failures = cause is null ? 0 : failures + 1;
                if (cause is null && server.Health.Checked(passed: true)) Log.CheckPassed(logger, server.Address.Name);
                if (failures >= Tolerated && server.Health.Checked(passed: false)) Log.CheckFailed(logger, server.Address.Name, cause!);
            }
        }
        catch (Exception) when (stop.IsCancellationRequested)
        {
            // A check in progress may find its connections closed; nobody waits for this loop to hear of it.
        }
    }

    /// <summary>Why a check failed; null if it passed.</summary>
    private async Task<string?> CauseAsync(OriginServer server, HealthCheckOptions options, CancellationToken stop)
    {
        using var timeout = new CancellationTokenSource(options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stop);
        (Version version, HttpVersionPolicy policy) = server.VersionFor(upgrade: false);
        using var request = new HttpRequestMessage(HttpMethod.Get, server.Address.For(options.Path)) { Version = version, VersionPolicy = policy };
        request.Headers.TryAddWithoutValidation("User-Agent", "larder");
        try
        {
            using HttpResponseMessage answer = await server.CheckAsync(request, either.Token);
            return (int)answer.StatusCode is >= 200 and < 400 ? null : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"answered {(int)answer.StatusCode}.");
        }
        catch (Exception e) when (!stop.IsCancellationRequested && e is HttpRequestException or OperationCanceledException or IOException)
        {
            stop.ThrowIfCancellationRequested();
            return OriginFailure.From(e, options.Timeout)?.Cause ?? OriginFailure.NoAnswer(options.Timeout).Cause;
        }
    }
}
