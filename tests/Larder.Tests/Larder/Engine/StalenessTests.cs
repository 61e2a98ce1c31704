using System.Collections.Concurrent;
using System.Diagnostics;
using Larder.Tests.Support;

namespace Larder.Tests.Engine;

/// <summary>The promise: no reader sees a value older than an invalidation that was acknowledged before it came.</summary>
[Collection(Alone.Name)]
public sealed class StalenessTests
{
    private static readonly EntryOptions Options = new() { Tags = ["t:a"], User = "u" };

    public static TheoryData<string> Kinds => ["key", "tag", "parent", "any", "every", "prefix", "glob", "regex", "user", "all", "remove", "set"];

    [Theory]
    [MemberData(nameof(Kinds))]
    [Trait("clause", "I-2"), Trait("clause", "I-3"), Trait("clause", "I-4"), Trait("clause", "I-12"), Trait("clause", "I-15")]
    public async Task A_fill_that_an_invalidation_overtook_is_never_seen(string kind)
    {
        using var cache = new LarderCache();
        var gate = new TaskCompletionSource<string>();
        Task<string> fill = cache.GetOrCreateAsync("key", gate, static (g, _) => new ValueTask<string>(g.Task), Options).AsTask();
        Task<string> early = cache.GetOrCreateAsync("key", _ => new ValueTask<string>("never"), Options).AsTask();
        await Invalidate(cache, kind);
        Task<string> late = cache.GetOrCreateAsync("key", _ => new ValueTask<string>("new"), Options).AsTask();
        gate.SetResult("old");
        Assert.Equal("old", await fill);
        Assert.Equal("old", await early);
        Assert.Equal(kind == "set" ? "set" : "new", await late);
        Assert.Equal(kind == "set" ? "set" : "new", await cache.GetOrCreateAsync("key", _ => new ValueTask<string>("newer"), Options));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Trait("clause", "I-4"), Trait("clause", "I-15"), Trait("clause", "I-16")]
    public async Task A_value_made_outside_is_refused_when_overtaken(string kind)
    {
        using var cache = new LarderCache();
        Stamp stamp = cache.BeginFill();
        await Invalidate(cache, kind);
        Assert.Equal(Reason.UnstoredOvertaken, cache.TryStore("key", "old", Options, stamp));
        Assert.Equal(Reason.None, cache.TryStore("key", "new", Options, cache.BeginFill()));
        Assert.Equal("new", cache.GetLocal<string>("key").Value);
    }

    [Fact]
    [Trait("clause", "I-12")]
    public async Task A_follower_whose_pattern_subject_is_covered_starts_anew()
    {
        using var cache = new LarderCache();
        var options = new EntryOptions { PatternSubject = 2.. };
        var gate = new TaskCompletionSource<string>();
        Task<string> fill = cache.GetOrCreateAsync("1:name", gate, static (g, _) => new ValueTask<string>(g.Task), options).AsTask();
        await cache.InvalidateAsync(Invalidation.Glob("name"));
        Task<string> late = cache.GetOrCreateAsync("1:name", _ => new ValueTask<string>("new"), options).AsTask();
        gate.SetResult("old");
        await fill;
        Assert.Equal("new", await late);
    }

    [Fact]
    [Trait("clause", "I-14")]
    public async Task A_caller_that_is_overtaken_again_and_again_fills_for_itself()
    {
        using var cache = new LarderCache();
        // Every flight of the key is led by a caller of this test and overtaken before it lands.
        Task<string>? follower = null;
        for (int round = 0; round < 4; round++)
        {
            var gate = new TaskCompletionSource<string>();
            Task<string> leader = cache.GetOrCreateAsync("k", gate, static (g, _) => new ValueTask<string>(g.Task), Options).AsTask();
            await cache.InvalidateAsync(Invalidation.Tag("t"));
            follower ??= cache.GetOrCreateAsync("k", _ => new ValueTask<string>("own"), Options).AsTask();
            gate.SetResult("old" + round);
            await leader;
        }
        Assert.Equal("own", await follower!);
    }

    [Fact]
    [Trait("clause", "I-17"), Trait("clause", "I-18")]
    public void Stress_finds_no_stale_read()
    {
        using var cache = new LarderCache(new() { MaxEntries = 64 });
        (long trials, long stale) = Stress(new Larders(cache), TimeSpan.FromMinutes(10), 1_000_000);
        Assert.True(trials >= 100_000, $"only {trials} trials");
        Assert.Equal(0, stale);
    }

    [Fact]
    public void Stress_finds_no_stale_read_where_stale_values_are_served_and_fills_fail()
    {
        using var cache = new LarderCache(new() { MaxEntries = 64 }, new HastyClock());
        (long trials, long stale) = Stress(new Windows(cache), TimeSpan.FromMinutes(10), 300_000);
        Assert.True(trials >= 100_000, $"only {trials} trials");
        Assert.Equal(0, stale);
        IReadOnlyDictionary<string, long> reasons = cache.ReasonCounts;
        Assert.All(["stale", "stale-error", "hit-memory", "error-factory"], reason => Assert.True(reasons.GetValueOrDefault(reason) > 0, reason + " never happened"));
    }

    [Fact]
    public void Stress_finds_the_stale_reads_of_a_cache_without_stamps()
    {
        (long trials, long stale) = Stress(new Naive(), TimeSpan.FromMinutes(10), long.MaxValue, stopAtFirst: true);
        Assert.True(stale > 0, $"the harness is blind: {trials} trials found nothing");
    }

    private interface ICacheUnderTest
    {
        ValueTask<long> GetOrCreate(int key, Func<ValueTask<long>> make);

        ValueTask Invalidate(int key, int kind);
    }

    private sealed class Larders(LarderCache cache) : ICacheUnderTest
    {
        private readonly EntryOptions[] _options = [.. Enumerable.Range(0, 4).Select(k => new EntryOptions { Tags = [$"k{k}:x"], User = $"u{k}" })];

        public ValueTask<long> GetOrCreate(int key, Func<ValueTask<long>> make) => cache.GetOrCreateAsync($"k{key}", make, static (m, _) => m(), _options[key]);

        public async ValueTask Invalidate(int key, int kind)
        {
            if (kind % 8 == 7) await cache.RemoveAsync($"k{key}");
            else await cache.InvalidateAsync((kind % 8) switch
            {
                0 or 1 => Invalidation.Key($"k{key}"),
                2 or 3 => Invalidation.Tag($"k{key}"),
                4 => Invalidation.User($"u{key}"),
                5 => Invalidation.Glob($"k{key}"),
                _ => Invalidation.All,
            });
        }
    }

    /// <summary>Half a millisecond passes with every look at it: entries age by being used, however fast they are invalidated.</summary>
    private sealed class HastyClock : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Add(ref _ticks, TimeSpan.TicksPerMillisecond / 2);
    }

    /// <summary>Most values are stale within a window, every eighth fill fails, every fourth call is a batch of two keys.</summary>
    private sealed class Windows(LarderCache cache) : ICacheUnderTest
    {
        private readonly Larders _larders = new(cache);
        private readonly EntryOptions[] _options =
            [.. Enumerable.Range(0, 4).Select(k => new EntryOptions
            {
                Tags = [$"k{k}:x"],
                User = $"u{k}",
                Ttl = TimeSpan.FromMilliseconds(2),
                EagerRefresh = 0.5,
                StaleWhileRevalidate = k % 2 == 0 ? TimeSpan.FromHours(1) : null,
                StaleIfError = TimeSpan.FromHours(1),
                RetryAfter = TimeSpan.Zero,
                FailureTtl = k == 3 ? TimeSpan.FromMilliseconds(1) : null,
            })];
        private int _calls;

        public async ValueTask<long> GetOrCreate(int key, Func<ValueTask<long>> make)
        {
            try
            {
                int call = Interlocked.Increment(ref _calls);
                async ValueTask<long> Make() => call % 8 == 0 ? throw new FormatException() : await make();
                if (call % 4 != 1) return await cache.GetOrCreateAsync($"k{key}", _ => Make(), _options[key]);
                string own = $"k{key}";
                return (await cache.GetOrCreateManyAsync<long>(["other", own], async (missing, _) =>
                {
                    var made = new Dictionary<string, long>();
                    if (missing.Contains(own)) made[own] = await Make();
                    return made;
                }, _options[key]))[own];
            }
            catch (FormatException)
            {
                return long.MaxValue;
            }
        }

        public ValueTask Invalidate(int key, int kind) => _larders.Invalidate(key, kind);
    }

    /// <summary>What everybody writes first: no stamp, so a slow fill stores what was invalidated meanwhile.</summary>
    private sealed class Naive : ICacheUnderTest
    {
        private readonly ConcurrentDictionary<int, long> _values = new();

        public async ValueTask<long> GetOrCreate(int key, Func<ValueTask<long>> make) =>
            _values.TryGetValue(key, out long value) ? value : _values[key] = await make();

        public ValueTask Invalidate(int key, int kind)
        {
            _values.TryRemove(key, out _);
            return default;
        }
    }

    private static (long Trials, long Stale) Stress(ICacheUnderTest cache, TimeSpan most, long enough, bool stopAtFirst = false)
    {
        const int Keys = 4;
        long[] origin = new long[Keys], acknowledged = new long[Keys];
        long trials = 0, stale = 0;
        long start = Stopwatch.GetTimestamp();
        bool Done() => Stopwatch.GetElapsedTime(start) > most || Interlocked.Read(ref trials) >= enough || stopAtFirst && Interlocked.Read(ref stale) > 0;
        Thread[] writers = [.. Enumerable.Range(0, 2).Select(w => new Thread(() =>
        {
            for (int i = 0; !Done(); i++)
            {
                // Each writer owns half of the keys, so that what is acknowledged only grows.
                int key = i % (Keys / 2) * 2 + w;
                long version = Interlocked.Increment(ref origin[key]);
                cache.Invalidate(key, i / 3).AsTask().GetAwaiter().GetResult();
                Volatile.Write(ref acknowledged[key], version);
                Thread.Yield();
            }
        }))];
        Thread[] readers = [.. Enumerable.Range(0, 3).Select(r => new Thread(() =>
        {
            for (int i = 0; !Done(); i++)
            {
                int key = i % Keys;
                bool slow = i % 16 == 0;
                long least = Volatile.Read(ref acknowledged[key]);
                long seen = cache.GetOrCreate(key, async () =>
                {
                    long read = Volatile.Read(ref origin[key]);
                    if (slow) await Task.Yield();
                    else Thread.Yield();
                    return read;
                }).AsTask().GetAwaiter().GetResult();
                if (seen < least) Interlocked.Increment(ref stale);
                Interlocked.Increment(ref trials);
            }
        }))];
        foreach (Thread thread in (Thread[])[.. writers, .. readers]) thread.Start();
        foreach (Thread thread in (Thread[])[.. writers, .. readers]) thread.Join();
        return (trials, stale);
    }

    private static async Task Invalidate(LarderCache cache, string kind)
    {
        if (kind == "remove") await cache.RemoveAsync("key");
        else if (kind == "set") await cache.SetAsync("key", "set", Options);
        else await cache.InvalidateAsync(kind switch
        {
            "key" => Invalidation.Key("key"),
            "tag" => Invalidation.Tag("t:a"),
            "parent" => Invalidation.Tag("t"),
            "any" => Invalidation.AnyTag("x", "t:a"),
            "every" => Invalidation.AllTags("t", "T:A"),
            "prefix" => Invalidation.Prefix("k"),
            "glob" => Invalidation.Glob("k*"),
            "regex" => Invalidation.Regex("^k.y$"),
            "user" => Invalidation.User("u"),
            _ => Invalidation.All,
        });
    }
}
