using System.Net;
using System.Net.Sockets;
using Larder.Redis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>What is invalidated just after the start and just before the end of a process .</summary>
public sealed class BeginningAndEndTests : IAsyncLifetime
{
    private RedisServer _server = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await RedisServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task<long> EventsAsync(RedisServer? server = null) => (await (server ?? _server).AskAsync("XLEN", "larder:{log}:groups")).TryGetInteger(out long events) ? events : -1;

    public static TheoryData<InvalidationReach> Reaches => [InvalidationReach.Logged, InvalidationReach.Everywhere];

    [Theory]
    [MemberData(nameof(Reaches))]
    [Trait("clause", "R-38")]
    public async Task The_first_call_of_a_process_is_logged(InvalidationReach reach)
    {
        using var cache = new LarderCache(new LarderOptions().UseRedis(_server.Options()));
        InvalidationResult result = await cache.InvalidateAsync(Invalidation.Tag("zone:71"), reach, cancellationToken: Token);
        Assert.Equal(InvalidationStatus.Acknowledged, result.Status);
        Assert.InRange(result.Reach, InvalidationReach.Logged, reach);
        Assert.Equal(1, await EventsAsync());
    }

    [Fact]
    [Trait("clause", "R-38")]
    public async Task So_are_the_first_removal_and_the_first_set()
    {
        using var removing = new RedisNode(_server.Options());
        await removing.Cache.RemoveAsync("k", Token);
        Assert.Equal(0, removing.Cache.RemoteTier!.Pending);
        using var setting = new RedisNode(_server.Options());
        await setting.Cache.SetAsync("k", "v", cancellationToken: Token);
        Assert.Equal(0, setting.Cache.RemoteTier!.Pending);
        Assert.True((await _server.AskAsync("XLEN", "larder:{log}:keys")).TryGetInteger(out long events) && events == 2);
    }

    [Fact]
    [Trait("clause", "R-38")]
    public async Task A_strict_node_s_first_event_is_no_error()
    {
        using var node = new RedisNode(_server.Options(redis => redis.Strictness = Strictness.Strict));
        InvalidationResult result = await node.Cache.InvalidateAsync(Invalidation.Tag("t"), cancellationToken: Token);
        Assert.Equal(InvalidationStatus.Acknowledged, result.Status);
    }

    public static TheoryData<string> Ends => ["using", "await using", "host"];

    [Theory]
    [MemberData(nameof(Ends))]
    [Trait("clause", "R-38")]
    public async Task What_nobody_waited_for_is_logged_when_the_process_has_ended(string end)
    {
        switch (end)
        {
            case "host":
                HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
                builder.Services.AddLarder().AddRedis($"redis://{_server.Endpoint}?timeout=10s&connectTimeout=10s");
                using (IHost host = builder.Build())
                {
                    await host.StartAsync(Token);
                    await SendAsync(host.Services.GetRequiredService<LarderCache>());
                    await host.StopAsync(Token);
                    Assert.Equal(1, await EventsAsync());
                }
                break;
            case "using":
                using (LarderCache cache = Cache()) await SendAsync(cache);
                break;
            default:
                await using (LarderCache cache = Cache()) await SendAsync(cache);
                break;
        }
        Assert.Equal(1, await EventsAsync());

        LarderCache Cache() => new(new LarderOptions().UseRedis(_server.Options()));

        static async Task SendAsync(LarderCache cache) =>
            Assert.Equal(InvalidationStatus.Pending, (await cache.InvalidateAsync(Invalidation.Tag("t"), InvalidationReach.Local, cancellationToken: Token)).Status);
    }

    [Fact]
    [Trait("clause", "R-38")]
    public async Task Where_the_first_attempt_fails_nobody_waits_any_more_and_what_is_lost_is_told()
    {
        var logger = new ListLogger();
        var options = new RedisOptions { ConnectTimeout = TimeSpan.FromMinutes(1) };
        options.Endpoints.Add(new("127.0.0.1", RedisServer.FreePort()));
        var cache = new LarderCache(new LarderOptions().UseRedis(options, logger));
        Assert.Equal((InvalidationStatus.Pending, InvalidationReach.Local), Came(await cache.InvalidateAsync(Invalidation.Tag("t"), cancellationToken: Token)));
        Assert.True(cache.Remote!.Tier.FirstAttempt.IsCompleted);
        Assert.Equal((InvalidationStatus.Pending, InvalidationReach.Local), Came(await cache.InvalidateAsync(Invalidation.Tag("u"), cancellationToken: Token)));
        cache.Dispose();
        cache.Dispose();
        Assert.Contains("has not acknowledged 2 invalidations", Assert.Single(logger.Lines, line => line.StartsWith("The cache ends", StringComparison.Ordinal)), StringComparison.Ordinal);

        static (InvalidationStatus, InvalidationReach) Came(InvalidationResult result) => (result.Status, result.Reach);
    }

    [Fact]
    [Trait("clause", "R-38")]
    public async Task A_server_that_is_silent_is_waited_for_no_longer_than_a_connection_may_take()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var options = new RedisOptions { ConnectTimeout = TimeSpan.FromMilliseconds(200) };
        options.Endpoints.Add(new("127.0.0.1", ((IPEndPoint)silent.LocalEndpoint).Port));
        using var cache = new LarderCache(new LarderOptions().UseRedis(options));
        InvalidationResult result = await cache.InvalidateAsync(Invalidation.Tag("t"), cancellationToken: Token);
        Assert.Equal(InvalidationStatus.Pending, result.Status);
        Assert.True(cache.Remote!.Tier.FirstAttempt.IsCompleted);

        // Whoever gives up before has the event hold here all the same.
        options.ConnectTimeout = TimeSpan.FromMinutes(1);
        using var patient = new LarderCache(new LarderOptions().UseRedis(options));
        await patient.SetAsync("other", 1, cancellationToken: Token).AsTask().WaitAsync(TimeSpan.Zero, Token).ContinueWith(_ => { }, TaskScheduler.Default);
        using var gone = new CancellationTokenSource();
        ValueTask<InvalidationResult> waiting = patient.InvalidateAsync(Invalidation.Key("other"), cancellationToken: gone.Token);
        Assert.False(waiting.IsCompleted);
        Assert.False(patient.Exists("other"));
        await gone.CancelAsync();
        Assert.Equal(InvalidationStatus.Pending, (await waiting).Status);
    }

    [Fact]
    public async Task A_program_can_wait_until_it_is_connected()
    {
        await using var cache = new LarderCache(new LarderOptions().UseRedis(_server.Options()));
        Assert.True(await cache.ConnectedAsync(TimeSpan.FromSeconds(20), Token));
        Assert.Equal(RemoteTierState.InUse, cache.RemoteTier!.State);

        await using var alone = new LarderCache();
        Assert.False(await alone.ConnectedAsync(TimeSpan.FromSeconds(20), Token));
        await using var nobody = new LarderCache(new LarderOptions().UseRedis("127.0.0.1:1"));
        Assert.False(await nobody.ConnectedAsync(TimeSpan.FromMilliseconds(1), Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => nobody.ConnectedAsync(TimeSpan.FromSeconds(20), new(canceled: true)));
        Assert.Contains("ConnectedAsync", Assert.Throws<ArgumentException>(() => new LarderOptions().UseRedis("h,failOnConnectionError=true")).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("clause", "R-4"), Trait("clause", "R-22")]
    public async Task An_emptied_Redis_is_told_of_and_each_connection_says_what_it_is_for()
    {
        var logger = new ListLogger();
        using var node = new RedisNode(new LarderCache(new LarderOptions().UseRedis(_server.Options(), logger)));
        await node.UntilAsync(RemoteTierState.InUse);
        await LinkTests.Until(() => logger.Lines.Count(line => line.StartsWith("Connected to", StringComparison.Ordinal)) == 2);
        Assert.Single(logger.Lines, line => line.Contains("(Commands)", StringComparison.Ordinal));
        Assert.Single(logger.Lines, line => line.Contains("(Log)", StringComparison.Ordinal));
        Assert.DoesNotContain(logger.Lines, line => line.Contains("has lost its log", StringComparison.Ordinal));
        await _server.AskAsync("FLUSHALL");
        await LinkTests.Until(() => logger.Lines.Any(line => line.Contains("has lost its log: all that was cached is ended", StringComparison.Ordinal)));
    }
}
