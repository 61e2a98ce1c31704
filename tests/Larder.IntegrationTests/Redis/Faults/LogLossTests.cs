using Larder.IntegrationTests.RedisServers;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisFaults;

/// <summary>The log loses what a node has not seen, or says what nobody has sent: memory is doubted, and nothing old is served.</summary>
public sealed class LogLossTests
{
    private static readonly RedisNames Names = new("larder:");
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static Task<Stage> StartAsync() => Stage.StartAsync(new() { Options = AbsenceTests.Patient });

    private static Task UntilEpochIsNotAsync(Stage stage, ulong epoch) =>
        LinkTests.Until(() => Array.TrueForAll(stage.Nodes, node => node.Tier.Follower.Usable is { } view && view.Epoch != epoch));

    /// <summary>Whether the old value stands in Redis: then nothing but the node's judgement keeps it from readers.</summary>
    private static async Task<bool> HoldsAsync(RedisServer server, string key, string value) =>
        (await server.AskAsync("GET", Names.SlotOf(key))).Bytes is { } slot && slot.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(value)) >= 0;

    [Fact]
    [Trait("fault", "12"), Trait("clause", "R-5"), Trait("clause", "R-22")]
    public async Task It_is_trimmed_past_a_node()
    {
        await using Stage stage = await StartAsync();
        await AbsenceTests.Share(stage, "k", "old");
        stage.Ways[1].Set(Fault.None, Fault.Hang);
        foreach (string tag in (string[])["a", "t", "b", "c"]) await AbsenceTests.Acknowledged(stage, Invalidation.Tag(tag));
        // It hears nothing: the old value is what it has.
        Assert.Equal(("old", Reason.HitMemory), await stage.B.GetOrMakeAsync("k", "new"));
        await stage.Server.AskAsync("XTRIM", Names.Groups, "MAXLEN", 1);
        stage.Ways[1].Set(Fault.None);
        await LinkTests.Until(() => stage.B.Cache.RemoteTier is { State: RemoteTierState.InUse, MemoryDoubted: >= 2 });
        await stage.B.UntilSeenAsync(stage.A);
        Assert.Equal("new", (await stage.B.GetOrMakeAsync("k", "new")).Value);
        Assert.Equal(1, stage.A.Cache.RemoteTier!.MemoryDoubted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("fault", "12"), Trait("fault", "29"), Trait("clause", "R-4")]
    public async Task It_is_made_anew_behind_its_back(bool isDeleted)
    {
        await using Stage stage = await StartAsync();
        await AbsenceTests.Share(stage, "k", "old");
        await AbsenceTests.Acknowledged(stage, Invalidation.Tag("other"));
        ulong epoch = stage.A.Tier.Follower.Epoch;
        if (isDeleted) await stage.Server.AskAsync("DEL", Names.Groups);
        await stage.Server.AskAsync("XADD", Names.Groups, "999999-0", "kind", "tag", "text", "x");
        await UntilEpochIsNotAsync(stage, epoch);
        Assert.True(await HoldsAsync(stage.Server, "k", "old"));
        Assert.Equal("new", (await stage.A.GetOrMakeAsync("k", "new")).Value);
        Assert.All(stage.Nodes, node => Assert.True(node.Cache.RemoteTier!.MemoryDoubted >= 2));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("fault", "12"), Trait("clause", "R-3"), Trait("clause", "R-25")]
    public async Task An_older_dump_is_loaded(bool isKey)
    {
        await using Stage stage = await StartAsync();
        await AbsenceTests.Share(stage, "k", "old");
        await stage.Server.AskAsync("SAVE");
        ulong epoch = stage.A.Tier.Follower.Epoch;
        InvalidationResult ended = await AbsenceTests.Acknowledged(stage, isKey ? Invalidation.Key("k") : Invalidation.Tag("t"));
        await LinkTests.Until(() => stage.B.Tier.Follower.Usable?.SeenUpTo >= ended.Position.Ordinal);
        await stage.Server.KillAsync();
        await stage.Server.StartAgainAsync();
        Assert.True(await HoldsAsync(stage.Server, "k", "old"));
        await UntilEpochIsNotAsync(stage, epoch);
        Assert.Equal(("new", Reason.MissCold), await LookedAtAnewAsync(stage, "k", "new"));
    }

    [Fact]
    [Trait("fault", "12"), Trait("fault", "13"), Trait("clause", "R-25")]
    public async Task A_replica_is_promoted_that_does_not_have_the_last_events()
    {
        await using RedisServer replica = await RedisServer.StartAsync();
        await using Stage stage = await Stage.StartAsync(new()
        {
            Options = options =>
            {
                AbsenceTests.Patient(options);
                options.Endpoints.Add(replica.Endpoint);
            },
        });
        await using var copying = new FaultProxy(stage.Server.Port);
        await replica.AskAsync("REPLICAOF", "127.0.0.1", copying.Endpoint.Port);
        await AbsenceTests.Share(stage, "k", "old");
        await LinkTests.Until(() => HoldsAsync(replica, "k", "old").Result);
        ulong epoch = stage.A.Tier.Follower.Epoch;
        copying.Set(Fault.Hang);
        await AbsenceTests.Acknowledged(stage, Invalidation.Tag("t"));
        await AbsenceTests.Acknowledged(stage, Invalidation.Key("k"));
        await stage.Server.KillAsync();
        Assert.True(await HoldsAsync(replica, "k", "old"));
        await replica.AskAsync("REPLICAOF", "NO", "ONE");
        await UntilEpochIsNotAsync(stage, epoch);
        await stage.Checker.UntilSettledAsync();
        Assert.True(await HoldsAsync(replica, "k", "old"));
        Assert.Equal("new", (await stage.B.GetOrMakeAsync("k", "new")).Value);
        Assert.Equal("new", (await stage.A.GetOrMakeAsync("k", "new")).Value);
        // Whoever had one acknowledged ends everything.
        Assert.Contains("all", await KindsAsync(replica));
    }

    [Theory]
    [InlineData("duplicate")]
    [InlineData("reordered")]
    [InlineData("random")]
    [InlineData("of another epoch")]
    [Trait("fault", "29"), Trait("clause", "R-24")]
    public async Task Events_come_twice_in_another_order_or_make_no_sense(string what)
    {
        await using Stage stage = await StartAsync();
        stage.Checker.Start();
        await stage.Checker.SomeMoreAsync();
        Stream stream = await Transport.ConnectAsync(stage.Server.Endpoint, null, Token);
        await using var connection = new RedisConnection(stream, new(), TimeProvider.System);
        var log = new LogCommands(Names, Long);
        var random = new Random(stage.Seed);
        ulong epoch = stage.A.Tier.Follower.Epoch;
        long last = 0;
        for (int i = 0; i < 200; i++)
        {
            var source = new RemoteSource(what == "duplicate" ? stage.A.Tier.Events.Epoch : 0xABC, what == "duplicate" ? i / 2 : 1000 - i);
            IReadOnlyList<EventField> fields = what == "random"
                ? [.. Enumerable.Range(0, random.Next(6)).Select(_ => new EventField(((string[])["kind", "text", "wide", "soft", "node", "number", "x"])[random.Next(7)], Noise(random)))]
                : RemoteEventCodec.Encode(i % 3 == 0 ? Invalidation.Key(VersionChecker.Name(i % VersionChecker.Keys)) : Invalidation.Tag("t0"), source);
            if (what == "of another epoch" && i == 100)
            {
                await stage.Server.AskAsync("XADD", Names.Groups, "*", "epoch", "00000000000000ff", "groups", 0, "keys", 0, "at", 0, "kind", "all");
                break;
            }
            (LogOutcome outcome, last) = await log.AppendAsync(connection, i % 3 == 0 ? RemoteStream.Keys : RemoteStream.Groups, epoch, fields);
            Assert.Equal(LogOutcome.Done, outcome);
        }
        if (what == "of another epoch") await UntilEpochIsNotAsync(stage, epoch);
        else await LinkTests.Until(() => Array.TrueForAll(stage.Nodes, node => node.Tier.Follower.Usable?.SeenUpTo >= last));
        await stage.Checker.SomeMoreAsync();
        await stage.Checker.EndAsync();
        if (what != "of another epoch") Assert.All(stage.Nodes, node => Assert.Equal((epoch, 1), (node.Tier.Follower.Epoch, node.Cache.RemoteTier!.MemoryDoubted)));
    }

    private static byte[] Noise(Random random)
    {
        byte[] noise = new byte[random.Next(40)];
        random.NextBytes(noise);
        return noise;
    }

    /// <summary>By a node that has nothing in memory.</summary>
    private static async Task<(string Value, Reason Reason)> LookedAtAnewAsync(Stage stage, string key, string made)
    {
        using RedisNode third = await RedisNode.StartAsync(stage.Server.Options());
        return await third.GetOrMakeAsync(key, made);
    }

    private static async Task<string[]> KindsAsync(RedisServer server) =>
    [
        .. (await server.AskAsync("XRANGE", Names.Groups, "-", "+")).Items.ToArray().Select(entry =>
        {
            string[] words = [.. entry.Items.Span[1].Items.ToArray().Select(word => word.Text!)];
            return words[Array.IndexOf(words, "kind") + 1];
        }),
    ];
}
