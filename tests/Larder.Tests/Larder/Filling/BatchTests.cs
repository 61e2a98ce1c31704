using System.Collections.Concurrent;
using Larder.Tests.Support;

namespace Larder.Tests.Filling;

public sealed class BatchTests : IDisposable
{
    private static readonly EntryOptions Options = new() { Ttl = Seconds(10), Tags = ["tag"] };

    private readonly ManualTimeProvider _time = new();
    private readonly ConcurrentQueue<string> _asked = [];
    private readonly LarderCache _cache;
    private int _version;

    public BatchTests() => _cache = new(new() { MaxEntries = 20_000 }, _time);

    public void Dispose() => _cache.Dispose();

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    /// <summary>Knows every key but those that begin with "no".</summary>
    private ValueTask<IReadOnlyDictionary<string, string?>> Load(IReadOnlyList<string> keys, CancellationToken token)
    {
        int version = Interlocked.Increment(ref _version);
        _asked.Enqueue(string.Join(' ', keys.Order()));
        return new(keys.Where(key => !key.StartsWith("no", StringComparison.Ordinal)).ToDictionary(key => key, key => (string?)$"{key}.{version}"));
    }

    private async Task<string> Many(string keys, EntryOptions? options = null) =>
        Text(await _cache.GetOrCreateManyAsync<string?>(keys.Split(' '), Load, options ?? Options));

    private static string Text(IReadOnlyDictionary<string, string?> values) => string.Join(' ', values.OrderBy(v => v.Key).Select(v => v.Value ?? v.Key + "=null"));

    [Fact]
    public async Task One_run_makes_what_is_missing_and_nothing_else()
    {
        Assert.Equal("a.1 b.1", await Many("a b a b"));
        Assert.Equal("a.1 b.1 c.2 d.2", await Many("a b c d"));
        Assert.Equal("a.1 d.2", await Many("d a"));
        Assert.Equal(["a b", "c d"], _asked);
        Assert.Equal("a.1", _cache.GetLocal<string>("a").Value);
        Assert.Equal((4L, 4L), (_cache.Statistics.Misses, _cache.Statistics.Hits - 1));
        await _cache.InvalidateAsync(Invalidation.Tag("tag"));
        Assert.Equal("a.3 b.3", await Many("a b"));
        Assert.Empty(await _cache.GetOrCreateManyAsync<string?>([], Load));
        Assert.Equal("x.4", Text(await _cache.GetOrCreateManyAsync(["x"], this, static (test, keys, token) => test.Load(keys, token))));
    }

    [Fact]
    public async Task A_key_that_the_factory_leaves_out_has_no_value()
    {
        Assert.Equal("a.1", await Many("a none"));
        Assert.Equal("a.1", await Many("a none"));
        Assert.Equal(["a none", "none"], _asked);
        EntryOptions nulls = Options with { StoreNull = true };
        Assert.Equal("b.3 none=null", await Many("b none", nulls));
        Assert.Equal("b.3 none=null", await Many("b none", nulls));
        Assert.Equal(3, _asked.Count);
        var numbers = await _cache.GetOrCreateManyAsync<int>(["n"], (_, _) => new(new Dictionary<string, int>()), nulls);
        Assert.Empty(numbers);
    }

    [Fact]
    public async Task A_key_that_is_gone_at_the_origin_takes_its_stale_value_along()
    {
        EntryOptions options = Options with { StaleIfError = Seconds(60) };
        await _cache.SetAsync("none", "old", options);
        _time.Advance(Seconds(10));
        Assert.Equal("", await Many("none", options));
        Assert.False((await _cache.GetAsync<string>("none", allowStale: true)).Found);
    }

    [Fact]
    public async Task Batches_and_single_calls_share_their_flights()
    {
        var gate = new TaskCompletionSource<string>();
        Task<string> single = _cache.GetOrCreateAsync("b", _ => new ValueTask<string>(gate.Task), Options).AsTask();
        Task<string> batch = Many("a b c");
        var batchGate = new TaskCompletionSource();
        Task<string> slow = Slow("d e", batchGate);
        Task<string> follower = _cache.GetOrCreateAsync("d", _ => new ValueTask<string>("never"), Options).AsTask();
        Assert.False(batch.IsCompleted || follower.IsCompleted);
        gate.SetResult("single");
        batchGate.SetResult();
        Assert.Equal(("single", "a.1 single c.1", "d.2 e.2", "d.2"), (await single, await batch, await slow, await follower));
        Assert.Equal(["a c", "d e"], _asked);
        Assert.Equal(2, _cache.ReasonCounts["coalesced"]);
    }

    private async Task<string> Slow(string keys, TaskCompletionSource gate, CancellationToken cancellationToken = default, Action<CancellationToken>? started = null) =>
        Text(await _cache.GetOrCreateManyAsync<string?>(keys.Split(' '), async (missing, token) =>
        {
            started?.Invoke(token);
            await gate.Task;
            return await Load(missing, token);
        }, Options, cancellationToken));

    [Fact]
    public async Task Batches_that_cross_do_not_wait_for_ever()
    {
        for (int round = 0; round < 50; round++)
        {
            Task<string>[] calls = [.. Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
            {
                IEnumerable<string> keys = Enumerable.Range(0, 20).Select(k => "k" + (i % 2 == 0 ? k : 19 - k));
                return Text(await _cache.GetOrCreateManyAsync<string?>(keys, async (missing, token) =>
                {
                    await Task.Yield();
                    return await Load(missing, token);
                }, Options));
            }))];
            string[] texts = await Task.WhenAll(calls);
            Assert.Single(texts.Distinct());
            await _cache.ClearAsync();
        }
        Assert.Equal(0, _cache.FillsUnderWay);
        // Every key is made once a round, whoever makes it.
        Assert.Equal(50 * 20, _asked.Sum(keys => keys.Split(' ').Length));
    }

    [Fact]
    public async Task A_follower_of_a_key_that_the_batch_leaves_out_makes_it_itself()
    {
        var gate = new TaskCompletionSource();
        Task<string> batch = Slow("none", gate);
        Task<string> single = _cache.GetOrCreateAsync("none", _ => new ValueTask<string>("made")).AsTask();
        Task<string> other = Many("none");
        gate.SetResult();
        Assert.Equal(("", "made"), (await batch, await single));
        Assert.Contains(await other, new[] { "", "made" });
    }

    [Fact]
    public async Task An_invalidation_overtakes_each_key_by_itself()
    {
        var gate = new TaskCompletionSource();
        Task<string> first = Slow("a b", gate);
        await _cache.InvalidateAsync(Invalidation.Key("a"));
        Task<string> second = Many("a b");
        gate.SetResult();
        Assert.Equal(["a.2 b.2", "a.1 b.2"], [await first, await second]);
        Assert.Equal("a.1 b.2", await Many("a b"));
        var third = new TaskCompletionSource();
        Task<string> early = Slow("x none", third);
        await _cache.InvalidateAsync(Invalidation.Tag("tag"));
        Task<string> late = Many("x none");
        third.SetResult();
        Assert.Equal("x.3", await early);
        Assert.Equal("x.4", await late);
    }

    [Fact]
    public async Task A_caller_that_gives_up_harms_nobody_and_the_last_one_ends_the_run()
    {
        using var first = new CancellationTokenSource();
        using var second = new CancellationTokenSource();
        var gate = new TaskCompletionSource();
        CancellationToken inFactory = default;
        Task<string> leader = Slow("a b", gate, first.Token, token => inFactory = token);
        Task<string> follower = Slow("b c", gate, second.Token);
        await first.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leader);
        // Somebody still waits for b.
        Assert.Equal((false, 2), (inFactory.IsCancellationRequested, _cache.FillsUnderWay));
        await second.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => follower);
        Assert.Equal((true, 0), (inFactory.IsCancellationRequested, _cache.FillsUnderWay));
        gate.SetResult();
        Assert.Equal(0, _cache.Statistics.Entries);
    }

    [Fact]
    public async Task A_failure_fails_the_call_unless_every_key_has_a_value_that_stands_in()
    {
        EntryOptions options = Options with { StaleIfError = Seconds(60), FailureTtl = Seconds(5) };
        await Many("a b", options);
        _time.Advance(Seconds(10));
        int calls = 0;
        async Task<string> Broken(params string[] keys) => Text(await _cache.GetOrCreateManyAsync<string?>(keys, (_, _) =>
        {
            calls++;
            throw new FormatException();
        }, options));
        Assert.Equal("a.1 b.1", await Broken("a", "b"));
        Assert.Equal("a.1 b.1", await Broken("a", "b"));
        Assert.Equal(1, calls);
        await Assert.ThrowsAsync<FormatException>(() => Broken("a", "new"));
        await Assert.ThrowsAsync<FormatException>(() => Broken("a", "new"));
        Assert.Equal(2, calls);
        Assert.Equal(0, _cache.FillsUnderWay);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await _cache.GetOrCreateManyAsync<string>(["null"], (_, _) => new((IReadOnlyDictionary<string, string>)null!)));
    }

    [Fact]
    public async Task Stale_keys_come_at_once_and_are_refreshed_by_one_run()
    {
        EntryOptions options = Options with { StaleWhileRevalidate = Seconds(60) };
        await Many("a b", options);
        _time.Advance(Seconds(10));
        await Many("c", options);
        Assert.Equal("a.1 b.1 c.2", await Many("a b c", options));
        await Eventually.True(() => _cache.FillsUnderWay == 0);
        Assert.Equal("a.3 b.3 c.2", await Many("a b c", options));
        Assert.Equal(["a b", "c", "a b"], _asked);
    }

    [Fact]
    public async Task Timeouts_hold_for_the_batch_as_a_whole()
    {
        EntryOptions options = Options with { StaleIfError = Seconds(60), SoftTimeout = Seconds(1), HardTimeout = Seconds(5) };
        await Many("a b", options);
        _time.Advance(Seconds(10));
        var gate = new TaskCompletionSource<IReadOnlyDictionary<string, string?>>();
        ValueTask<IReadOnlyDictionary<string, string?>> call = _cache.GetOrCreateManyAsync<string?>(["a", "b"], (_, _) => new(gate.Task), options);
        _time.Advance(Seconds(1));
        Assert.Equal("a.1 b.1", Text(await call));
        _time.Advance(Seconds(4));
        Assert.Equal(0, _cache.FillsUnderWay);
        call = _cache.GetOrCreateManyAsync<string?>(["x", "y"], (_, _) => new(gate.Task), options);
        _time.Advance(Seconds(5));
        await Assert.ThrowsAsync<TimeoutException>(async () => await call);
        gate.SetResult(new Dictionary<string, string?> { ["x"] = "late" });
        Assert.False(_cache.Exists("x"));
    }

    [Fact]
    public async Task A_factory_that_asks_for_keys_it_makes_itself_is_given_them_and_others_are_not_left_waiting()
    {
        string? inner = null;
        Assert.Empty(await _cache.GetOrCreateManyAsync<string?>(["a", "b"], async (_, token) =>
        {
            inner = await Many("b c");
            return new Dictionary<string, string?>();
        }));
        Assert.Equal("b.1 c.1", inner);
        Assert.Equal(0, _cache.FillsUnderWay);
        Assert.Equal("a.2 b.1 c.1", await Many("a b c"));
    }

    [Fact]
    public async Task Keys_that_are_too_long_are_made_under_the_same_rules_and_not_kept()
    {
        string key = new('k', 2000);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await _cache.GetOrCreateManyAsync<string?>([key], (_, _) => new((IReadOnlyDictionary<string, string?>)null!)));
        ValueTask<IReadOnlyDictionary<string, string?>> call = _cache.GetOrCreateManyAsync<string?>([key], async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return new Dictionary<string, string?>();
        }, new() { HardTimeout = TimeSpan.FromSeconds(5) });
        Assert.Equal(1L, _cache.ReasonCounts["error-factory"]);
        _time.Advance(TimeSpan.FromSeconds(5));
        await Assert.ThrowsAsync<TimeoutException>(async () => await call);
        Assert.Equal("v", (await _cache.GetOrCreateManyAsync<string?>([key], (_, _) => new(new Dictionary<string, string?> { [key] = "v" })))[key]);
        Assert.Equal((0, 1L), (_cache.Statistics.Entries, _cache.ReasonCounts["bypass-limit"]));
    }

    [Fact]
    public async Task Many_are_looked_up_set_and_removed()
    {
        Assert.Empty(await _cache.SetManyAsync(new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" }, Options));
        string tooLong = new('k', 2000);
        IReadOnlyDictionary<string, Reason> refused = await _cache.SetManyAsync<string>([new("c", "3"), new(tooLong, "4"), new("c", "5")]);
        Assert.Equal([new(tooLong, Reason.BypassLimit)], refused);
        IReadOnlyDictionary<string, string> found = await _cache.GetManyAsync<string>(["a", "c", "c", "absent", tooLong]);
        Assert.Equal(new Dictionary<string, string> { ["a"] = "1", ["c"] = "5" }, found);
        Assert.Equal(2, await _cache.RemoveManyAsync(["a", "a", "b", "absent"]));
        Assert.Equal(0, await _cache.RemoveManyAsync(["a"]));
        Assert.Equal($"d.1 {tooLong}.2", await Many($"d {tooLong}"));
        Assert.False(_cache.Exists(tooLong));
    }

    [Fact]
    public async Task Batches_have_limits_and_say_so()
    {
        string[] most = [.. Enumerable.Range(0, 10_000).Select(i => "k" + i)];
        Assert.Equal(10_000, (await _cache.GetOrCreateManyAsync<string?>([.. most, "k1"], Load)).Count);
        string[] tooMany = [.. most, "one more"];
        foreach (Func<Task> call in new Func<Task>[]
        {
            () => _cache.GetManyAsync<string>(tooMany).AsTask(),
            () => _cache.GetOrCreateManyAsync<string?>(tooMany, Load).AsTask(),
            () => _cache.SetManyAsync(tooMany.Select(key => KeyValuePair.Create(key, 1))).AsTask(),
            () => _cache.RemoveManyAsync(tooMany).AsTask(),
        })
            Assert.Contains("10000 keys; split", (await Assert.ThrowsAsync<ArgumentException>(call)).Message, StringComparison.Ordinal);
        foreach (string?[] keys in new[] { new[] { "a", null }, ["a", ""] })
        {
            await Assert.ThrowsAnyAsync<ArgumentException>(async () => await _cache.GetManyAsync<string>(keys!));
            await Assert.ThrowsAnyAsync<ArgumentException>(async () => await _cache.GetOrCreateManyAsync<string?>(keys!, Load));
            await Assert.ThrowsAnyAsync<ArgumentException>(async () => await _cache.RemoveManyAsync(keys!));
        }
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await _cache.GetManyAsync<string>(null!));
        await Assert.ThrowsAsync<ArgumentException>(async () => await _cache.GetOrCreateManyAsync<string?>(["a"], Load, new() { Ttl = TimeSpan.Zero }));
    }
}
