using Larder.Gateway.Hosting;
using Larder.Gateway.Origins;
using Larder.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;

namespace Larder.Tests.Gateway.Origins;

public sealed class HealthChecksTests
{
    [Fact]
    public async Task Whatever_a_check_finds_once_it_is_to_stop_ends_it_in_silence()
    {
        var checks = new HealthCheckOptions { Path = "/ready" };
        var server = new OriginServer(new("http://127.0.0.1:1"), new() { Urls = [new("http://127.0.0.1:1")], Health = checks }, TimeSpan.FromSeconds(1), NullLogger.Instance, new ManualTimeProvider());
        server.Release();

        // Its connections are closed: to ask it throws.
        await Assert.ThrowsAsync<ObjectDisposedException>(() => new HealthChecks(NullLogger.Instance, new ManualTimeProvider()).RunAsync(server, checks, CancellationToken.None));
        await new HealthChecks(NullLogger.Instance, new ManualTimeProvider()).RunAsync(server, checks, new CancellationToken(canceled: true));
    }
}
