using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>A connection does not outlive the identity of its server, although the server keeps it open (docs/invalidation.md, R-3).</summary>
public sealed class ServerWatchTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20), Short = TimeSpan.FromMilliseconds(20);

    private static Task<RedisConnection> Connected(RedisLink link) => link.WhenConnectedAsync(new CancellationTokenSource(Long).Token);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_server_that_was_another_ones_replica_for_a_while_is_connected_to_anew(bool isWatched)
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var link = new RedisLink(server.Options());
        RedisConnection before = await Connected(link);
        await using ServerWatch? watch = isWatched ? new(link, TimeProvider.System, Short, Long) : null;
        await server.AskAsync("REPLICAOF", "127.0.0.1", 1);
        await server.AskAsync("REPLICAOF", "NO", "ONE");
        if (!isWatched)
        {
            // Redis itself keeps the connection, and everybody would go on.
            Assert.True((await link.SendAsync(["PING"], Long)).IsOk);
            Assert.Same(before, link.Current);
            return;
        }
        Assert.Contains("another one", await before.Closed.WaitAsync(Long), StringComparison.Ordinal);
        // It may have been met as a replica, too.
        RedisConnection? after;
        while ((after = link.Current) is not { Server.Role: "master" } || after == before) await Task.Delay(1);
        Assert.Equal(before.Server.RunId, after.Server.RunId);
        Assert.NotEqual(before.Server.ReplicationId, after.Server.ReplicationId);
    }

    [Fact]
    public async Task A_server_that_stays_what_it_is_keeps_its_connection_and_its_clock_is_asked_again()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var link = new RedisLink(server.Options());
        RedisConnection connection = await Connected(link);
        ServerIdentity first = connection.Server;
        await using var watch = new ServerWatch(link, TimeProvider.System, Short, Long);
        while (connection.Server.TimeAsked == first.TimeAsked) await Task.Delay(1);
        Assert.Same(connection, link.Current);
        Assert.Equal(first with { Time = null, TimeAsked = 0, TimeAnswered = 0 }, connection.Server with { Time = null, TimeAsked = 0, TimeAnswered = 0 });
        Assert.True(connection.Server.Time >= first.Time);
    }

    [Fact]
    public async Task An_answer_that_shows_a_replica_ends_the_connection_at_once()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var link = new RedisLink(server.Options());
        RedisConnection connection = await Connected(link);
        var log = new LogCommands(new("larder:"), Long);
        await server.AskAsync("REPLICAOF", "127.0.0.1", 1);
        Assert.Equal(LogOutcome.Refused, (await log.OpenAsync(connection)).Outcome);
        Assert.Contains("READONLY", await connection.Closed.WaitAsync(Long), StringComparison.Ordinal);
    }
}
