using Larder.Tests.Support;

namespace Larder.Tests.Remote;

/// <summary>Strict nodes, one thing at a time.</summary>
public sealed class StrictTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly EntryOptions Tagged = new() { Tags = ["t"], StaleWhileRevalidate = TimeSpan.FromMinutes(10), StaleIfError = TimeSpan.FromMinutes(10), Ttl = TimeSpan.FromHours(10) };

    private readonly ModelRedis _redis = new();
    private readonly SharedTime _time = new();
    private readonly List<StrictNode> _nodes = [];

    private StrictNode Node(Func<CacheClock, HitLease>? lease = null, Strictness strictness = Strictness.Strict, ModelRedis? redis = null)
    {
        var node = new StrictNode(redis ?? _redis, _time.NewNode(), lease, strictness);
        _nodes.Add(node);
        node.Connect();
        node.ReadLog();
        return node;
    }

    /// <summary>Lets time pass on all nodes; those that are not paused read the log once a second.</summary>
    private void Pass(TimeSpan span) => _time.Pass(span, _nodes);

    /// <summary>As long as an event needs that everybody can confirm.</summary>
    private async Task<InvalidationResult> Ended(ValueTask<InvalidationResult> invalidating)
    {
        Task<InvalidationResult> task = invalidating.AsTask();
        await Eventually.True(() =>
        {
            if (task.IsCompleted) return true;
            _time.Advance(TimeSpan.FromMilliseconds(10));
            return false;
        });
        return await task;
    }

    private static async Task<LookupResult<string>> Fill(ModelNode node, string value, EntryOptions? options = null, string key = "k") =>
        await node.Cache.GetOrCreateResultAsync(key, value, static (value, _) => ValueTask.FromResult(value), options ?? Tagged);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("clause", "R-26"), Trait("clause", "R-29")]
    public async Task An_event_is_everywhere_when_every_strict_node_has_seen_it(bool byKey)
    {
        StrictNode a = Node(strictness: Strictness.Available), b = Node(), c = Node();
        Pass(TimeSpan.FromSeconds(8));
        Assert.Equal("1", (await Fill(b, "1")).Value);
        Assert.Equal(Reason.HitMemory, (await Fill(b, "-")).Reason);
        Task<InvalidationResult> task = a.Cache.InvalidateAsync(byKey ? Invalidation.Key("k") : Invalidation.Tag("t"), InvalidationReach.Everywhere).AsTask();
        c.ReadLog();
        for (int i = 0; i < 100; i++) _time.Advance(TimeSpan.FromMilliseconds(10));
        Assert.False(task.IsCompleted);
        // Reading renews at once: nobody need wait for a second.
        b.ReadLog();
        InvalidationResult result = await Ended(new(task));
        Assert.Equal((InvalidationStatus.Acknowledged, InvalidationReach.Everywhere), (result.Status, result.Reach));
        Assert.Equal("2", (await Fill(b, "2")).Value);
        // Reach Logged waits for nobody.
        result = await a.Cache.InvalidateAsync(Invalidation.Tag("t"), InvalidationReach.Logged);
        Assert.Equal((InvalidationStatus.Acknowledged, InvalidationReach.Logged), (result.Status, result.Reach));
        Assert.Equal(Reason.HitMemory, (await Fill(b, "-")).Reason);
    }

    [Fact]
    [Trait("clause", "R-29")]
    public async Task A_node_that_confirms_nothing_but_lives_ends_the_wait_and_the_result_says_so()
    {
        StrictNode a = Node(), b = Node();
        Pass(TimeSpan.FromSeconds(8));
        Task<InvalidationResult> task = a.Cache.InvalidateAsync(Invalidation.Tag("t"), InvalidationReach.Everywhere).AsTask();
        // It renews and does not read.
        InvalidationResult result = await Ended(new(task));
        Assert.Equal((InvalidationStatus.Acknowledged, InvalidationReach.Logged), (result.Status, result.Reach));
        b.ReadLog();
        using var cancelled = new CancellationTokenSource();
        task = a.Cache.InvalidateAsync(Invalidation.Tag("t"), InvalidationReach.Everywhere, cancellationToken: cancelled.Token).AsTask();
        await cancelled.CancelAsync();
        Assert.Equal(InvalidationReach.Logged, (await task).Reach);
    }

    [Fact]
    [Trait("clause", "R-24"), Trait("clause", "R-29")]
    public async Task An_event_that_is_local_waits_for_nothing_and_is_sent_all_the_same()
    {
        StrictNode a = Node(), b = Node();
        await Fill(b, "1");
        InvalidationResult result = await a.Cache.InvalidateAsync(Invalidation.Tag("t"), InvalidationReach.Local);
        Assert.Equal((InvalidationStatus.Pending, InvalidationReach.Local), (result.Status, result.Reach));
        await Eventually.True(() => _redis.Run(redis => redis.State().Last) == 1);
        b.ReadLog();
        Assert.Equal("2", (await Fill(b, "2")).Value);
    }

    private sealed class WithoutAClock(CacheClock clock) : HitLease(clock)
    {
        public override bool Lives => WasRenewed;
    }

    private sealed class CountedFromTheAnswer(CacheClock clock) : HitLease(clock)
    {
        protected override long CountedFrom(long sent, long answered) => answered;
    }

    /// <summary>A node stands still, as by SIGSTOP, but for a reader; another one's event goes on without it.</summary>
    private async Task<LookupResult<string>> Paused(Func<CacheClock, HitLease>? lease)
    {
        StrictNode a = Node(), b = Node(lease);
        Pass(TimeSpan.FromSeconds(8));
        await Fill(b, "1");
        Assert.Equal(Reason.HitMemory, (await Fill(b, "-")).Reason);
        b.Time.IsPaused = true;
        InvalidationResult result = await Ended(a.Cache.InvalidateAsync(Invalidation.Tag("t"), InvalidationReach.Everywhere));
        Assert.Equal(InvalidationReach.Everywhere, result.Reach);
        return await Fill(b, "2");
    }

    [Fact]
    [Trait("clause", "R-26"), Trait("clause", "R-28")]
    public async Task A_node_that_stood_still_serves_nothing_after_its_lease()
    {
        LookupResult<string> read = await Paused(null);
        Assert.Equal(("2", Reason.MissUnproven), (read.Value, read.Reason));
        StrictNode b = _nodes[1];
        // What was made meanwhile can't be a hit either, nor be taken from Redis.
        Assert.Equal(Reason.MissUnproven, (await Fill(b, "3")).Reason);
        Assert.Equal(Reason.MissUnproven, b.Cache.GetLocal<string>("k").Reason);
        Assert.Null(b.Cache.FindKept<string>("k", out Reason missing, out _));
        Assert.Equal(Reason.MissUnproven, missing);
        Assert.False(b.Cache.Exists("k"));
        Assert.Empty(b.Cache.GetKeys());
        Assert.False((await b.Cache.GetAsync<string>("k", allowStale: true)).Found);
        // Nor does it stand in for a failure.
        await Assert.ThrowsAsync<TimeZoneNotFoundException>(async () => await b.Cache.GetOrCreateAsync<string>("k", static _ => throw new TimeZoneNotFoundException(), Tagged));
        b.Time.IsPaused = false;
        Pass(TimeSpan.FromSeconds(3));
        await Fill(b, "4");
        Assert.Equal(Reason.HitMemory, (await Fill(b, "-")).Reason);
    }

    [Fact]
    [Trait("clause", "R-28")]
    public async Task Without_a_look_at_the_clock_it_would() => Assert.Equal("1", (await Paused(clock => new WithoutAClock(clock))).Value);

    /// <summary>The renewal was executed long before its answer came.</summary>
    private async Task<LookupResult<string>> AnsweredLate(Func<CacheClock, HitLease>? lease)
    {
        StrictNode a = Node(), b = Node(lease);
        Pass(TimeSpan.FromSeconds(8));
        await Fill(b, "1");
        var answer = new TaskCompletionSource();
        b.After = command => command == "renew" ? answer.Task : Task.CompletedTask;
        _time.Advance(Second);
        b.Follower.Told(0, new(_redis.Now, b.Follower.Clock.Now));
        Assert.Equal(Reason.HitMemory, (await Fill(b, "-")).Reason);
        Task<InvalidationResult> task = a.Cache.InvalidateAsync(Invalidation.Tag("t"), InvalidationReach.Everywhere).AsTask();
        for (int i = 0; i < 700 && !task.IsCompleted; i++)
        {
            // It hears of the state, so that it is not behind, but of no event: its connection is slow.
            if (i % 100 == 0) b.Follower.Told(0, new(_redis.Now, b.Follower.Clock.Now));
            _time.Advance(TimeSpan.FromMilliseconds(10));
        }
        Assert.Equal(InvalidationReach.Everywhere, (await task).Reach);
        answer.SetResult();
        return await Fill(b, "2");
    }

    [Fact]
    [Trait("clause", "R-26")]
    public async Task A_lease_counts_from_before_its_renewal_was_sent() => Assert.Equal("2", (await AnsweredLate(null)).Value);

    [Fact]
    [Trait("clause", "R-26")]
    public async Task Counted_from_the_answer_it_would_be_too_long() => Assert.Equal("1", (await AnsweredLate(clock => new CountedFromTheAnswer(clock))).Value);

    [Fact]
    [Trait("clause", "R-26"), Trait("clause", "R-28")]
    public async Task Who_joins_serves_when_it_has_seen_what_was_there()
    {
        StrictNode a = Node();
        var b = new StrictNode(_redis, _time.NewNode());
        _nodes.Add(b);
        // Another event comes after the state was read and before the lease.
        var renewing = new TaskCompletionSource();
        b.Before = command => command == "renew" ? renewing.Task : Task.CompletedTask;
        b.Connect();
        b.ReadLog();
        await a.Cache.InvalidateAsync(Invalidation.Tag("t"));
        renewing.SetResult();
        await Fill(b, "1");
        Assert.Equal(Reason.MissUnproven, (await Fill(b, "2")).Reason);
        b.ReadLog();
        await Fill(b, "3");
        Assert.Equal(Reason.HitMemory, (await Fill(b, "-")).Reason);
        Assert.Equal(2, _redis.Run(redis => redis.Leases.Count));
        b.Dispose();
        Assert.Equal(1, _redis.Run(redis => redis.Leases.Count));
        Assert.Equal(Reason.MissUnproven, b.Cache.GetLocal<string>("k").Reason);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("clause", "R-26"), Trait("clause", "R-28")]
    public async Task Who_joins_takes_nothing_from_Redis_that_an_event_ended_before_it_had_a_lease(bool isBroken)
    {
        var redis = new ModelRedis { Leases = new() { TellsNoJoined = isBroken } };
        StrictNode a = Node(redis: redis);
        Pass(TimeSpan.FromSeconds(8));
        await Fill(a, "1");
        await Eventually.True(() => a.Tier.Writes.IsIdle);
        var b = new StrictNode(redis, _time.NewNode());
        _nodes.Add(b);
        var renewing = new TaskCompletionSource();
        b.Before = command => command == "renew" ? renewing.Task : Task.CompletedTask;
        b.Connect();
        b.ReadLog();
        // Nobody knows of the other one yet, which has seen all there was until now.
        Assert.Equal(InvalidationReach.Everywhere, (await Ended(a.Cache.InvalidateAsync(Invalidation.Tag("t"), InvalidationReach.Everywhere))).Reach);
        renewing.SetResult();
        LookupResult<string> read = await Fill(b, "2");
        Assert.Equal(isBroken ? ("1", Reason.HitRedis) : ("2", Reason.MissCold), (read.Value, read.Reason));
    }

    [Theory]
    [InlineData("gap")]
    [InlineData("epoch")]
    [InlineData("behind")]
    [Trait("clause", "R-22"), Trait("clause", "R-23")]
    public async Task What_can_not_be_proven_is_ended_at_once(string why)
    {
        StrictNode a = Node(), b = Node();
        await Fill(b, "1");
        Assert.Equal(Reason.HitMemory, (await Fill(b, "-")).Reason);
        switch (why)
        {
            case "gap":
                await a.Cache.InvalidateAsync(Invalidation.Tag("x"));
                await a.Cache.InvalidateAsync(Invalidation.Tag("y"));
                _redis.Run(redis => { redis.Trim(RemoteStream.Groups, 1); return 0; });
                Assert.Equal(SeenOutcome.Gap, b.ReadLog());
                break;
            case "epoch":
                _redis.Run(redis => { redis.Restart(); return 0; });
                b.Follower.End();
                b.Connect();
                break;
            default:
                _time.Advance(TimeSpan.FromSeconds(6));
                b.Follower.LookAtTheTime();
                break;
        }
        // Nothing, not even as stale: the entry has a window of minutes.
        Assert.Equal("2", (await Fill(b, "2")).Value);
        if (why == "gap") b.Connect();
        if (why == "behind") Assert.Equal(Reason.MissUnproven, (await Fill(b, "3")).Reason);
        b.Read();
        Pass(Second * 2);
        Assert.Equal("4", (await Fill(b, "4", key: "l")).Value);
        Assert.Equal(Reason.HitMemory, (await Fill(b, "-", key: "l")).Reason);
    }

    [Fact]
    [Trait("clause", "R-28")]
    public async Task Who_comes_while_nothing_is_proven_takes_no_value_whose_making_began_before()
    {
        StrictNode b = Node();
        _time.Advance(TimeSpan.FromSeconds(5));
        var first = new TaskCompletionSource<string>();
        Task<string> before = b.Cache.GetOrCreateAsync("k", first.Task, static (made, _) => new ValueTask<string>(made), Tagged).AsTask();
        Task<string>[] after = [.. Enumerable.Range(0, 20).Select(_ => b.Cache.GetOrCreateAsync("k", "2", static async (value, _) =>
        {
            await Task.Yield();
            return value;
        }, Tagged).AsTask())];
        Task<Dictionary<string, string>> batch = BatchAsync();
        first.SetResult("1");
        Assert.Equal("1", await before);
        Assert.All(await Task.WhenAll(after), value => Assert.Equal("2", value));
        Assert.Equal("2", (await batch)["k"]);

        async Task<Dictionary<string, string>> BatchAsync() => new(await b.Cache.GetOrCreateManyAsync(["k"], "2", static (value, keys, _) =>
            ValueTask.FromResult<IReadOnlyDictionary<string, string>>(keys.ToDictionary(key => key, _ => value)), Tagged));
    }

    [Fact]
    [Trait("clause", "R-23"), Trait("clause", "R-24")]
    public async Task A_caller_is_told_as_an_error_that_Redis_does_not_have_his_event()
    {
        StrictNode a = Node();
        await Fill(a, "1");
        a.IsAway = true;
        var thrown = await Assert.ThrowsAsync<PendingInvalidationException>(async () => await a.Cache.InvalidateAsync(Invalidation.Tag("t"), "why"));
        Assert.Equal((InvalidationStatus.Pending, InvalidationReach.Local), (thrown.Result.Status, thrown.Result.Reach));
        Assert.Equal(InvalidationStatus.Pending, Assert.Single(a.Cache.InvalidationHistory.Last()).Status);
        await Assert.ThrowsAsync<PendingInvalidationException>(async () => await a.Cache.RemoveAsync("k"));
        await Assert.ThrowsAsync<PendingInvalidationException>(async () => await a.Cache.SetAsync("k", "x"));
        Assert.Equal(InvalidationStatus.Pending, (await a.Cache.InvalidateAsync(Invalidation.Tag("t"), InvalidationReach.Local)).Status);
        // Its position is good here and nowhere else.
        PositionToken token = a.Cache.PositionToken;
        Assert.True(await a.Cache.CatchUpAsync(token));
        a.IsAway = false;
        StrictNode b = Node();
        Assert.False(await b.Cache.CatchUpAsync(token, TimeSpan.Zero));
        Pass(Second * 2);
        await Eventually.True(() => _redis.Run(redis => redis.State().Last) >= 4);
        await Eventually.True(() => a.Cache.PositionToken != token);
        b.ReadLog();
        Assert.True(await b.Cache.CatchUpAsync(a.Cache.PositionToken, TimeSpan.Zero));
    }

    [Fact]
    [Trait("clause", "R-26")]
    public async Task What_others_left_behind_is_given_up_and_lost_leases_are_waited_for()
    {
        StrictNode a = Node(), b = Node();
        b.Time.IsPaused = true;
        Pass(TimeSpan.FromSeconds(25));
        Assert.Equal(1, _redis.Run(redis => redis.Leases.Count));
        b.Time.IsPaused = false;
        Pass(TimeSpan.FromSeconds(8));
        await Fill(b, "1");
        Assert.Equal(Reason.HitMemory, (await Fill(b, "-")).Reason);
        b.Time.IsPaused = true;
        // The lease of the other one is nowhere now, and still lives.
        _redis.Run(redis => { redis.Leases.Lose(); return 0; });
        Task<InvalidationResult> task = a.Cache.InvalidateAsync(Invalidation.Tag("t"), InvalidationReach.Everywhere).AsTask();
        for (int i = 0; i < 100; i++) _time.Advance(TimeSpan.FromMilliseconds(10));
        Assert.Equal(Reason.HitMemory, (await Fill(b, "-")).Reason);
        Assert.False(task.IsCompleted);
        Assert.Equal(InvalidationReach.Everywhere, (await Ended(new(task))).Reach);
        Assert.Equal("2", (await Fill(b, "2")).Value);
    }

    [Fact]
    public void A_strict_node_needs_a_place_for_its_lease()
    {
        var options = new LarderOptions { Remote = _ => new(_nodes is [] ? null! : _nodes[0], null!) { Strictness = Strictness.Strict } };
        Assert.Throws<ArgumentException>(() => new LarderCache(options));
    }

    [Fact]
    public void Nothing_is_loaded_into_a_strict_node()
    {
        StrictNode b = Node();
        var entry = new Entry { Key = "k", Value = "old", FreshUntil = long.MaxValue, Hash = KeyComparer.Hash("k"), Cost = 100, CreatedAt = 0 };
        Assert.NotEqual(Reason.None, b.Cache.Memory.TryAddLoaded(entry, long.MaxValue));
    }
}
