using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>Servers that die, hang, throw out and come back.</summary>
public sealed class FaultTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    private static CancellationToken Soon => new CancellationTokenSource(Long).Token;

    [Fact]
    public async Task No_server_at_the_start_and_none_of_the_callers_waits()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await server.KillAsync();
        await using var link = new RedisLink(server.Options());
        await LinkTests.Until(() => link.Status is { State: RedisLinkState.Down });
        Assert.Equal("the network failed (ConnectionRefused)", link.Status.Why);
        ValueTask<RedisReply> call = link.SendAsync(["GET", "k"], Long);
        Assert.True(call.IsCompleted);
        Assert.Equal(RedisOutcome.NotConnected, (await call).Outcome);
        await server.StartAgainAsync();
        await link.WhenConnectedAsync(Soon);
        Assert.Null(link.Status.Why);
    }

    [Fact]
    public async Task Killed_in_mid_flight_every_command_ends_and_the_next_life_has_another_name()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var link = new RedisLink(server.Options());
        RedisConnection first = await link.WhenConnectedAsync(Soon);
        // It stands still, so that all of them are under way when it dies.
        server.Pause();
        Task<RedisReply>[] calls = [.. Enumerable.Range(0, 2000).Select(i => link.SendAsync(["SET", $"k{i}", new byte[1000]], Long).AsTask())];
        await server.KillAsync();
        RedisReply[] replies = await Task.WhenAll(calls);
        Assert.All(replies, reply => Assert.True(reply.Outcome is RedisOutcome.Lost or RedisOutcome.LostUnsent or RedisOutcome.NotConnected, reply.ToString()));
        Assert.Contains(replies, reply => reply.IsUncertain);
        await first.Closed;
        await LinkTests.Until(() => link.Current is null);
        await server.StartAgainAsync();
        RedisConnection second = await link.WhenConnectedAsync(Soon);
        Assert.NotEqual(first.Server.RunId, second.Server.RunId);
        await LinkTests.Until(() => link.SendAsync(["PING"], Long).AsTask().Result.IsOk);
    }

    [Fact]
    public async Task Stopped_in_order_and_started_again()
    {
        await using RedisServer server = await RedisServer.StartAsync("--appendonly", "yes");
        await using var link = new RedisLink(server.Options());
        await link.WhenConnectedAsync(Soon);
        await link.SendAsync(["SET", "k", "v"], Long);
        await server.StopAsync();
        await LinkTests.Until(() => link.Status.State != RedisLinkState.Connected);
        await server.StartAgainAsync();
        await link.WhenConnectedAsync(Soon);
        Assert.Equal("v", (await link.SendAsync(["GET", "k"], Long)).Value.Text);
    }

    [Fact]
    public async Task Deadlines_hold_before_a_server_that_hangs_and_late_answers_go_to_nobody()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var link = new RedisLink(server.Options(o => (o.Silence, o.Breaker.Enabled) = (TimeSpan.FromMinutes(1), false)));
        RedisConnection connection = await link.WhenConnectedAsync(Soon);
        await link.SendAsync(["SET", "k", "v"], Long);
        server.Pause();
        RedisReply[] late = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => link.SendAsync(["ECHO", $"late {i}"], TimeSpan.FromMilliseconds(1 + i % 50)).AsTask()));
        Assert.All(late, reply => Assert.Equal(RedisOutcome.TimedOut, reply.Outcome));
        // They still owe their answers: what comes next is behind them.
        Assert.InRange(connection.InFlight, 100, 101);
        Task<RedisReply> patient = link.SendAsync(["GET", "k"], Long).AsTask();
        server.Continue();
        Assert.Equal("v", (await patient).Value.Text);
        Assert.Same(connection, link.Current);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_connection_that_is_dead_is_found_with_and_without_traffic(bool hasTraffic)
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var link = new RedisLink(server.Options(o => (o.Silence, o.Heartbeat, o.ConnectTimeout) = (TimeSpan.FromMilliseconds(300), TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(300))));
        RedisConnection connection = await link.WhenConnectedAsync(Soon);
        server.Pause();
        ValueTask<RedisReply> call = hasTraffic ? link.SendAsync(["GET", "k"], TimeSpan.FromMilliseconds(20)) : new(new RedisReply(RedisOutcome.TimedOut));
        Assert.Equal("the server does not answer", await connection.Closed.WaitAsync(Soon));
        Assert.Equal(RedisOutcome.TimedOut, (await call).Outcome);
        // Connecting succeeds, as the system does that; the handshake does not.
        await LinkTests.Until(() => link.Status is { State: RedisLinkState.Down, Why: "it took too long" or "HELLO was not answered (TimedOut)" });
        server.Continue();
        await link.WhenConnectedAsync(Soon);
    }

    [Fact]
    public async Task A_connection_that_lives_is_not_taken_for_dead()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var link = new RedisLink(server.Options(o => (o.Silence, o.Heartbeat) = (TimeSpan.FromSeconds(10), TimeSpan.FromMilliseconds(100))));
        RedisConnection connection = await link.WhenConnectedAsync(Soon);
        // Nothing but signs of life, and then of them a good many.
        await LinkTests.Until(() => Pings() >= 3);
        Assert.Same(connection, link.Current);

        int Pings() => server.AskAsync("INFO", "commandstats").Result.Text!.Split("cmdstat_ping:calls=") is [_, var rest] ? int.Parse(rest.Split(',')[0], System.Globalization.CultureInfo.InvariantCulture) : 0;
    }

    [Fact]
    public void With_the_defaults_a_dead_connection_is_found_within_five_seconds()
    {
        var options = new RedisOptions();
        Assert.True(options.Heartbeat + Pulse.Slow * 2 + options.Silence < TimeSpan.FromSeconds(5));
        Assert.True(options.ConnectTimeout + options.LongestBackoff < TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task The_breaker_lets_nobody_wait_for_a_server_that_hangs_and_one_try()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var link = new RedisLink(server.Options(o => (o.Silence, o.Breaker.OpenFor) = (TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(50))));
        await link.WhenConnectedAsync(Soon);
        server.Pause();
        for (int i = 0; i < 5; i++) Assert.Equal(RedisOutcome.TimedOut, (await link.SendAsync(["GET", "k"], TimeSpan.FromMilliseconds(5))).Outcome);
        await LinkTests.Until(() => link.Breaker.IsOpen);
        RedisReply[] replies = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => link.SendAsync(["GET", "k"], TimeSpan.FromMilliseconds(5)).AsTask()));
        Assert.True(replies.Count(reply => reply.Outcome == RedisOutcome.BreakerOpen) >= 45);
        server.Continue();
        await LinkTests.Until(() => link.SendAsync(["GET", "k"], Long).AsTask().Result.IsOk);
        Assert.False(link.Breaker.IsOpen);
    }

    [Fact]
    public async Task Thrown_out_it_comes_back()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var link = new RedisLink(server.Options());
        RedisConnection first = await link.WhenConnectedAsync(Soon);
        await server.AskAsync("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
        await first.Closed.WaitAsync(Soon);
        await LinkTests.Until(() => link.Current is { } second && second != first);
        Assert.Equal(first.Server.RunId, link.Current!.Server.RunId);
    }

    [Fact]
    public async Task A_server_that_loads_its_data_is_not_used_before_it_has_them()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await server.AskAsync("EVAL", "for i = 1, 3000 do redis.call('SET', 'k' .. i, string.rep('x', 1000)) end", 0);
        await server.AskAsync("SAVE");
        await server.KillAsync();
        await server.StartAgainAsync(["--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"]);
        await using var link = new RedisLink(server.Options());
        await LinkTests.Until(() => link.Status.Why is not null);
        Assert.Equal("the server is loading its data (LOADING)", link.Status.Why);
        await link.WhenConnectedAsync(Soon);
        Assert.Equal(1000, (await link.SendAsync(["GET", "k3000"], Long)).Value.Bytes!.Length);
    }

    [Fact]
    public async Task Refusals_of_a_replica_are_answers()
    {
        await using RedisServer server = await RedisServer.StartAsync("--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "no");
        await using var link = new RedisLink(server.Options());
        RedisConnection connection = await link.WhenConnectedAsync(Soon);
        Assert.Equal("slave", connection.Server.Role);
        Assert.True((await link.SendAsync(["GET", "k"], Long)).Error!.Is("MASTERDOWN"));
        await link.SendAsync(["CONFIG", "SET", "replica-serve-stale-data", "yes"], Long);
        Assert.True((await link.SendAsync(["SET", "k", "v"], Long)).Error!.Is("READONLY"));
        Assert.False(link.Breaker.IsOpen);
    }

    [Fact]
    public async Task What_does_not_fit_is_refused_at_once_and_harms_nobody()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var link = new RedisLink(server.Options(o => (o.MaxInFlight, o.MaxUnsentBytes, o.Silence) = (50, 1 << 20, TimeSpan.FromMinutes(1))));
        await link.WhenConnectedAsync(Soon);
        Assert.Equal(RedisOutcome.TooLarge, (await link.SendAsync(["SET", "k", new byte[1 << 20]], Long)).Outcome);
        server.Pause();
        Task<RedisReply>[] calls = [.. Enumerable.Range(0, 60).Select(i => link.SendAsync(["SET", $"k{i}", $"{i}"], Long).AsTask())];
        Assert.All(calls[50..], call => Assert.Equal(RedisOutcome.Full, call.Result.Outcome));
        server.Continue();
        Assert.All(await Task.WhenAll(calls[..50]), reply => Assert.True(reply.IsOk, reply.ToString()));
        server.Pause();
        // The network takes some megabytes before it is full; then the bytes are what there is too much of.
        RedisOutcome last = RedisOutcome.Answered;
        for (int i = 0; i < 49 && last != RedisOutcome.Full; i++)
        {
            ValueTask<RedisReply> call = link.SendAsync(["SET", "k", new byte[700_000]], Long);
            last = call.IsCompleted ? (await call).Outcome : last;
        }
        Assert.Equal(RedisOutcome.Full, last);
        server.Continue();
        await LinkTests.Until(() => link.Current!.InFlight == 0);
    }

    [Fact]
    public async Task One_who_gives_up_harms_nobody()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var link = new RedisLink(server.Options(o => o.Breaker.Enabled = false));
        await link.WhenConnectedAsync(Soon);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(t => Task.Run(async () =>
        {
            for (int i = 0; i < 2000; i++)
            {
                var impatience = new CancellationTokenSource();
                string said = $"{t}:{i}";
                ValueTask<RedisReply> call = link.SendAsync(["ECHO", said], i % 3 == 1 ? TimeSpan.FromMilliseconds(1) : Long, impatience.Token);
                if (i % 3 == 0) _ = Task.Run(impatience.Cancel);
                try
                {
                    RedisReply reply = await call;
                    if (reply.Outcome != RedisOutcome.TimedOut || i % 3 != 1) Assert.Equal(said, reply.Value.Text);
                }
                catch (OperationCanceledException e)
                {
                    Assert.True(i % 3 == 0);
                    Assert.Equal(impatience.Token, e.CancellationToken);
                }
            }
        })));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => link.SendAsync(["PING"], Long, new(canceled: true)).AsTask());
    }
}
