using Larder.Tests.Support;

namespace Larder.Tests.Filling;

[Collection(Alone.Name)]
public sealed class LookupTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly LarderCache _cache;

    public LookupTests() => _cache = new(new() { MaxKeyLength = 50 }, _time);

    public void Dispose() => _cache.Dispose();

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    [Fact]
    public async Task A_lookup_gives_stale_values_only_to_those_who_take_them()
    {
        await _cache.SetAsync("k", "v", new() { Ttl = Seconds(10), StaleWhileRevalidate = Seconds(20), StaleIfError = Seconds(30) });
        LookupResult<string> fresh = await _cache.GetAsync<string>("k", allowStale: true);
        Assert.Equal((Reason.HitMemory, false, ValueSource.Memory, Seconds(10)), (fresh.Reason, fresh.IsStale, fresh.Source, fresh.Remaining));
        _time.Advance(Seconds(39));
        LookupResult<string> refused = await _cache.GetAsync<string>("k");
        Assert.Equal((false, null, Reason.MissExpired, ValueSource.None), (refused.Found, refused.Value, refused.Reason, refused.Source));
        Assert.Equal(Reason.MissExpired, _cache.GetLocal<string>("k").Reason);
        LookupResult<string> stale = await _cache.GetAsync<string>("k", allowStale: true);
        Assert.Equal(("v", Reason.Stale, true, Seconds(39), TimeSpan.Zero), (stale.Value, stale.Reason, stale.IsStale, stale.Age, stale.Remaining));
        Assert.Equal((false, null), (_cache.Exists("k"), _cache.GetTimeToLive("k")));
        Assert.Equal((2L, 2L), (_cache.Statistics.Hits, _cache.Statistics.Misses));
        _time.Advance(Seconds(1));
        Assert.Equal(Reason.MissExpired, (await _cache.GetAsync<string>("k", allowStale: true)).Reason);
        Assert.Equal(0, _cache.Statistics.Entries);
    }

    [Fact]
    public async Task The_result_of_a_fill_tells_where_the_value_came_from()
    {
        var gate = new TaskCompletionSource<int>();
        EntryOptions options = new() { Ttl = Seconds(10) };
        Task<LookupResult<int>> leader = _cache.GetOrCreateResultAsync("k", _ => new ValueTask<int>(gate.Task), options).AsTask();
        Task<LookupResult<int>> follower = _cache.GetOrCreateResultAsync("k", _ => new ValueTask<int>(0), options).AsTask();
        gate.SetResult(7);
        foreach ((LookupResult<int> result, Reason reason) in new[] { (await leader, Reason.MissCold), (await follower, Reason.Coalesced) })
            Assert.Equal((7, reason, ValueSource.Factory, Seconds(10)), (result.Value, result.Reason, result.Source, result.Remaining));
        LookupResult<int> hit = await _cache.GetOrCreateResultAsync("k", _ => new ValueTask<int>(0), options);
        Assert.Equal((7, Reason.HitMemory, ValueSource.Memory), (hit.Value, hit.Reason, hit.Source));
        LookupResult<string> adaptive = await _cache.GetOrCreateResultAsync<string>("a", (context, _) => new(context.Key));
        Assert.Equal(("a", Reason.MissCold), (adaptive.Value, adaptive.Reason));
    }

    [Fact]
    public async Task What_calls_tell_is_what_happened()
    {
        var told = new List<(CacheEventKind, Reason)>();
        using IDisposable _ = _cache.Events.Subscribe(e =>
        {
            lock (told) told.Add((e.Kind, e.Reason));
        });
        var gate = new TaskCompletionSource<int>();
        EntryOptions options = new() { Ttl = Seconds(10), StaleIfError = Seconds(60) };
        Task<int> leader = _cache.GetOrCreateAsync("k", _ => new ValueTask<int>(gate.Task), options).AsTask();
        Task<int> follower = _cache.GetOrCreateAsync("k", _ => new ValueTask<int>(0), options).AsTask();
        gate.SetResult(7);
        await Task.WhenAll(leader, follower);
        Assert.Equal([(CacheEventKind.Miss, Reason.MissCold), (CacheEventKind.Set, Reason.None), (CacheEventKind.Coalesce, Reason.Coalesced)], told);
        told.Clear();
        _time.Advance(Seconds(20));
        await _cache.GetOrCreateAsync<int>("k", (CancellationToken _) => throw new FormatException(), options);
        await _cache.GetAsync<int>("k", allowStale: true);
        Assert.Equal([(CacheEventKind.Miss, Reason.MissExpired), (CacheEventKind.Hit, Reason.StaleError), (CacheEventKind.Hit, Reason.Stale)], told);
        Assert.Equal((2L, 1L), (_cache.Statistics.Hits, _cache.Statistics.Misses));
    }

    [Fact]
    public async Task Keys_come_in_pages_and_without_what_has_ended()
    {
        for (int i = 0; i < 100; i++) await _cache.SetAsync($"k{i:00}", i, new() { Tags = [i % 2 == 0 ? "even" : "odd"], Ttl = i < 90 ? null : Seconds(1), StaleIfError = Seconds(60) });
        _time.Advance(Seconds(2));
        await _cache.InvalidateAsync(Invalidation.Tag("odd"));
        string[] expected = [.. Enumerable.Range(0, 90).Where(i => i % 2 == 0).Select(i => $"k{i:00}")];
        Assert.Equal(expected, _cache.GetKeys());
        var paged = new List<string>();
        for (string? after = null; _cache.GetKeys(7, after) is { Count: > 0 } page; after = page[^1])
        {
            Assert.InRange(page.Count, 1, 7);
            paged.AddRange(page);
        }
        Assert.Equal(expected, paged);
        Assert.Equal(["k10", "k12", "k14"], _cache.GetKeys(3, null, "k1*"));
        Assert.Equal(["k20"], _cache.GetKeys(glob: "*20"));
        Assert.Empty(_cache.GetKeys(glob: "nothing"));
        Assert.Throws<ArgumentOutOfRangeException>(() => _cache.GetKeys(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => _cache.GetKeys(10_001));
        Assert.Equal((0L, 0L), (_cache.Statistics.Hits, _cache.Statistics.Misses));
    }

    [Fact]
    public async Task Clear_says_how_many_there_were_and_stops_what_is_under_way()
    {
        for (int i = 0; i < 5; i++) await _cache.SetAsync("k" + i, i);
        await _cache.SetAsync("gone", 1, new() { Ttl = Seconds(1) });
        _time.Advance(Seconds(2));
        var gate = new TaskCompletionSource<int>();
        Task<int> fill = _cache.GetOrCreateAsync("late", _ => new ValueTask<int>(gate.Task)).AsTask();
        Assert.Equal(5, await _cache.ClearAsync());
        Assert.Equal(0, await _cache.ClearAsync());
        gate.SetResult(1);
        await fill;
        Assert.Equal(0, _cache.Statistics.Entries);
    }

    [Fact]
    public async Task Expired_entries_are_counted_without_looking_at_the_others()
    {
        using var cache = new LarderCache(new() { MaxEntries = 10_000 }, _time);
        cache.Dispose();
        var random = new Random(1);
        var ends = new List<double>();
        for (int i = 0; i < 2000; i++)
        {
            ends.Add(random.Next(1, 10_000) + random.NextDouble());
            await cache.SetAsync("k" + i, i, new() { Ttl = Seconds(ends[^1] / 2), StaleIfError = Seconds(ends[^1] / 2) });
        }
        for (double at = 0; at < 11_000; at += 777)
        {
            Assert.Equal(ends.Count(end => end + 0.002 <= at), cache.Statistics.ExpiredEntries);
            if (random.Next(3) == 0)
            {
                cache.RemoveExpired();
                ends.RemoveAll(end => end + 0.002 <= at);
            }
            _time.Advance(Seconds(777));
        }
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("a\0b\u001f\u007f")]
    [InlineData(" ")]
    [InlineData("\ud800")]
    [InlineData("ключ 鍵 🔑")]
    public async Task Any_text_but_the_empty_one_is_a_key(string key)
    {
        Assert.Equal(1, await _cache.GetOrCreateAsync(key, _ => new ValueTask<int>(1)));
        Assert.Equal(1, _cache.GetLocal<int>(key).Value);
        Assert.Equal([key], _cache.GetKeys());
        Assert.False(_cache.Exists(key + "\0"));
        Assert.True(await _cache.RemoveAsync(key));
    }

    [Fact]
    public async Task Keys_that_are_none_are_refused_and_those_that_are_too_long_are_not_cached()
    {
        foreach (string? key in new[] { null, "" })
        {
            await Assert.ThrowsAnyAsync<ArgumentException>(async () => await _cache.GetOrCreateAsync(key!, _ => new ValueTask<int>(1)));
            await Assert.ThrowsAnyAsync<ArgumentException>(async () => await _cache.GetOrCreateResultAsync<int>(key!, (_, _) => new(1)));
            await Assert.ThrowsAnyAsync<ArgumentException>(async () => await _cache.GetAsync<int>(key!));
            await Assert.ThrowsAnyAsync<ArgumentException>(async () => await _cache.SetAsync(key!, 1));
            await Assert.ThrowsAnyAsync<ArgumentException>(async () => await _cache.RemoveAsync(key!));
            Assert.ThrowsAny<ArgumentException>(() => _cache.Exists(key!));
            Assert.ThrowsAny<ArgumentException>(() => _cache.TryStore(key!, 1, new(), _cache.BeginFill()));
        }
        string tooLong = new('k', 51);
        LookupResult<int> uncached = await _cache.GetOrCreateResultAsync<int>(tooLong, (context, _) => new(context.Stored.Found ? 0 : 1));
        Assert.Equal((1, Reason.BypassLimit, Reason.BypassLimit), (uncached.Value, uncached.Reason, uncached.Unstored));
        Assert.Equal(2, await _cache.GetOrCreateAsync(tooLong, _ => new ValueTask<int>(2)));
        Assert.False((await _cache.GetAsync<int>(tooLong)).Found);
    }

    public static TheoryData<EntryOptions, string> Wrong => new()
    {
        { new() { Ttl = TimeSpan.Zero }, "Ttl is 00:00:00; allowed is more than zero to 365 days" },
        { new() { Ttl = Seconds(-1) }, "Ttl is -00:00:01" },
        { new() { Ttl = TimeSpan.FromDays(366) }, "Ttl is 366.00:00:00" },
        { new() { Ttl = TimeSpan.MaxValue - TimeSpan.FromTicks(1) }, "Ttl is 10675199" },
        { new() { Ttl = TimeSpan.MinValue }, "Ttl is -10675199" },
        { new() { Jitter = -0.1 }, "Jitter is -0.1; allowed is 0 to 1." },
        { new() { Jitter = double.NaN }, "Jitter is NaN" },
        { new() { EagerRefresh = 1 }, "EagerRefresh is 1; allowed is 0.01 to 0.99." },
        { new() { StaleWhileRevalidate = Seconds(-1) }, "StaleWhileRevalidate is -00:00:01; allowed is zero to 365 days." },
        { new() { StaleIfError = TimeSpan.MaxValue }, "StaleIfError is 10675199" },
        { new() { SoftTimeout = TimeSpan.Zero }, "SoftTimeout is 00:00:00; allowed is 1 millisecond to 1 day." },
        { new() { HardTimeout = TimeSpan.FromDays(2) }, "HardTimeout is 2.00:00:00" },
        { new() { RetryAfter = Seconds(-1) }, "RetryAfter is -00:00:01" },
        { new() { FailureTtl = TimeSpan.FromDays(400) }, "FailureTtl is 400.00:00:00" },
        { new() { Size = -1 }, "Size is -1; allowed is zero or more bytes." },
        { new() { User = "" }, "User is empty" },
        { new() { Tags = null! }, "Tags is null" },
        { new() { Tags = ["a", ""] }, "A tag must not be empty." },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task Options_that_cannot_work_are_refused_by_name_value_and_range(EntryOptions options, string message)
    {
        foreach (Func<Task> call in new Func<Task>[]
        {
            () => _cache.SetAsync("k", 1, options).AsTask(),
            () => _cache.GetOrCreateAsync("k", _ => new ValueTask<int>(1), options).AsTask(),
            () => Task.Run(() => _cache.TryStore("k", 1, options, _cache.BeginFill())),
        })
            Assert.Contains(message, (await Assert.ThrowsAsync<ArgumentException>(call)).Message, StringComparison.Ordinal);
        Assert.Contains("DefaultEntry.", Assert.Throws<ArgumentException>(() => new LarderCache(new() { DefaultEntry = options })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_wrong_option_is_named_at_once()
    {
        var error = Assert.Throws<ArgumentException>(() => EntryRules.Check(new() { Ttl = TimeSpan.Zero, Jitter = 2, Size = -1 }));
        Assert.All(["Ttl is", "Jitter is", "Size is"], part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
        EntryRules.Check(new() { Ttl = TimeSpan.MaxValue, Jitter = 1, EagerRefresh = 0.5, StaleIfError = TimeSpan.FromDays(365), SoftTimeout = TimeSpan.FromMilliseconds(1), FailureTtl = TimeSpan.Zero });
        foreach (EntryOptions own in new EntryOptions[] { new() { Ttl = Seconds(1) }, new() { Tags = ["t"] }, new() { User = "u" }, new() { Size = 1 }, new() { ShareInstance = true }, new() { Priority = EntryPriority.NeverEvict } })
            Assert.Throws<ArgumentException>(() => new LarderCache(new() { DefaultEntry = own }));
    }

    [Fact]
    public async Task Hits_and_stale_values_are_answered_while_no_worker_thread_is_free()
    {
        // Not disposed of: what is queued may come to it long after the test.
        var release = new ManualResetEventSlim();
        await _cache.SetAsync("fresh", 1);
        await _cache.SetAsync("stale", 2, new() { Ttl = Seconds(1), StaleWhileRevalidate = Seconds(60) });
        _time.Advance(Seconds(2));
        ThreadPool.GetMinThreads(out int workers, out int _);
        int blocked = 0;
        try
        {
            // Every worker that the pool gives at once is blocked; more come only slowly.
            for (int i = 0; i < 64 * workers; i++)
                ThreadPool.UnsafeQueueUserWorkItem(_ =>
                {
                    Interlocked.Increment(ref blocked);
                    release.Wait();
                }, null);
            SpinWait.SpinUntil(() => Volatile.Read(ref blocked) >= workers);
            // On this very thread: an answer that needed the pool would not be there.
            ValueTask<int> hit = _cache.GetOrCreateAsync("fresh", _ => new ValueTask<int>(0));
            ValueTask<int> stale = _cache.GetOrCreateAsync("stale", _ => new ValueTask<int>(3), new() { StaleWhileRevalidate = Seconds(60) });
            ValueTask<int> made = _cache.GetOrCreateAsync("missing", _ => new ValueTask<int>(4));
            Task needsThePool = Task.Run(() => { }, TestContext.Current.CancellationToken);
            Assert.Equal((true, true, true, false), (hit.IsCompletedSuccessfully, stale.IsCompletedSuccessfully, made.IsCompletedSuccessfully, needsThePool.IsCompleted));
            Assert.Equal((1, 2, 4), (await hit, await stale, await made));
        }
        finally
        {
            release.Set();
        }
        await Eventually.True(() => _cache.FillsUnderWay == 0);
        Assert.Equal(3, _cache.GetLocal<int>("stale").Value);
    }
}
