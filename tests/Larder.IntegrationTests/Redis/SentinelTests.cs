using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>The master is found by asking sentinels, and left when they name another one (docs/invalidation.md, R-32).</summary>
[Trait("clause", "R-32")]
public sealed class SentinelTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60), Often = TimeSpan.FromMilliseconds(100);
    private static readonly TopologyBeats Beats = new() { Watch = Often };

    private static CancellationToken Soon => new CancellationTokenSource(Long).Token;

    private static Task Until(Func<bool> condition) => SentinelGroup.Until(() => Task.FromResult(condition()));

    private static bool IsAt(RedisLink link, RedisServer server) => link.Current?.Endpoint == server.Endpoint;

    [Fact]
    public async Task One_sentinel_is_enough_to_find_the_master_and_the_other_sentinels()
    {
        await using SentinelGroup group = await SentinelGroup.StartAsync();
        // With the rights that are documented, and no others.
        foreach (RedisServer sentinel in group.Sentinels)
            Assert.Null((await sentinel.AskAsync("ACL", "SETUSER", "asker", "on", ">s3cret", "-@all", "+hello", "+ping", "+info", "+client|setname", "+sentinel|master", "+sentinel|sentinels")).Error);
        RedisOptions options = group.Options(1, o => (o.SentinelUser, o.SentinelPassword) = ("asker", "s3cret"));
        await using var sentinels = new Sentinels(options, TimeProvider.System, null, Often);
        await using var link = new RedisLink(options, endpoints: sentinels);
        RedisConnection connection = await link.WhenConnectedAsync(Soon);
        Assert.Equal((group.Master.Endpoint, "master", "standalone"), (connection.Endpoint, connection.Server.Role, connection.Server.Mode));
        Assert.Equal(group.Master.Endpoint, link.Status.Endpoint);
        await Until(() => sentinels.Known.Count == 3);
        Assert.Equal(group.Sentinels.Select(sentinel => sentinel.Port).Order(), sentinels.Known.Select(known => known.Port).Order());
        // The only one that was named dies: the others are asked.
        await group.Sentinels.First().KillAsync();
        await group.Master.AskAsync("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
        await connection.Closed.WaitAsync(Soon);
        await Until(() => IsAt(link, group.Master) && link.Current != connection);
    }

    [Fact]
    public async Task A_master_that_dies_is_followed_by_the_one_that_was_promoted()
    {
        await using SentinelGroup group = await SentinelGroup.StartAsync(downAfter: 1500);
        await using var topology = new RedisTopology(group.Options(3), new("larder:"), beats: Beats);
        await topology.LogLink.WhenConnectedAsync(Soon);
        await topology.LogSteps!.WhenConnectedAsync(Soon);
        // The control: one who is told the server keeps to it.
        await using var fixedLink = new RedisLink(group.Master.Options(o => o.LongestBackoff = Often));
        await fixedLink.WhenConnectedAsync(Soon);
        await group.Master.KillAsync();
        await Until(() => IsAt(topology.LogLink, group.Replica) && IsAt(topology.LogSteps!, group.Replica));
        Assert.True((await topology.LogSteps!.SendAsync(["SET", "k", "v"], Long)).IsOk);
        Assert.Null(fixedLink.Current);
        // The old one comes back and still takes itself for a master, until the sentinels make it a replica.
        await group.Master.StartAgainAsync();
        await fixedLink.WhenConnectedAsync(Soon);
        Assert.True(IsAt(topology.LogLink, group.Replica) && IsAt(topology.LogSteps!, group.Replica));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_master_that_stood_still_while_another_one_was_promoted_is_left(bool isWatched)
    {
        await using SentinelGroup group = await SentinelGroup.StartAsync(downAfter: 1500);
        RedisOptions options = group.Options(3);
        await using var sentinels = new Sentinels(options, TimeProvider.System, null, isWatched ? Often : Timeout.InfiniteTimeSpan);
        await using var link = new RedisLink(options, endpoints: sentinels);
        RedisConnection before = await link.WhenConnectedAsync(Soon);
        group.Master.Pause();
        await group.AgreedAsync(group.Replica);
        if (isWatched)
        {
            Assert.Equal("the sentinels name another master", await before.Closed.WaitAsync(Soon));
            await Until(() => IsAt(link, group.Replica));
        }
        // They would make it a replica before long.
        foreach (RedisServer sentinel in group.Sentinels) sentinel.Pause();
        group.Master.Continue();
        Assert.True((await link.SendAsync(["SET", "k", "v"], Long)).IsOk);
        // Without the watch the old master takes it, and nobody will ever see it again.
        Assert.Equal(isWatched ? "v" : null, (await group.Replica.AskAsync("GET", "k")).Text);
        if (!isWatched) Assert.Same(before, link.Current);
    }

    [Fact]
    public async Task What_was_claimed_before_a_failover_and_back_is_not_stored()
    {
        await using SentinelGroup group = await SentinelGroup.StartAsync();
        var names = new RedisNames("larder:");
        await using var topology = new RedisTopology(group.Options(3), names, beats: Beats);
        using var cache = new LarderCache();
        var slots = new RedisSlots(topology.Routes, names, new(cache.Clock, TimeProvider.System), Long, () => 7);
        await topology.LogSteps!.WhenConnectedAsync(Soon);
        SlotRead claimed = await slots.ClaimAsync("k", TimeSpan.FromHours(1));
        Assert.True(claimed.MayReplace);
        await FailOver(group.Replica);
        await FailOver(group.Master);
        // The ticket has gone from server to server, and is there as it was.
        SlotRead now = await slots.ReadAsync("k");
        Assert.Equal(claimed.Identity, now.Identity);
        Assert.NotEqual(claimed.Server.Identity, now.Server.Identity);
        Assert.Equal(SlotOutcome.Changed, await slots.ReplaceAsync("k", new(claimed.Identity, claimed.Server, new(7, 1)), new byte[] { 9 }, Long));
        // The control: the slot alone would have let it in.
        Assert.Equal(SlotOutcome.Done, await slots.ReplaceAsync("k", new(claimed.Identity, now.Server, new(7, 1)), new byte[] { 9 }, Long));

        async Task FailOver(RedisServer to)
        {
            RedisServer from = to == group.Master ? group.Replica : group.Master;
            // Nobody waits for replicas: what they don't have yet would be lost.
            await SentinelGroup.Until(async () => (await to.AskAsync("GET", names.SlotOf("k"))).Bytes is not null);
            await group.FailOverAsync(to);
            await Until(() => IsAt(topology.LogSteps!, to));
            await SentinelGroup.Until(() => SentinelGroup.SaysAsync(from, "role:slave"));
        }
    }

    [Fact]
    public async Task Who_may_not_ask_the_sentinels_or_names_another_group_is_told_so_without_secrets()
    {
        await using SentinelGroup group = await SentinelGroup.StartAsync("Ca9ary-right");
        await Refused(o => o.ConnectTimeout = TimeSpan.FromSeconds(1), "no sentinel answers (HELLO was refused (NOAUTH): the server wants a password)");
        await Refused(o => (o.ConnectTimeout, o.SentinelPassword) = (TimeSpan.FromSeconds(1), "Ca9ary-wrong"), "no sentinel answers (HELLO was refused (WRONGPASS): the server knows no such user with this password)");
        await Refused(o => (o.SentinelPassword, o.SentinelMaster) = ("Ca9ary-right", "other"), "no sentinel names a master of the group (ERR)");
        // The servers are asked with their own password, or none.
        await using var topology = new RedisTopology(group.Options(1, o => o.SentinelPassword = "Ca9ary-right"), new("larder:"));
        Assert.Equal(group.Master.Endpoint, (await topology.LogLink.WhenConnectedAsync(Soon)).Endpoint);

        async Task Refused(Action<RedisOptions> change, string why)
        {
            var log = new ListLogger();
            await using var topology = new RedisTopology(group.Options(1, change), new("larder:"), logger: log);
            await Until(() => topology.LogLink.Status.Why == why);
            await Until(() => log.Lines.Any(line => line.Contains(why, StringComparison.Ordinal)));
            Assert.DoesNotContain("Ca9ary", string.Concat(log.Lines), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_replica_that_sentinels_take_for_the_master_is_not_used()
    {
        await using RedisServer server = await RedisServer.StartAsync("--replicaof", "127.0.0.1 1");
        await using HostileServer sentinel = HostileServer.Answering(command => (command[0], command.ElementAtOrDefault(1)) switch
        {
            ("INFO", "server") => "$23\r\nredis_mode:sentinel\r\n\r\n\r\n",
            ("SENTINEL", "MASTER") => $"%3\r\n+ip\r\n+127.0.0.1\r\n+port\r\n+{server.Port}\r\n+config-epoch\r\n+1\r\n",
            _ => HostileServer.Usual(command),
        });
        var options = new RedisOptions { SentinelMaster = "main", LongestBackoff = Often };
        options.Endpoints.Add(sentinel.Endpoint);
        await using var topology = new RedisTopology(options, new("larder:"), beats: Beats);
        await Until(() => topology.LogLink.Status.Why == "the server is no master");
        Assert.Null(topology.LogSteps!.Current);
        await server.AskAsync("REPLICAOF", "NO", "ONE");
        await topology.LogLink.WhenConnectedAsync(Soon);
    }

    [Fact]
    public async Task Servers_that_are_not_what_the_options_say_are_named_as_what_they_are()
    {
        await using SentinelGroup group = await SentinelGroup.StartAsync();
        RedisOptions plain = group.Options(1, o => o.SentinelMaster = null), cluster = group.Master.Options(o => (o.Cluster, o.ConnectTimeout) = (true, TimeSpan.FromSeconds(1)));
        await using var link = new RedisLink(plain);
        await Until(() => link.Status.Why == "the server is a sentinel: set sentinel= to the name of its master group");
        await using var topology = new RedisTopology(cluster, new("larder:"));
        await Until(() => topology.Statuses.Any(status => status.Why == "the server is no node of a cluster: leave cluster=true out"));
        await using var sentinels = new RedisTopology(group.Master.Options(o => (o.SentinelMaster, o.ConnectTimeout) = ("main", TimeSpan.FromSeconds(1))), new("larder:"));
        await Until(() => sentinels.LogLink.Status.Why == "no sentinel answers (the server is no sentinel)");
    }
}
