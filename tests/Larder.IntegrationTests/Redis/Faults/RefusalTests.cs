using Larder.IntegrationTests.RedisServers;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisFaults;

/// <summary>Servers that answer, and do not do what they are asked: replicas, full ones, those that evict what must not be lost, and those that lie.</summary>
public sealed class RefusalTests
{
    private static readonly RedisNames Names = new("larder:");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("fault", "6"), Trait("clause", "R-3"), Trait("clause", "R-24")]
    public async Task It_becomes_a_replica_and_a_master_again()
    {
        await using Stage stage = await Stage.StartAsync();
        stage.Checker.Start();
        await stage.Checker.SomeMoreAsync();
        await stage.Server.AskAsync("REPLICAOF", "127.0.0.1", "1");
        await stage.UntilAsync(RemoteTierState.Away);
        // A replica takes what is published, and nothing that is to stay: the events wait here.
        Assert.Null((await stage.Server.AskAsync("PUBLISH", "c", "m")).Error);
        long pending = stage.Checker.Pending;
        await LinkTests.Until(() => stage.Checker.Pending > pending);
        await stage.Checker.SomeMoreAsync();
        Assert.All(stage.Nodes, node => Assert.True(node.Cache.RemoteTier!.Pending > 0));
        Assert.Contains("no master", stage.A.Cache.RemoteTier!.Problem, StringComparison.Ordinal);
        await stage.Server.AskAsync("REPLICAOF", "NO", "ONE");
        await stage.UntilAsync(RemoteTierState.InUse);
        await stage.Checker.SomeMoreAsync();
        await stage.Checker.EndAsync();
        Assert.True(stage.Checker.RemoteHits > 0);
    }

    [Fact]
    [Trait("fault", "9"), Trait("clause", "R-2"), Trait("clause", "R-11")]
    public async Task Its_memory_is_full_and_events_are_taken_all_the_same()
    {
        await using Stage stage = await Stage.StartAsync(new() { Options = AbsenceTests.Patient });
        await AbsenceTests.Share(stage, "k", "old");
        await stage.Server.AskAsync("CONFIG", "SET", "maxmemory", 1);
        Assert.True((await stage.Server.AskAsync("SET", "other", "v")).Error!.Is("OOM"));
        // What is there is found, and what is made is not stored.
        stage.Checker.Start();
        await stage.Checker.SomeMoreAsync();
        Assert.Equal(("made", Reason.MissCold), await stage.A.GetOrMakeAsync("made", "made"));
        await stage.A.UntilIdleAsync();
        Assert.Null(await stage.SlotAsync("made"));
        InvalidationResult ended = await AbsenceTests.Acknowledged(stage, Invalidation.Key("k"));
        Assert.Null(await stage.SlotAsync("k"));
        await LinkTests.Until(() => stage.B.Tier.Follower.Usable?.SeenUpTo >= ended.Position.Ordinal);
        Assert.Equal("new", (await stage.B.GetOrMakeAsync("k", "new")).Value);
        Assert.All(stage.Nodes, node => Assert.Equal(RemoteTierState.InUse, node.Cache.RemoteTier!.State));
        await stage.Server.AskAsync("CONFIG", "SET", "maxmemory", 0);
        await stage.Checker.EndAsync();
        Assert.Equal(("made", Reason.MissCold), await stage.A.GetOrMakeAsync("again", "made"));
        await stage.A.UntilIdleAsync();
        Assert.NotNull(await stage.SlotAsync("again"));
    }

    [Theory]
    [InlineData("everything")]
    [InlineData("state")]
    [InlineData("groups")]
    [InlineData("keys")]
    [Trait("fault", "10"), Trait("clause", "R-4"), Trait("clause", "R-22")]
    public async Task The_log_or_all_of_it_is_evicted(string what)
    {
        await using Stage stage = await Stage.StartAsync();
        stage.Checker.Start();
        await stage.Checker.SomeMoreAsync();
        ulong epoch = stage.A.Tier.Follower.Epoch;
        if (what == "everything")
        {
            await stage.Server.AskAsync("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
            await EvictAsync(stage.Server);
        }
        else
        {
            Assert.True((await stage.Server.AskAsync("UNLINK", what switch { "state" => Names.State, "groups" => Names.Groups, _ => Names.Keys })).TryGetInteger(out long removed) && removed == 1);
        }
        await LinkTests.Until(() => Array.TrueForAll(stage.Nodes, node => node.Tier.Follower.Epoch is not 0 and var now && now != epoch));
        await stage.Checker.SomeMoreAsync();
        await stage.Checker.EndAsync();
        Assert.All(stage.Nodes, node => Assert.True(node.Cache.RemoteTier!.MemoryDoubted >= 2));
    }

    [Fact]
    [Trait("fault", "10")]
    public async Task Entries_are_evicted_all_the_time()
    {
        await using Stage stage = await Stage.StartAsync();
        stage.Checker.Start();
        for (int i = 0; i < 200; i++)
        {
            await stage.Server.AskAsync("UNLINK", Names.SlotOf(VersionChecker.Name(i % VersionChecker.Keys)));
            await stage.Checker.SomeMoreAsync(reads: 2, writes: 0);
        }
        await stage.Checker.EndAsync();
        Assert.All(stage.Nodes, node => Assert.Equal(1, node.Cache.RemoteTier!.MemoryDoubted));
    }

    public static TheoryData<string> Lies => ["$2147483647\r\n", "$-5\r\n", "*-7\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", "+OK\r\n+OK\r\n", "-MOVED 1 127.0.0.1:1\r\n", "\0\u0001"];

    [Theory]
    [MemberData(nameof(Lies))]
    [Trait("fault", "33")]
    public async Task It_says_what_no_server_says(string lie)
    {
        await using Stage stage = await Stage.StartAsync();
        stage.Checker.Start();
        await stage.Checker.SomeMoreAsync();
        stage.Set(new Fault(Flow.Free, new() { Says = System.Text.Encoding.Latin1.GetBytes(lie) }));
        await LinkTests.Until(() => Array.TrueForAll(stage.Nodes, node => node.Cache.RemoteTier!.State == RemoteTierState.Away));
        await stage.Checker.SomeMoreAsync();
        stage.Set(Fault.None);
        await stage.UntilAsync(RemoteTierState.InUse);
        await stage.Checker.SomeMoreAsync();
        await stage.Checker.StopAsync();
        Assert.All(stage.Checker.Wrong, wrong => Assert.DoesNotContain("Exception", wrong, StringComparison.Ordinal));
        await stage.Checker.UntilSettledAsync();
        await stage.Checker.CheckAllAsync();
        Assert.Empty(stage.Checker.Wrong);
    }

    /// <summary>Fills it up for one moment: it evicts all that it has.</summary>
    private static async Task EvictAsync(RedisServer server)
    {
        Stream stream = await Transport.ConnectAsync(server.Endpoint, null, Token);
        await using var connection = new RedisConnection(stream, new(), TimeProvider.System);
        TimeSpan patience = TimeSpan.FromSeconds(20);
        ValueTask<RedisReply> full = connection.SendAsync(["CONFIG", "SET", "maxmemory", 1], patience, Token);
        ValueTask<RedisReply> size = connection.SendAsync(["DBSIZE"], patience, Token);
        ValueTask<RedisReply> free = connection.SendAsync(["CONFIG", "SET", "maxmemory", 0], patience, Token);
        Assert.True((await full).IsOk);
        Assert.True((await size).Value.TryGetInteger(out long left) && left == 0);
        Assert.True((await free).IsOk);
    }
}
