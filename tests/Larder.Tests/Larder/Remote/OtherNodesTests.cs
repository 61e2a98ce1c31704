using Larder.Tests.Support;

namespace Larder.Tests.Remote;

/// <summary>One fill for all nodes: what they wait for, and what ends that. The test moves their clock.</summary>
[Trait("clause", "R-35")]
public sealed class OtherNodesTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5), Step = TimeSpan.FromMilliseconds(10);

    private static readonly EntryOptions Waiting = new() { WaitForOtherNodes = Patience };

    private readonly ManualTimeProvider _time = new();
    private readonly ModelRedis _redis = new();
    private readonly List<ModelNode> _nodes = [];
    private int _runs;

    public void Dispose() => _nodes.ForEach(node => node.Dispose());

    private ModelNode Node(ModelNode? node = null)
    {
        _nodes.Add(RemoteNodes.Connect(node ??= new(_redis, time: _time)));
        return node;
    }

    private static long Waits(ModelNode node) => node.Cache.PartialFills[EntryAccess.Whole].Remote!.Waits;

    private async Task<LookupResult<string>> Fill(ModelNode node, Func<CancellationToken, Task<string>> make, EntryOptions? options = null, CancellationToken token = default) =>
        await node.Cache.GetOrCreateResultAsync("k", make, async (make, token) =>
        {
            Interlocked.Increment(ref _runs);
            return await make(token);
        }, options ?? Waiting, token);

    private Task<LookupResult<string>> Fill(ModelNode node, string value, EntryOptions? options = null) => Fill(node, _ => Task.FromResult(value), options);

    private void Pass(TimeSpan span)
    {
        for (TimeSpan passed = default; passed < span; passed += Step)
        {
            _time.Advance(Step);
            foreach (ModelNode node in _nodes) node.Follower.Told(_redis.Run(r => r.State().Last), new(_redis.Now, node.Follower.Clock.Now));
        }
    }

    /// <summary>Time passes until it is so, but no more than the patience, in which nobody would wait any longer.</summary>
    private async Task<bool> HappensInTime(Func<bool> condition)
    {
        for (TimeSpan passed = default; passed < Patience * 0.9; passed += Step)
        {
            // What the step sets going runs elsewhere: it is given a moment.
            if (await Eventually.Happens(condition, TimeSpan.FromMilliseconds(1))) return true;
            Pass(Step);
        }
        return false;
    }

    /// <summary>A leader whose run has begun, and others that wait for it.</summary>
    private async Task<(Task<LookupResult<string>> Leading, Task<LookupResult<string>>[] Others)> Begin(
        ModelNode leader, Task<string> made, EntryOptions? options = null, CancellationToken token = default)
    {
        Task<LookupResult<string>> leading = Fill(leader, made.WaitAsync, options, token);
        await Eventually.True(() => _runs == 1);
        Task<LookupResult<string>>[] others = [.. Enumerable.Range(0, 3).Select(i => Fill(Node(), $"other {i}"))];
        await Eventually.True(() => _nodes.Skip(1).All(node => Waits(node) == 1));
        return (leading, others);
    }

    [Fact]
    public async Task Nodes_that_miss_at_once_run_one_factory()
    {
        var made = new TaskCompletionSource<string>();
        (Task<LookupResult<string>> leading, Task<LookupResult<string>>[] others) = await Begin(Node(), made.Task);
        Pass(Patience / 2);
        Assert.Equal(1, _runs);
        made.SetResult("one");
        Assert.Equal(Reason.MissCold, (await leading).Reason);
        Assert.True(await HappensInTime(() => Array.TrueForAll(others, other => other.IsCompleted)));
        foreach (Task<LookupResult<string>> other in others) Assert.Equal(("one", Reason.HitRedis), ((await other).Value, (await other).Reason));
        Assert.Equal(1, _runs);
    }

    [Fact]
    public async Task Without_the_option_each_node_runs_its_own()
    {
        var made = new TaskCompletionSource<string>();
        Task<LookupResult<string>>[] filling = [.. Enumerable.Range(0, 4).Select(_ => Fill(Node(), made.Task.WaitAsync, new()))];
        await Eventually.True(() => _runs == 4);
        made.SetResult("own");
        await Task.WhenAll(filling);
        Assert.All(_nodes, node => Assert.Equal(0, Waits(node)));
    }

    public enum End
    {
        Fails,
        IsCancelled,
        IsTooSlow,
        IsDeclined,
        IsNotWorthIt,
        IsNull,
        IsOvertaken,
    }

    /// <summary>A leader that brings nothing to wait for.</summary>
    /// <returns>Whether one of the others makes the value in time, and for all of them.</returns>
    private async Task<bool> OneTakesOver(ModelNode leader, End end)
    {
        Node(leader);
        using var giveUp = new CancellationTokenSource();
        EntryOptions options = end switch
        {
            End.IsTooSlow => Waiting with { HardTimeout = TimeSpan.FromMilliseconds(500) },
            End.IsNotWorthIt => Waiting with { StoreWhen = _ => false },
            _ => Waiting,
        };
        var made = new TaskCompletionSource<string>();
        Task<LookupResult<string>> leading = end != End.IsDeclined
            ? Fill(leader, made.Task.WaitAsync, options, giveUp.Token)
            : leader.Cache.GetOrCreateResultAsync<string>("k", async (context, _) =>
            {
                Interlocked.Increment(ref _runs);
                context.DoNotStore();
                return await made.Task;
            }, options).AsTask();
        await Eventually.True(() => _runs == 1);
        Task<LookupResult<string>>[] others = [.. Enumerable.Range(0, 3).Select(i => Fill(Node(), $"other {i}"))];
        await Eventually.True(() => _nodes.Skip(1).All(node => Waits(node) == 1));
        switch (end)
        {
            case End.Fails: made.SetException(new InvalidDataException("the source")); break;
            case End.IsCancelled: await giveUp.CancelAsync(); break;
            case End.IsTooSlow: Pass(TimeSpan.FromMilliseconds(600)); break;
            case End.IsNull: made.SetResult(null!); break;
            case End.IsOvertaken:
                // By an event that takes nothing out of the slot.
                await leader.Cache.InvalidateAsync(Invalidation.All);
                made.SetResult("old");
                break;
            default: made.SetResult("unkept"); break;
        }
        bool isMade = await HappensInTime(() => Array.TrueForAll(others, other => other.IsCompleted));
        await ((Task)leading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!isMade) return false;
        LookupResult<string>[] answers = await Task.WhenAll(others);
        Assert.Equal(2, _runs);
        Assert.Single(answers, answer => answer.Reason != Reason.HitRedis);
        Assert.Single(answers.Select(answer => answer.Value).Distinct());
        return true;
    }

    public static TheoryData<End> Ends => [.. Enum.GetValues<End>()];

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task Where_the_one_that_is_waited_for_stores_nothing_the_next_one_runs(End end) => Assert.True(await OneTakesOver(new(_redis, time: _time), end));

    /// <summary>The broken variant: it leaves its ticket.</summary>
    private sealed class Leaves(ModelRedis redis, TimeProvider time) : ModelNode(redis, time: time), IRemoteStore
    {
        ValueTask<SlotOutcome> IRemoteStore.RemoveAsync(string key, SlotClaim claim) => new(SlotOutcome.Refused);
    }

    [Fact]
    public async Task One_that_left_its_ticket_would_be_waited_for() => Assert.False(await OneTakesOver(new Leaves(_redis, _time), End.Fails));

    [Fact]
    public async Task A_node_that_dies_costs_the_others_the_wait()
    {
        (_, Task<LookupResult<string>>[] others) = await Begin(Node(), new TaskCompletionSource<string>().Task);
        Assert.False(await HappensInTime(() => _runs > 1));
        Pass(Patience * 0.2);
        await Task.WhenAll(others);
        Assert.InRange(_runs, 2, 4);
        // What came first is in Redis by now, by the claim of the ticket that the others saw, too.
        await Eventually.True(() => _nodes.TrueForAll(node => node.Tier.Writes.IsIdle));
        Assert.NotEmpty(_redis.Run(r => r.Get("k")).Stored);
    }

    [Fact]
    public async Task Where_the_ticket_is_gone_one_of_those_that_waited_puts_its_own()
    {
        var first = new TaskCompletionSource<string>();
        (Task<LookupResult<string>> leading, Task<LookupResult<string>>[] others) = await Begin(Node(), first.Task);
        _redis.Run(r => { r.Unlink("k"); return 0; });
        Assert.True(await HappensInTime(() => Array.TrueForAll(others, other => other.IsCompleted)));
        Assert.Equal(2, _runs);
        first.SetResult("late");
        Assert.Equal("late", (await leading).Value);
        await Eventually.True(() => _nodes.TrueForAll(node => node.Tier.Writes.IsIdle));
        Assert.Equal((await others[0]).Value, (await Node().Cache.GetAsync<string>("k")).Value);
    }

    [Fact]
    public async Task Whoever_waits_goes_on_alone_where_Redis_does_not_answer()
    {
        (_, Task<LookupResult<string>>[] others) = await Begin(Node(), new TaskCompletionSource<string>().Task);
        foreach (ModelNode node in _nodes) node.IsAway = true;
        Assert.True(await HappensInTime(() => Array.TrueForAll(others, other => other.IsCompleted)));
        Assert.Equal(4, _runs);
    }

    [Fact]
    public async Task A_soft_timeout_is_about_the_wait_too_and_a_hard_one_leaves_time_for_the_run()
    {
        EntryOptions options = Waiting with
        {
            Ttl = TimeSpan.FromSeconds(10), StaleIfError = TimeSpan.FromHours(1), SoftTimeout = TimeSpan.FromMilliseconds(100), HardTimeout = TimeSpan.FromSeconds(2),
        };
        ModelNode a = Node(), b = Node();
        a.IsAway = true;
        await Fill(a, "stale", options);
        a.IsAway = false;
        Pass(TimeSpan.FromSeconds(11));
        _ = Fill(b, new TaskCompletionSource<string>().Task.WaitAsync, Waiting);
        await Eventually.True(() => _runs == 2);
        Task<LookupResult<string>> stale = Fill(a, "new", options);
        await Eventually.True(() => Waits(a) == 1);
        Assert.True(await HappensInTime(() => stale.IsCompleted));
        Assert.Equal(("stale", Reason.Stale), ((await stale).Value, (await stale).Reason));
        Assert.Equal(2, _runs);
        // After half of its limit it makes the value itself.
        Pass(TimeSpan.FromSeconds(1));
        await Eventually.True(() => a.Cache.GetLocal<string>("k").Found);
        Assert.Equal("new", a.Cache.GetLocal<string>("k").Value);
    }

    [Fact]
    public async Task Callers_that_have_gone_end_the_wait()
    {
        using var giveUp = new CancellationTokenSource();
        ModelNode a = Node(), b = Node();
        _ = Fill(a, new TaskCompletionSource<string>().Task.WaitAsync);
        await Eventually.True(() => _runs == 1);
        Task<LookupResult<string>> waiting = Fill(b, _ => Task.FromResult("b"), token: giveUp.Token);
        await Eventually.True(() => Waits(b) == 1);
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal(0, b.Cache.FillsUnderWay);
        Pass(Patience * 2);
        Assert.Equal(1, _runs);
        Assert.NotEqual(0u, _redis.Run(r => r.Get("k")).Identity);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_batch_waits_for_nobody_and_is_waited_for(bool fails)
    {
        var made = new TaskCompletionSource();
        ModelNode a = Node(), b = Node(), c = Node();
        Task<IReadOnlyDictionary<string, string>> Batch(ModelNode node, params string[] keys) => node.Cache.GetOrCreateManyAsync(keys, async (missing, _) =>
        {
            Interlocked.Increment(ref _runs);
            await made.Task;
            return (IReadOnlyDictionary<string, string>)missing.ToDictionary(key => key, _ => "batch");
        }, Waiting).AsTask();
        // Each has what the other one wants.
        Task<IReadOnlyDictionary<string, string>> first = Batch(a, "k", "x");
        await Eventually.True(() => _runs == 1);
        Task<IReadOnlyDictionary<string, string>> second = Batch(b, "x", "y");
        await Eventually.True(() => _runs == 2);
        Task<LookupResult<string>> single = Fill(c, "single");
        await Eventually.True(() => Waits(c) == 1);
        if (fails) made.SetException(new InvalidDataException("the source"));
        else made.SetResult();
        Assert.True(await HappensInTime(() => single.IsCompleted));
        Assert.Equal(fails ? "single" : "batch", (await single).Value);
        await Task.WhenAll(first, second).ContinueWith(_ => { }, TaskScheduler.Default);
    }

    [Fact]
    public void The_option_is_checked()
    {
        Assert.Contains("WaitForOtherNodes is -00:00:01", Assert.Single(EntryRules.Problems(new() { WaitForOtherNodes = TimeSpan.FromSeconds(-1) })!), StringComparison.Ordinal);
        Assert.Null(EntryRules.Problems(new() { WaitForOtherNodes = TimeSpan.Zero }));
    }
}
