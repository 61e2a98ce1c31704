using Larder.Tests.Support;

namespace Larder.Tests.Filling;

public sealed class FailureTests : IDisposable
{
    private static readonly EntryOptions Options = new() { FailureTtl = TimeSpan.FromSeconds(5), Tags = ["tag"], User = "ann" };

    private readonly ManualTimeProvider _time = new();
    private readonly Origin _origin = new();
    private readonly LarderCache _cache;

    public FailureTests() => _cache = new(null, _time);

    public void Dispose() => _cache.Dispose();

    private ValueTask<string?> Call(EntryOptions? options = null) =>
        _cache.GetOrCreateAsync("k", _origin, static (origin, token) => origin.Ask(token), options ?? Options);

    [Fact]
    public async Task A_herd_on_a_failing_origin_costs_one_call_per_window()
    {
        // Each caller comes whenever it likes; the failing calls themselves take their time.
        _origin.Does = async (_, _) =>
        {
            await Task.Yield();
            throw new FormatException("broken");
        };
        for (int window = 1; window <= 3; window++)
        {
            int failures = 0;
            await Parallel.ForAsync(0, 1000, async (_, _) =>
            {
                await Assert.ThrowsAsync<FormatException>(async () => await Call());
                Interlocked.Increment(ref failures);
            });
            Assert.Equal((1000, window), (failures, _origin.Calls));
            _time.Advance(TimeSpan.FromSeconds(5));
        }
        _origin.Heals();
        Assert.Equal("v4", await Call());
    }

    [Fact]
    public async Task Without_the_option_every_call_that_comes_later_runs_the_factory()
    {
        _origin.Breaks();
        for (int i = 0; i < 10; i++) await Assert.ThrowsAsync<FormatException>(async () => await Call(new()));
        Assert.Equal(10, _origin.Calls);
    }

    [Fact]
    public async Task A_herd_on_a_failing_origin_with_a_stale_value_costs_one_call_per_retry()
    {
        EntryOptions options = new() { Ttl = TimeSpan.FromSeconds(10), StaleIfError = TimeSpan.FromHours(1), RetryAfter = TimeSpan.FromSeconds(5) };
        await Call(options);
        _time.Advance(TimeSpan.FromSeconds(10));
        _origin.Does = async (_, _) =>
        {
            await Task.Yield();
            throw new FormatException("broken");
        };
        for (int window = 1; window <= 3; window++)
        {
            await Parallel.ForAsync(0, 1000, async (_, _) => Assert.Equal("v1", await Call(options)));
            Assert.Equal(1 + window, _origin.Calls);
            _time.Advance(TimeSpan.FromSeconds(5));
        }
    }

    [Fact]
    public async Task The_same_exception_is_thrown_with_the_place_where_it_came_from()
    {
        _origin.Breaks();
        var first = await Assert.ThrowsAsync<FormatException>(async () => await Call());
        var second = await Assert.ThrowsAsync<FormatException>(async () => await Call());
        Assert.Same(first, second);
        Assert.Contains(nameof(Origin.Ask), second.StackTrace, StringComparison.Ordinal);
        Assert.Equal((1L, 1L), (_cache.ReasonCounts["error-factory"], _cache.ReasonCounts["error-remembered"]));
    }

    [Theory]
    [InlineData("key")]
    [InlineData("tag")]
    [InlineData("user")]
    [InlineData("glob")]
    [InlineData("all")]
    [InlineData("remove")]
    [InlineData("clear")]
    [InlineData("time")]
    [InlineData("set")]
    public async Task A_remembered_failure_ends_by(string what)
    {
        _origin.Breaks();
        await Assert.ThrowsAsync<FormatException>(async () => await Call());
        _origin.Heals();
        switch (what)
        {
            case "remove": Assert.False(await _cache.RemoveAsync("k")); break;
            case "clear": await _cache.ClearAsync(); break;
            case "time": _time.Advance(TimeSpan.FromSeconds(5)); break;
            case "set": await _cache.SetAsync("k", "set"); break;
            default:
                await _cache.InvalidateAsync(what switch
                {
                    "key" => Invalidation.Key("k"),
                    "tag" => Invalidation.Tag("tag"),
                    "user" => Invalidation.User("ann"),
                    "glob" => Invalidation.Glob("k"),
                    _ => Invalidation.All,
                });
                break;
        }
        Assert.Equal(what == "set" ? "set" : "v2", await Call());
    }

    [Fact]
    public async Task A_failure_that_an_invalidation_overtakes_is_not_remembered()
    {
        TaskCompletionSource<string?> gate = _origin.Hangs();
        Task<string?> call = Call().AsTask();
        await _cache.InvalidateAsync(Invalidation.Tag("tag"));
        gate.SetException(new FormatException());
        await Assert.ThrowsAsync<FormatException>(() => call);
        _origin.Heals();
        Assert.Equal("v2", await Call());
    }

    [Fact]
    public async Task A_remembered_failure_is_no_value_to_anybody()
    {
        _origin.Breaks();
        await Assert.ThrowsAsync<FormatException>(async () => await Call());
        Assert.False(_cache.Exists("k"));
        Assert.Null(_cache.GetTimeToLive("k"));
        Assert.Empty(_cache.GetKeys());
        Assert.Equal(Reason.MissCold, (await _cache.GetAsync<string>("k")).Reason);
        Assert.Equal(Reason.MissCold, _cache.GetLocal<object>("k").Reason);
        Assert.False((await _cache.GetAsync<object>("k", allowStale: true)).Found);
        Assert.Null(_cache.FindKept<object>("k", out Reason reason, out _) as string);
        Assert.NotEqual(Reason.None, reason);
        await Assert.ThrowsAsync<FormatException>(async () => await _cache.GetOrCreateAsync("k", _ => new ValueTask<int>(1)));
        Assert.Equal(0, _cache.Statistics.Hits);
    }

    [Fact]
    public async Task Remembered_failures_are_bounded_like_everything_else()
    {
        using var cache = new LarderCache(new() { MaxEntries = 100, MaxBytes = 200_000 }, _time);
        for (int i = 0; i < 10_000; i++)
            await Assert.ThrowsAsync<FormatException>(async () => await cache.GetOrCreateAsync<int>("k" + i, (CancellationToken _) => throw new FormatException(), Options with { Priority = EntryPriority.NeverEvict }));
        Assert.Equal(Reason.None, await cache.SetAsync("value", 1));
        Assert.InRange(cache.Statistics.Entries, 1, 100);
        Assert.InRange(cache.Statistics.Bytes, 1, 200_000);
        StoreIntegrity.Check(cache);
    }

    [Fact]
    public void A_failure_takes_no_values_place_and_no_value_that_is_of_use_is_lost_to_one()
    {
        StoreUnderTest(out MemoryStore memory, out Func<string, Entry> value, out Func<string, Entry> failure);
        memory.TryAdd(value("k"), 0);
        Assert.Equal(Reason.UnstoredOvertaken, memory.TryAddFailure(failure("k"), 0, 0));
        Assert.IsType<string>(memory.Find("k")!.Value);
        // What is gone is of no use, and a failure may follow a failure.
        Assert.Equal(Reason.None, memory.TryAddFailure(failure("k"), 0, 10_000));
        Assert.Equal(Reason.None, memory.TryAddFailure(failure("k"), 0, 0));
        memory.Invalidate("k");
        Assert.Equal(Reason.UnstoredOvertaken, memory.TryAddFailure(failure("k"), 0, 0));

        static void StoreUnderTest(out MemoryStore memory, out Func<string, Entry> value, out Func<string, Entry> failure)
        {
            var ordinals = new Ordinals();
            memory = new(10, 1 << 20, ordinals, new(ordinals), null);
            static Entry Make(string key, object value) => new() { Key = key, Hash = KeyComparer.Hash(key), Value = value, Cost = 100, CreatedAt = 0, FreshUntil = 1000 };
            value = static key => Make(key, "v");
            failure = static key => Make(key, new StoredFailure(System.Runtime.ExceptionServices.ExceptionDispatchInfo.Capture(new FormatException())));
        }
    }

    [Fact]
    public async Task A_clients_own_timeout_is_a_failure_and_a_run_that_was_given_up_is_none()
    {
        _origin.Does = (_, _) => throw new TaskCanceledException("the client's own timeout", new TimeoutException());
        await Assert.ThrowsAsync<TaskCanceledException>(async () => await Call());
        await Assert.ThrowsAsync<TaskCanceledException>(async () => await Call());
        Assert.Equal(1, _origin.Calls);

        using var leaving = new CancellationTokenSource();
        Task<string> given = _cache.GetOrCreateAsync("other", async token =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return "never";
        }, Options, leaving.Token).AsTask();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        Assert.Equal("v", await _cache.GetOrCreateAsync("other", _ => new ValueTask<string>("v"), Options));
    }
}
