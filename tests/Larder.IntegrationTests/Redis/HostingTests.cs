using Larder.Redis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>A program that puts Redis behind its cache: its start, its stop, its health.</summary>
public sealed class HostingTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static IHost Build(string connectionString, Action<RedisOptions>? configure = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddLarder().AddRedis(connectionString, configure);
        builder.Services.AddLarder("alone");
        builder.Services.AddHealthChecks().AddLarder().AddLarder("alone");
        return builder.Build();
    }

    private static string Of(RedisServer server) => $"redis://{server.Endpoint}?timeout=10s&connectTimeout=10s";

    private static Task InUseAsync(IHost host) => LinkTests.Until(() => host.Services.GetRequiredService<LarderCache>().RemoteTier!.State == RemoteTierState.InUse);

    [Fact]
    public async Task It_starts_without_Redis_unless_it_is_told_not_to()
    {
        const string Nobody = "redis://:Ca9ary@127.0.0.1:1?connectTimeout=50";
        using IHost host = Build(Nobody);
        await host.StartAsync(Token);
        LarderCache cache = host.Services.GetRequiredService<LarderCache>();
        Assert.Equal(RemoteTierState.Away, cache.RemoteTier!.State);
        Assert.Equal(1, await cache.GetOrCreateAsync("k", _ => new ValueTask<int>(1), cancellationToken: Token));
        await host.StopAsync(Token);

        using IHost strict = Build(Nobody, redis => redis.FailOnConnectionError = true);
        string message = (await Assert.ThrowsAsync<InvalidOperationException>(() => strict.StartAsync(Token))).Message;
        Assert.Contains("redis://127.0.0.1:1/0", message, StringComparison.Ordinal);
        Assert.Contains("ConnectionRefused", message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("FailOnConnectionError", message, StringComparison.Ordinal);
        Assert.DoesNotContain("Ca9ary", message, StringComparison.Ordinal);

        await using RedisServer server = await RedisServer.StartAsync();
        using IHost right = Build(Of(server), redis => redis.FailOnConnectionError = true);
        await right.StartAsync(Token);
        Assert.Equal(RemoteTierState.InUse, right.Services.GetRequiredService<LarderCache>().RemoteTier!.State);
        await right.StopAsync(Token);
    }

    [Fact]
    [Trait("clause", "R-17"), Trait("clause", "R-24")]
    public async Task What_was_made_and_ended_just_before_the_stop_is_in_Redis_after_it()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        using IHost host = Build(Of(server));
        await host.StartAsync(Token);
        await InUseAsync(host);
        LarderCache cache = host.Services.GetRequiredService<LarderCache>();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => cache.GetOrCreateAsync($"k:{i}", _ => new ValueTask<string>("v"), cancellationToken: Token).AsTask()));
        ValueTask<InvalidationResult> last = cache.InvalidateAsync(Invalidation.Tag("t"), cancellationToken: Token);
        await host.StopAsync(Token);
        Assert.True(cache.Remote!.Tier.IsIdle);
        host.Dispose();
        Assert.Equal(InvalidationStatus.Acknowledged, (await last).Status);
        for (int i = 0; i < 20; i++) Assert.True((await server.AskAsync("GET", $"larder:e:k:{i}")).Bytes!.Length > 16);
        Assert.True((await server.AskAsync("XLEN", "larder:{log}:groups")).TryGetInteger(out long events) && events == 1);
    }

    [Fact]
    public async Task Its_health()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        using IHost host = Build(Of(server));
        await host.StartAsync(Token);
        await InUseAsync(host);
        HealthCheckService health = host.Services.GetRequiredService<HealthCheckService>();
        HealthReport report = await health.CheckHealthAsync(Token);
        Assert.Equal((HealthStatus.Healthy, "shared through Redis"), (report.Entries["larder"].Status, report.Entries["larder"].Description));
        Assert.Equal((HealthStatus.Healthy, "in memory only"), (report.Entries["larder:alone"].Status, report.Entries["larder:alone"].Description));
        Assert.Equal("InUse", report.Entries["larder"].Data["state"]);

        await server.KillAsync();
        await LinkTests.Until(() => host.Services.GetRequiredService<LarderCache>().RemoteTier!.State == RemoteTierState.Away);
        await host.Services.GetRequiredService<LarderCache>().InvalidateAsync(Invalidation.Tag("t"), cancellationToken: Token);
        report = await health.CheckHealthAsync(Token);
        Assert.Equal((HealthStatus.Degraded, HealthStatus.Healthy), (report.Entries["larder"].Status, report.Entries["larder:alone"].Status));
        Assert.Contains("(1 invalidations wait)", report.Entries["larder"].Description, StringComparison.Ordinal);

        await server.StartAgainAsync();
        await InUseAsync(host);
        Assert.Equal(HealthStatus.Healthy, (await health.CheckHealthAsync(Token)).Status);
        await host.StopAsync(Token);
    }
}
