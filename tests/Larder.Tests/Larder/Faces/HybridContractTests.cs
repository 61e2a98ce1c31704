using System.Collections.Concurrent;
using System.Reflection;
using Larder.Tests.Support;
using Microsoft.Extensions.Caching.Hybrid;

namespace Larder.Tests.Faces;

/// <summary>What the framework documents and tests of its own HybridCache, asked of Larder's.</summary>
[Collection(Alone.Name)]
public sealed class HybridContractTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly LarderCache _cache;
    private readonly LarderHybridCache _hybrid;

    public HybridContractTests() => _hybrid = new(_cache = new(null, _time));

    public void Dispose() => _cache.Dispose();

    private static LarderHybridCache With(Action<LarderOptions> configure, TimeProvider? time = null)
    {
        var options = new LarderOptions();
        configure(options);
        return new(new LarderCache(options, time));
    }

    [Fact]
    public void Every_virtual_member_of_the_class_is_known()
    {
        string[] members = [.. typeof(HybridCache).GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly).Where(m => m.IsVirtual).Select(m => m.ToString()!)];
        // A member that a later framework adds has to be looked at; the two that are left to the base class call the others one by one.
        Assert.Equal(7, members.Length);
        string[] overridden = [.. typeof(LarderHybridCache).GetMethods(BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly).Select(m => m.ToString()!)];
        Assert.Equal(2, members.Except(overridden).Count());
        Assert.All(members.Except(overridden), m => Assert.Contains("IEnumerable`1[System.String]", m, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("abc", true)]
    [InlineData("a c", true)]
    [InlineData("\ud83d\ude00", true)]
    [InlineData(null, false)]
    [InlineData("", false)]
    [InlineData("  ", false)]
    [InlineData("a\0c", false)]
    [InlineData("a\u001fc", false)]
    [InlineData("malformed", false)]
    public async Task A_key_that_cannot_be_one_brings_the_data_uncached(string? key, bool cached)
    {
        // A lone surrogate would not survive as a test's argument.
        foreach (string? k in key == "malformed" ? ["\ud83d", "a\ude00", "\ude00\ud83d", "\ud83d\ud83d\ude00"] : new[] { key })
        {
            Assert.Equal(1, await _hybrid.GetOrCreateAsync(k!, _ => new ValueTask<int>(1)));
            Assert.Equal(cached ? 1 : 2, await _hybrid.GetOrCreateAsync(k!, _ => new ValueTask<int>(2)));
            if (k is not null)
            {
                Assert.Equal(cached ? 1 : 3, await _hybrid.GetOrCreateAsync(k.AsSpan(), _ => new ValueTask<int>(3)));
                await _hybrid.SetAsync(k, 4);
                Assert.Equal(cached ? 4 : 5, await _hybrid.GetOrCreateAsync(k, _ => new ValueTask<int>(5)));
                await _hybrid.RemoveAsync(k);
            }
            Assert.Equal(0, await _hybrid.GetOrCreateAsync(k!, _ => new ValueTask<int>(6), new() { Flags = HybridCacheEntryFlags.DisableUnderlyingData }));
        }
        Assert.Equal(cached, !_cache.ReasonCounts.ContainsKey("bypass-key"));
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await _hybrid.RemoveAsync((string)null!));
    }

    [Fact]
    public async Task The_limits_of_key_and_payload_are_options_with_the_frameworks_defaults()
    {
        var defaults = new LarderHybridCacheOptions();
        Assert.Equal((1024, 1L << 20), (defaults.MaximumKeyLength, defaults.MaximumPayloadBytes));
        LarderHybridCache small = With(o => (o.HybridCache.MaximumKeyLength, o.HybridCache.MaximumPayloadBytes) = (2, 100));
        foreach (string key in new[] { "ab", "abc" })
        {
            await small.SetAsync(key, 1);
            Assert.Equal(key == "ab" ? 1 : 2, await small.GetOrCreateAsync(key, _ => new ValueTask<int>(2)));
        }
        foreach (object value in new object[] { new byte[90], new byte[110], new string('x', 90), new string('x', 110) })
        {
            await small.RemoveAsync("k");
            await small.SetAsync("k", value is string s ? s : "", tags: value is string ? null : ["t"]);
            if (value is byte[] bytes) await small.SetAsync("k", bytes);
            bool found = value switch
            {
                byte[] => (await small.GetOrCreateAsync<byte[]?>("k", _ => default, new() { Flags = HybridCacheEntryFlags.DisableUnderlyingData })) is not null,
                _ => (await small.GetOrCreateAsync<string?>("k", _ => default, new() { Flags = HybridCacheEntryFlags.DisableUnderlyingData })) is not null,
            };
            Assert.Equal(value is byte[] { Length: 90 } or string { Length: 90 }, found);
        }
        // The cache's own limit is not lowered by the face's.
        await _hybrid.SetAsync("large", new byte[2 << 20]);
        Assert.False(_cache.Exists("large"));
        await _cache.SetAsync("large", new byte[2 << 20]);
        Assert.True(_cache.Exists("large"));
    }

    [Theory]
    [InlineData(null, null, null, null, 60)]
    [InlineData(null, null, 42, null, 42)]
    [InlineData(null, null, 43, 42, 42)]
    [InlineData(null, null, null, 43, 43)]
    [InlineData(null, null, 42, 43, 42)]
    [InlineData(42, null, null, null, 42)]
    [InlineData(43, 42, null, null, 42)]
    [InlineData(null, 43, null, null, 43)]
    [InlineData(43, 42, 44, null, 44)]
    [InlineData(43, 42, 45, 44, 44)]
    [InlineData(43, 42, null, 45, 45)]
    public async Task Lifetimes_of_the_call_come_before_the_default_ones(int? defaultExpiration, int? defaultLocal, int? expiration, int? local, int expected)
    {
        static TimeSpan? Minutes(int? minutes) => minutes is { } m ? TimeSpan.FromMinutes(m) : null;
        var options = new LarderOptions();
        options.HybridCache.DefaultEntryOptions = new() { Expiration = Minutes(defaultExpiration), LocalCacheExpiration = Minutes(defaultLocal) };
        using var cache = new LarderCache(options, _time);
        var hybrid = new LarderHybridCache(cache);
        HybridCacheEntryOptions? call = expiration is null && local is null ? null : new() { Expiration = Minutes(expiration), LocalCacheExpiration = Minutes(local) };
        await hybrid.SetAsync("k", 1, call);
        await hybrid.SetAsync("t", 1, call, ["tag"]);
        Assert.Equal(TimeSpan.FromMinutes(expected), cache.GetTimeToLive("k"));
        Assert.Equal(TimeSpan.FromMinutes(expected), cache.GetTimeToLive("t"));
    }

    [Fact]
    public async Task Flags_of_the_call_take_the_place_of_the_default_ones()
    {
        LarderHybridCache unread = With(o => o.HybridCache.DefaultEntryOptions = new() { Flags = HybridCacheEntryFlags.DisableLocalCacheRead });
        await unread.SetAsync("k", 1);
        Assert.Equal(2, await unread.GetOrCreateAsync("k", _ => new ValueTask<int>(2)));
        Assert.Equal(2, await unread.GetOrCreateAsync("k", _ => new ValueTask<int>(3), new() { Flags = HybridCacheEntryFlags.None }));
        Assert.Equal(4, await unread.GetOrCreateAsync("k", _ => new ValueTask<int>(4), new() { Expiration = TimeSpan.FromMinutes(1) }));
    }

    [Fact]
    public async Task Tags_that_mean_something_else_are_refused()
    {
        await Assert.ThrowsAsync<ArgumentException>(async () => await _hybrid.SetAsync("k", 1, tags: ["abc", "*"]));
        await Assert.ThrowsAsync<ArgumentException>(async () => await _hybrid.SetAsync("k", 1, tags: ["abc", ""]));
        await _hybrid.SetAsync("k", 1, tags: []);
        Assert.True(_cache.Exists("k"));
    }

    [Fact]
    public async Task Many_keys_and_many_tags_are_removed_at_once()
    {
        string[] keys = [.. Enumerable.Range(0, 200).Select(i => $"k{i}")];
        foreach (string key in keys) await _hybrid.SetAsync(key, 1, tags: ["tag:" + key]);
        await _hybrid.RemoveAsync(keys[..100]);
        Assert.Equal(100, keys.Count(k => _cache.Exists(k)));
        await _hybrid.RemoveByTagAsync(keys[100..150].Select(k => "tag:" + k));
        Assert.Equal(keys[150..], keys.Where(k => _cache.Exists(k)));
        await _hybrid.RemoveAsync([]);
        await _hybrid.RemoveByTagAsync([]);
        Assert.Equal(50, _cache.Statistics.Entries - 50);
        await _hybrid.RemoveByTagAsync("tag");
        Assert.DoesNotContain(keys, k => _cache.Exists(k));
    }

    public static TheoryData<string, string> RefusedTags => new()
    {
        { "a\u0001b", "control characters" }, { "=secret", "begins with" }, { "secret:" + new string('x', 250), "more than 256" }, { "a\u0086", "control characters" },
    };

    [Theory]
    [MemberData(nameof(RefusedTags))]
    public async Task A_tag_that_cannot_be_held_costs_the_storing_and_nothing_else(string tag, string why)
    {
        var log = new RecordingLogger<LarderCache>();
        using var cache = new LarderCache(null, _time, log);
        var hybrid = new LarderHybridCache(cache);
        for (int i = 1; i <= 3; i++)
        {
            Assert.Equal(i, await hybrid.GetOrCreateAsync("k", _ => new ValueTask<int>(i), tags: ["fine", tag]));
            Assert.False(cache.Exists("k"));
            Assert.Equal(i, cache.ReasonCounts["unstored-tag"]);
        }
        (int id, _, string text) = Assert.Single(log.Lines);
        Assert.Equal(46, id);
        Assert.Contains(why, text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", text, StringComparison.Ordinal);
        await hybrid.SetAsync("k", 1);
        Assert.Equal(1, await hybrid.GetOrCreateAsync("k", _ => new ValueTask<int>(2), tags: [tag]));
        await hybrid.SetAsync("k", 3, tags: [tag]);
        Assert.False(cache.Exists("k"));
        Assert.Equal(4, cache.ReasonCounts["unstored-tag"]);
        await hybrid.RemoveByTagAsync(tag);
        Assert.Single(log.Lines);
    }

    [Fact]
    public async Task Each_kind_of_refused_tags_is_told_once()
    {
        var log = new RecordingLogger<LarderCache>();
        using var cache = new LarderCache(null, _time, log);
        var hybrid = new LarderHybridCache(cache);
        string[] many = [.. Enumerable.Range(0, 21).Select(i => $"t{i}")];
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(1, await hybrid.GetOrCreateAsync("k", _ => new ValueTask<int>(1), tags: many));
            Assert.Equal(1, await hybrid.GetOrCreateAsync("k", _ => new ValueTask<int>(1), tags: ["=", "\0", new string('x', 257)]));
        }
        Assert.Equal((2L, 2L), (cache.ReasonCounts["unstored-too-many-tags"], cache.ReasonCounts["unstored-tag"]));
        Assert.Equal(4, log.Lines.Select(line => line.Text).Distinct().Count());
        Assert.Equal(4, log.Lines.Count);
        Assert.Contains(log.Lines, line => line.Text.Contains("more than 20 tags", StringComparison.Ordinal) && line.Text.Contains("MaxTags", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("=t", "=t", true)]
    [InlineData("a\u0001", "a\u0001", true)]
    [InlineData("price:\u0001", "price", true)]
    [InlineData("=t", "other", false)]
    public async Task Who_comes_after_the_removal_of_a_refused_tag_is_not_given_what_was_begun_before(string tag, string removed, bool isEnded)
    {
        var slow = new TaskCompletionSource<int>();
        Task<int> before = _hybrid.GetOrCreateAsync("k", _ => new ValueTask<int>(slow.Task), tags: [tag]).AsTask();
        await _hybrid.RemoveByTagAsync(removed);
        Task<int> after = _hybrid.GetOrCreateAsync("k", _ => new ValueTask<int>(2), tags: [tag]).AsTask();
        slow.SetResult(1);
        Assert.Equal((1, isEnded ? 2 : 1), (await before, await after));
    }

    [Theory]
    [InlineData(" ")]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("*")]
    public async Task Tags_that_the_framework_refuses_are_refused_where_a_value_is_made(string? tag)
    {
        await Assert.ThrowsAsync<ArgumentException>(async () => await _hybrid.GetOrCreateAsync("k", _ => new ValueTask<int>(1), tags: [tag!]));
        await Assert.ThrowsAsync<ArgumentException>(async () => await _hybrid.SetAsync("k", 1, tags: [tag!]));
        await _hybrid.SetAsync("k", 1);
        Assert.Equal(1, await _hybrid.GetOrCreateAsync("k", _ => new ValueTask<int>(2), tags: [tag!]));
    }

    private static readonly string[] Tags = ["price", "price:5"];
    private static readonly HybridCacheEntryOptions Kept = new() { Expiration = TimeSpan.FromMinutes(5) };

    private static readonly HybridCacheEntryOptions Unwritten = new() { Flags = HybridCacheEntryFlags.DisableLocalCacheWrite };

    [Fact]
    public async Task A_hit_by_a_span_makes_no_string_and_allocates_nothing()
    {
        int id = 5;
        await _hybrid.SetAsync("a key that is long enough to be seen 5", "value");
        Assert.True(Measure(() => _ = new string('x', 40)) >= 80);
        AllocatesNothing(() => Take(_hybrid.GetOrCreateAsync("a key that is long enough to be seen 5".AsSpan(), 0, static (_, _) => new ValueTask<string>(""))));
        AllocatesNothing(() => Take(_hybrid.GetOrCreateAsync("a key that is long enough to be seen 5".AsSpan(), 0, static (_, _) => new ValueTask<string>(""), Kept)));
        AllocatesNothing(() => Take(_hybrid.GetOrCreateAsync($"a key that is long enough to be seen {id}", 0, static (_, _) => new ValueTask<string>(""))));
        AllocatesNothing(() => Take(_hybrid.GetOrCreateAsync("a key that is long enough to be seen 5", 0, static (_, _) => new ValueTask<string>(""), Kept)));
        AllocatesNothing(() => Take(_hybrid.GetOrCreateAsync("a key that is long enough to be seen 5", 0, static (_, _) => new ValueTask<string>(""), Kept, Tags)));
        AllocatesNothing(() => Take(_hybrid.GetOrCreateAsync("a key that is long enough to be seen 5".AsSpan(), 0, static (_, _) => new ValueTask<string>(""), null, Tags)));
        AllocatesNothing(() => Take(_hybrid.GetOrCreateAsync("a key that is long enough to be seen 5", 0, static (_, _) => new ValueTask<string>(""), Unwritten, Tags)));

        // Code that the runtime has not optimised yet allocates on its own account: it is given the time to.
        static void AllocatesNothing(Action call) => Assert.True(SpinWait.SpinUntil(() => Measure(call) == 0, TimeSpan.FromSeconds(30)));

        static void Take(ValueTask<string> found) => Assert.True(found.Result is "value");

        // Per call; a stray allocation of the runtime does not show among a thousand.
        static long Measure(Action call)
        {
            for (int i = 0; i < 100; i++) call();
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1000; i++) call();
            return (GC.GetAllocatedBytesForCurrentThread() - before) / 1000;
        }
    }

    [Theory]
    [InlineData(HybridCacheEntryFlags.DisableLocalCacheRead, "miss-request")]
    [InlineData(HybridCacheEntryFlags.DisableLocalCacheWrite, "miss-cold")]
    [InlineData(HybridCacheEntryFlags.DisableLocalCache, "miss-request")]
    public async Task Calls_with_flags_share_one_run_and_are_counted(HybridCacheEntryFlags flags, string reason)
    {
        var runs = new ConcurrentQueue<TaskCompletionSource<int>>();
        var options = new HybridCacheEntryOptions { Flags = flags };
        ValueTask<int> Make(CancellationToken token)
        {
            var run = new TaskCompletionSource<int>();
            runs.Enqueue(run);
            return new(run.Task);
        }
        Task<int>[] callers = [.. Enumerable.Range(0, 10).Select(_ => _hybrid.GetOrCreateAsync("k", Make, options).AsTask())];
        Assert.Single(runs).SetResult(7);
        Assert.All(await Task.WhenAll(callers), v => Assert.Equal(7, v));
        Assert.Equal((1L, 9L), (_cache.ReasonCounts[reason], _cache.ReasonCounts["coalesced"]));
        Assert.Equal((flags & HybridCacheEntryFlags.DisableLocalCacheWrite) == 0, _cache.Exists("k"));
    }

    [Fact]
    public async Task A_call_that_must_not_read_joins_no_flight_of_one_that_may()
    {
        var slow = new TaskCompletionSource<int>();
        Task<int> reading = _hybrid.GetOrCreateAsync("k", _ => new ValueTask<int>(slow.Task)).AsTask();
        Assert.Equal(2, await _hybrid.GetOrCreateAsync("k", _ => new ValueTask<int>(2), new() { Flags = HybridCacheEntryFlags.DisableLocalCacheRead }));
        slow.SetResult(1);
        Assert.Equal(1, await reading);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_invalidation_overtakes_a_fill_with_flags(bool byTag)
    {
        var slow = new TaskCompletionSource<int>();
        Task<int> filling = _hybrid.GetOrCreateAsync("k", _ => new ValueTask<int>(slow.Task), new() { Flags = HybridCacheEntryFlags.DisableLocalCacheRead }, ["t"]).AsTask();
        if (byTag) await _hybrid.RemoveByTagAsync("t");
        else await _hybrid.RemoveAsync("k");
        slow.SetResult(1);
        Assert.Equal(1, await filling);
        Assert.False(_cache.Exists("k"));
    }

    [Fact]
    public async Task Failures_and_cancellations_with_flags_end_as_others_do()
    {
        var options = new HybridCacheEntryOptions { Flags = HybridCacheEntryFlags.DisableLocalCacheRead };
        await Assert.ThrowsAsync<FormatException>(async () => await _hybrid.GetOrCreateAsync<int>("k", _ => throw new FormatException(), options));
        Assert.Equal(1, _cache.ReasonCounts["error-factory"]);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await _hybrid.GetOrCreateAsync("k", _ => new ValueTask<int>(1), options, null, new CancellationToken(true)));
        using var leaving = new CancellationTokenSource();
        var forever = new TaskCompletionSource<int>();
        CancellationToken seen = default;
        Task<int> left = _hybrid.GetOrCreateAsync("k", token => { seen = token; return new ValueTask<int>(forever.Task); }, options, null, leaving.Token).AsTask();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        Assert.True(seen.IsCancellationRequested);
        Assert.Equal(1, _cache.ReasonCounts["error-factory"]);
    }

    [Fact]
    public async Task Mutable_values_are_never_shared_with_flags_either()
    {
        var made = new TaskCompletionSource<List<int>>();
        var options = new HybridCacheEntryOptions { Flags = HybridCacheEntryFlags.DisableLocalCache };
        Task<List<int>> first = _hybrid.GetOrCreateAsync("k", _ => new ValueTask<List<int>>(made.Task), options).AsTask();
        Task<List<int>> second = _hybrid.GetOrCreateAsync("k", _ => new ValueTask<List<int>>(made.Task), options).AsTask();
        made.SetResult([1]);
        Assert.NotSame(await first, await second);
        Assert.Equal(await first, await second);
    }
}
