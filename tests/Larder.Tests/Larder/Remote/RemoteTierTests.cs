using Larder.Tests.Support;

namespace Larder.Tests.Remote;

/// <summary>One thing at a time, in a given order; the broken variants show that the order is what is tested.</summary>
public sealed class RemoteTierTests
{
    private static readonly EntryOptions Tagged = new() { Tags = ["t"], StaleWhileRevalidate = TimeSpan.FromMinutes(1) };

    private static ModelNode Connected(ModelRedis redis, PendingEvents? pending = null)
    {
        var node = new ModelNode(redis, pending: pending);
        node.Connect();
        node.ReadLog();
        return node;
    }

    private static async Task<LookupResult<string>> Fill(ModelNode node, string value, EntryOptions? options = null, string key = "k") =>
        await node.Cache.GetOrCreateResultAsync(key, value, static (value, _) => ValueTask.FromResult(value), options ?? Tagged);

    private static Task Written(ModelNode node) => Eventually.True(() => node.Tier.Writes.IsIdle);

    [Fact]
    [Trait("clause", "R-11"), Trait("clause", "R-15"), Trait("clause", "R-16"), Trait("clause", "R-31")]
    public async Task What_one_node_made_answers_another()
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis), b = Connected(redis), c = Connected(redis);
        Assert.Equal(Reason.MissCold, (await Fill(a, "1")).Reason);
        await Written(a);
        LookupResult<string> found = await Fill(b, "2");
        Assert.Equal(("1", Reason.HitRedis, ValueSource.Redis), (found.Value, found.Reason, found.Source));
        Assert.InRange(found.Remaining, TimeSpan.FromMinutes(50), TimeSpan.FromHours(1));
        Assert.Equal(Reason.HitMemory, (await Fill(b, "3")).Reason);
        Assert.False(c.Cache.GetLocal<string>("k").Found);
        Assert.Equal(Reason.HitRedis, (await c.Cache.GetAsync<string>("k")).Reason);
        Assert.Equal(Reason.HitMemory, (await c.Cache.GetAsync<string>("k")).Reason);
        Assert.Equal(Reason.MissCold, (await c.Cache.GetAsync<string>("other")).Reason);
        Assert.Equal((1, 1), (b.Cache.ReasonCounts["hit-redis"], c.Cache.ReasonCounts["hit-redis"]));
        Assert.Equal((1, 1), (b.Tier.Reads.CountOf(RemoteOutcome.Found), c.Tier.Reads.CountOf(RemoteOutcome.Absent)));
    }

    [Fact]
    [Trait("clause", "R-11"), Trait("clause", "R-16")]
    public async Task A_batch_asks_for_what_others_made_and_makes_the_rest()
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis), b = Connected(redis);
        await Fill(a, "1", key: "x");
        await Written(a);
        var values = await b.Cache.GetOrCreateManyAsync(["x", "y"], "b", static (made, keys, _) =>
        {
            Assert.Equal(["y"], keys);
            return ValueTask.FromResult<IReadOnlyDictionary<string, string>>(keys.ToDictionary(key => key, _ => made));
        }, Tagged);
        Assert.Equal(("1", "b"), (values["x"], values["y"]));
        await Written(b);
        Assert.Equal(Reason.HitRedis, (await Fill(a, "2", key: "y")).Reason);
        Assert.Equal(0, b.Cache.FillsUnderWay);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_Redis_that_does_not_answer_counts_among_the_time_of_a_run(bool batch)
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis);
        var never = new TaskCompletionSource();
        a.Before = _ => never.Task;
        var options = new EntryOptions { HardTimeout = TimeSpan.FromMilliseconds(20) };
        await Assert.ThrowsAsync<TimeoutException>(async () =>
        {
            if (batch) await a.Cache.GetOrCreateManyAsync<string>(["k", "l"], (_, _) => throw new InvalidOperationException("made"), options);
            else await a.Cache.GetOrCreateAsync<string>("k", _ => throw new InvalidOperationException("made"), options);
        });
        never.SetResult();
        await Eventually.True(() => a.Cache.FillsUnderWay == 0);
        a.Before = _ => Task.CompletedTask;
        Assert.Equal("1", (await Fill(a, "1")).Value);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("clause", "R-7"), Trait("clause", "R-9"), Trait("clause", "R-14"), Trait("clause", "R-29")]
    public async Task An_event_of_groups_ends_what_is_in_Redis_and_in_other_nodes(bool soft)
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis), b = Connected(redis);
        await Fill(a, "1");
        await Written(a);
        Assert.Equal(Reason.HitRedis, (await Fill(b, "-")).Reason);
        InvalidationResult result = await a.Cache.InvalidateAsync(soft ? Invalidation.Tag("t").Soft() : Invalidation.Tag("t"));
        Assert.Equal((InvalidationStatus.Acknowledged, InvalidationReach.Logged, 1), (result.Status, result.Reach, result.Position.Ordinal));
        Assert.Equal(Reason.HitMemory, (await Fill(b, "-")).Reason);
        b.ReadLog();
        Assert.True(await b.Follower.WaitUntilSeenAsync(result.Position, TimeSpan.Zero, TimeProvider.System, default));
        Assert.False((await b.Cache.GetAsync<string>("k")).Found);
        // Its own event is pending until it has read it in the log.
        using ModelNode late = Connected(redis);
        LookupResult<string> stale = await late.Cache.GetAsync<string>("k", allowStale: true);
        Assert.Equal((soft, soft ? Reason.Stale : Reason.MissCold), (stale.Found, stale.Reason));
        Assert.False((await late.Cache.GetAsync<string>("k")).Found);
    }

    [Fact]
    [Trait("clause", "R-19"), Trait("clause", "R-21")]
    public async Task A_removal_ends_the_slot_and_what_other_nodes_have()
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis), b = Connected(redis);
        await Fill(a, "1");
        await Written(a);
        await Fill(b, "-");
        Assert.True(await a.Cache.RemoveAsync("k"));
        Assert.Equal(0u, redis.Run(r => r.Get("k")).Identity);
        b.ReadLog();
        Assert.Equal("2", (await Fill(b, "2")).Value);
        await Written(b);
        Assert.Equal("2", (await Fill(a, "-")).Value);
    }

    [Fact]
    [Trait("clause", "R-19")]
    public async Task Where_the_slot_can_not_be_removed_every_node_judges_it()
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis), b = Connected(redis);
        await Fill(a, "1");
        await Written(a);
        a.Before = command => { a.IsAway = command == "unlink"; return Task.CompletedTask; };
        await a.Cache.RemoveAsync("k");
        Assert.NotEqual(0u, redis.Run(r => r.Get("k")).Identity);
        b.ReadLog();
        Assert.Equal(("2", 1), ((await Fill(b, "2")).Value, b.Tier.Reads.CountOf(RemoteOutcome.Covered)));
    }

    [Fact]
    [Trait("clause", "R-20")]
    public async Task What_is_set_goes_into_the_slot_and_replaces_what_others_have()
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis), b = Connected(redis), c = Connected(redis);
        await Fill(b, "1");
        Assert.Equal(Reason.None, await a.Cache.SetAsync("k", "2", Tagged));
        b.ReadLog();
        c.ReadLog();
        Assert.Equal(("2", Reason.HitRedis), ((await Fill(b, "-")).Value, (await Fill(c, "-")).Reason));
        // Where the ticket was taken away the value does not enter Redis.
        a.Before = command => command == "replace" ? b.Cache.RemoveAsync("k").AsTask() : Task.CompletedTask;
        await a.Cache.SetAsync("k", "3", Tagged);
        Assert.Equal(0u, redis.Run(r => r.Get("k")).Identity);
    }

    [Fact]
    [Trait("clause", "R-10"), Trait("clause", "R-24"), Trait("clause", "R-25")]
    public async Task While_Redis_is_away_an_event_holds_here_and_is_sent_later()
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis), b = Connected(redis);
        await Fill(a, "1");
        await Written(a);
        await Fill(b, "-");
        a.IsAway = true;
        InvalidationResult result = await a.Cache.InvalidateAsync(Invalidation.Tag("t"));
        Assert.Equal((InvalidationStatus.Pending, InvalidationReach.Local), (result.Status, result.Reach));
        await a.Cache.RemoveAsync("other");
        a.IsAway = false;
        Assert.Equal(("2", 1), ((await Fill(a, "2")).Value, a.Tier.Reads.CountOf(RemoteOutcome.Pending)));
        a.Tier.Events.SendWaiting();
        await Eventually.True(() => redis.Run(r => r.State().Last) == 2);
        b.ReadLog();
        Assert.False((await b.Cache.GetAsync<string>("k")).Found);
    }

    [Fact]
    [Trait("clause", "R-4"), Trait("clause", "R-22"), Trait("clause", "R-23"), Trait("clause", "R-25")]
    public async Task After_a_restart_with_an_older_dump_nothing_of_before_is_used()
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis), b = Connected(redis);
        await Fill(a, "1");
        await Written(a);
        redis.Run(r => { r.Dump(); return 0; });
        await a.Cache.InvalidateAsync(Invalidation.Tag("t"));
        redis.Run(r => { r.Restart(); return 0; });
        foreach (ModelNode node in (ModelNode[])[a, b])
        {
            node.Follower.End();
            Assert.Null(node.Follower.Usable);
            node.Connect();
        }
        // Of its acknowledged event nobody else may know: everything is ended.
        await Eventually.True(() => redis.Run(r => r.State().Groups) == 1);
        a.ReadLog();
        b.ReadLog();
        Assert.Equal(("2", 1), ((await Fill(b, "2")).Value, b.Tier.Reads.CountOf(RemoteOutcome.OtherServer)));
    }

    [Fact]
    public async Task A_look_that_another_one_overtakes_finds_what_that_has_brought()
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis), b = Connected(redis);
        await Fill(a, "1");
        await Written(a);
        await b.Cache.GetAsync<string>("k");
        // As a caller that looked into memory before that.
        LookupResult<string> found = await b.Cache.Remote!.GetAsync<string>("k", null, Reason.MissCold, allowStale: false);
        Assert.Equal(("1", Reason.HitMemory), (found.Value, found.Reason));
        b.Cache.Memory.Invalidate("k");
        redis.Run(r =>
        {
            r.Unlink("k");
            return 0;
        });
        Assert.False((await b.Cache.Remote!.GetAsync<string>("k", null, Reason.MissCold, allowStale: false)).Found);
    }

    [Fact]
    [Trait("clause", "R-6"), Trait("clause", "R-22"), Trait("clause", "R-23")]
    public async Task A_node_that_does_not_follow_uses_nothing_of_Redis_and_doubts_its_memory()
    {
        var time = new ManualTimeProvider();
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis);
        using var b = new ModelNode(redis, time: time);
        b.Connect();
        b.ReadLog();
        time.Advance(TimeSpan.FromSeconds(1));
        b.Follower.Told(0, new(redis.Now, b.Follower.Clock.Now));
        await Fill(b, "1");
        await Fill(b, "1", new() { Tags = ["t"] }, "plain");
        await Written(b);
        await a.Cache.InvalidateAsync(Invalidation.Tag("other"));
        b.Follower.Told(1, new(redis.Now, b.Follower.Clock.Now));
        Assert.NotNull(b.Follower.Usable);
        time.Advance(TimeSpan.FromSeconds(4));
        b.Follower.Told(1, new(redis.Now, b.Follower.Clock.Now));
        Assert.True((await b.Cache.GetAsync<string>("k")).Found);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(b.Follower.Usable);
        Assert.False((await b.Cache.GetAsync<string>("k")).Found);
        Assert.True((await b.Cache.GetAsync<string>("k", allowStale: true)).Found);
        b.ReadLog();
        Assert.NotNull(b.Follower.Usable);
        b.Follower.Told(1, new(redis.Now, b.Follower.Clock.Now));
        // What memory had is gone; what is in Redis is judged by what has been read meanwhile.
        Assert.Equal(Reason.HitRedis, (await Fill(b, "2", new() { Tags = ["t"] }, "plain")).Reason);
        time.Advance(TimeSpan.FromSeconds(4));
        b.Follower.Told(1, new(redis.Now, b.Follower.Clock.Now));
        Assert.NotNull(b.Cache.Memory.Find("k"));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(b.Cache.Memory.Find("k"));
        Assert.True(b.Cache.GetLocal<string>("plain").Found);
    }

    [Fact]
    [Trait("clause", "R-5"), Trait("clause", "R-22")]
    public async Task After_a_gap_it_begins_anew()
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis), b = Connected(redis);
        await Fill(a, "1");
        await Written(a);
        for (int i = 0; i < 5; i++) await a.Cache.InvalidateAsync(Invalidation.Tag("x" + i));
        redis.Run(r => { r.Trim(RemoteStream.Groups, 2); return 0; });
        Assert.Equal(SeenOutcome.Gap, b.ReadLog());
        Assert.Null(b.Follower.Usable);
        b.Connect();
        b.ReadLog();
        Assert.Equal(3, b.Follower.Usable!.Floor);
        Assert.Equal(("2", 1), ((await Fill(b, "2")).Value, b.Tier.Reads.CountOf(RemoteOutcome.Covered)));
    }

    /// <summary>A fill that another node's removal overtakes, of which its node has not heard when it stores.</summary>
    private static async Task<string?> OvertakenByARemoval(ModelRedis redis)
    {
        using ModelNode a = Connected(redis), b = Connected(redis), c = Connected(redis);
        await b.Cache.GetOrCreateAsync("k", async _ =>
        {
            string value = "old";
            await a.Cache.RemoveAsync("k", CancellationToken.None);
            return value;
        }, Tagged);
        await Written(b);
        c.ReadLog();
        return (await c.Cache.GetAsync<string>("k")).Value;
    }

    [Fact]
    [Trait("clause", "R-12"), Trait("clause", "R-16"), Trait("clause", "R-17")]
    public async Task A_fill_that_a_removal_overtook_does_not_enter_Redis()
    {
        Assert.Null(await OvertakenByARemoval(new()));
        Assert.Equal("old", await OvertakenByARemoval(new() { ComparesNoClaims = true }));
    }

    /// <summary>The broken variant: what is removed stays until its event has been appended.</summary>
    private sealed class RemovesLate(ModelRedis redis) : ModelNode(redis)
    {
        private readonly ModelRedis _redis = redis;
        private string? _key;

        public Func<Task> Between { get; set; } = () => Task.CompletedTask;

        public override ValueTask<SlotOutcome> UnlinkAsync(string key)
        {
            _key = key;
            return new(SlotOutcome.Done);
        }

        public override async ValueTask<AppendResult> AppendAsync(RemoteStream stream, ulong epoch, IReadOnlyList<EventField> fields)
        {
            AppendResult result = await base.AppendAsync(stream, epoch, fields);
            await Between();
            if (_key is { } key) _redis.Run(redis => { redis.Unlink(key); return 0; });
            return result;
        }
    }

    /// <summary>Another node reads the event as soon as it is in the log, and a reader comes there.</summary>
    private static async Task<string?> ReadAtOnce(Func<ModelRedis, ModelNode> make)
    {
        var redis = new ModelRedis();
        using ModelNode a = make(redis), b = Connected(redis);
        a.Connect();
        a.ReadLog();
        await Fill(a, "old");
        await Written(a);
        await Fill(b, "-");
        string? value = null;
        async Task Read()
        {
            b.ReadLog();
            Assert.Equal(1, b.Follower.Usable!.SeenUpTo);
            value = (await b.Cache.GetAsync<string>("k")).Value;
        }
        if (a is RemovesLate late) late.Between = Read;
        else a.After = command => command == "append Keys" ? Read() : Task.CompletedTask;
        await a.Cache.RemoveAsync("k");
        return value;
    }

    [Fact]
    [Trait("clause", "R-19")]
    public async Task Who_has_seen_a_removal_finds_nothing_in_the_slot()
    {
        Assert.Null(await ReadAtOnce(redis => new(redis)));
        Assert.Equal("old", await ReadAtOnce(redis => new RemovesLate(redis)));
    }

    /// <summary>The broken variant: readers do not look at what is pending.</summary>
    private sealed class Unseen() : PendingEvents(7)
    {
        public override Invalidation[] Note() => [];

        public override bool CoversKey(string key) => false;
    }

    private static async Task<string?> ReadWhilePending(PendingEvents pending, Invalidation what)
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis, pending), b = Connected(redis);
        await Fill(b, "old");
        await Written(b);
        a.Before = command => { a.IsAway = command.StartsWith("append", StringComparison.Ordinal) || command == "unlink"; return Task.CompletedTask; };
        Assert.Equal(InvalidationStatus.Pending, (await a.Cache.InvalidateAsync(what)).Status);
        return (await a.Cache.GetAsync<string>("k")).Value;
    }

    public static TheoryData<string> Kinds => ["key", "tag", "any", "every", "prefix", "glob", "all"];

    [Theory]
    [MemberData(nameof(Kinds))]
    [Trait("clause", "R-10"), Trait("clause", "R-13"), Trait("clause", "R-14")]
    public async Task What_a_pending_event_covers_is_not_taken_from_Redis(string kind)
    {
        Invalidation what = kind switch
        {
            "key" => Invalidation.Key("k"),
            "tag" => Invalidation.Tag("t"),
            "any" => Invalidation.AnyTag("u", "t"),
            "every" => Invalidation.AllTags("t"),
            "prefix" => Invalidation.Prefix("k"),
            "glob" => Invalidation.Glob("?"),
            _ => Invalidation.All,
        };
        Assert.Null(await ReadWhilePending(new(7), what));
        Assert.Equal("old", await ReadWhilePending(new Unseen(), what));
    }

    /// <summary>A result that a group event overtakes after memory took it and before it is sent.</summary>
    private static async Task<string?> OvertakenOnItsWay(Func<ModelRedis, ModelNode> make)
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis), b = make(redis), c = Connected(redis);
        b.Connect();
        b.ReadLog();
        await b.Cache.GetOrCreateAsync("k", async _ =>
        {
            string value = "old";
            await a.Cache.InvalidateAsync(Invalidation.Tag("t"), cancellationToken: CancellationToken.None);
            return value;
        }, Tagged);
        await Written(b);
        b.ReadLog();
        c.ReadLog();
        return (await c.Cache.GetAsync<string>("k")).Value;
    }

    [Fact]
    [Trait("clause", "R-12"), Trait("clause", "R-16")]
    public async Task A_result_is_stamped_with_what_its_node_had_seen_before_it_asked()
    {
        Assert.Null(await OvertakenOnItsWay(redis => new(redis)));
        Assert.Equal("old", await OvertakenOnItsWay(redis => new StampsLate(redis)));
    }

    [Fact]
    [Trait("clause", "R-22")]
    public async Task A_log_that_can_not_be_read_is_a_doubt_once_and_once_more_when_it_can()
    {
        var redis = new ModelRedis();
        using ModelNode a = new(redis), b = Connected(redis);
        // So that there is something to be read.
        await b.Cache.InvalidateAsync(Invalidation.Tag("before"));
        for (int i = 0; i < 10; i++)
        {
            a.Connect();
            Assert.Null(a.Follower.Usable);
            a.Follower.End();
        }
        Assert.Equal(1, a.Tier.Doubts);
        // What was made meanwhile was ended by what stands in the log before the node begins: it is not read as news.
        Assert.Equal(Reason.MissCold, (await Fill(a, "old", new() { Tags = ["t"] })).Reason);
        Assert.Equal(Reason.HitMemory, (await Fill(a, "not made", new() { Tags = ["t"] })).Reason);
        await b.Cache.InvalidateAsync(Invalidation.Tag("t"));
        a.Connect();
        Assert.Equal(1, a.Tier.Doubts);
        a.ReadLog();
        Assert.NotNull(a.Follower.Usable);
        Assert.Equal(2, a.Tier.Doubts);
        Assert.Equal("new", (await Fill(a, "new", new() { Tags = ["t"] })).Value);
        // A connection that is lost and made again is no doubt.
        a.Follower.End();
        a.Connect();
        Assert.Equal(2, a.Tier.Doubts);
    }
}
