using System.Runtime.CompilerServices;
using Larder.Tests.Support;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging;

namespace Larder.Tests.Invalidations;

/// <summary>Where it is asked for, a get that misses and the set that follows are a fill: what is invalidated in between is not stored.</summary>
public sealed class MissNotesTests : IDisposable
{
    private static readonly DistributedCacheEntryOptions Forever = new();

    private readonly ManualTimeProvider _time = new();
    private readonly RecordingLogger<LarderCache> _log = new();
    private readonly LarderCache _cache;
    private readonly LarderDistributedCache _distributed;

    public MissNotesTests()
    {
        var options = new LarderOptions();
        options.DistributedCache.MissesBeginFills = true;
        _distributed = new(_cache = new(options, _time, _log));
    }

    public void Dispose() => _cache.Dispose();

    public static TheoryData<string> Events => ["remove", "engine-remove", "key", "glob", "all", "set"];

    private async Task Happen(string what, LarderCache cache, LarderDistributedCache distributed)
    {
        switch (what)
        {
            case "remove": distributed.Remove("k"); break;
            case "engine-remove": await cache.RemoveAsync("k"); break;
            case "key": await cache.InvalidateAsync(Invalidation.Key("k")); break;
            case "glob": await cache.InvalidateAsync(Invalidation.Glob("k*")); break;
            case "all": await cache.InvalidateAsync(Invalidation.All); break;
            default: await cache.SetAsync("k", "newer"); break;
        }
    }

    [Theory]
    [Trait("clause", "I-16")]
    [MemberData(nameof(Events))]
    public async Task What_an_event_overtakes_is_not_stored(string what)
    {
        Assert.Null(_distributed.Get("k"));
        await Happen(what, _cache, _distributed);
        _distributed.Set("k", [1], Forever);
        if (what == "set") Assert.Equal("newer", _cache.GetLocal<string>("k").Value);
        else Assert.False(_cache.Exists("k"));
        Assert.Equal(1, _cache.ReasonCounts["unstored-overtaken"]);
        Assert.Equal((45, LogLevel.Debug), Assert.Single(_log.Lines.Select(l => (l.Id, l.Level))));
        // That ended the fill: the next set is a write.
        _distributed.Set("k", [2], Forever);
        Assert.Equal([2], _distributed.Get("k"));
        Assert.Equal(1, _cache.ReasonCounts["unstored-overtaken"]);
    }

    [Theory]
    [MemberData(nameof(Events))]
    public async Task Unless_it_is_asked_for_every_set_is_stored(string what)
    {
        using var cache = new LarderCache();
        var distributed = new LarderDistributedCache(cache);
        Assert.Null(distributed.Get("k"));
        await Happen(what, cache, distributed);
        distributed.Set("k", [1], Forever);
        Assert.Equal([1], distributed.Get("k"));
    }

    [Fact]
    public async Task Events_before_the_miss_and_of_other_keys_overtake_nothing()
    {
        _distributed.Remove("k");
        await _cache.InvalidateAsync(Invalidation.All);
        Assert.Null(_distributed.Get("k"));
        await _cache.InvalidateAsync(Invalidation.Glob("other*"));
        // So many that each mark the keys share has been raised.
        for (int i = 0; i < 20_000; i++) await _cache.RemoveAsync("other" + i);
        _distributed.Set("k", [1], Forever);
        Assert.Equal([1], _distributed.Get("k"));
    }

    [Fact]
    public void Of_several_misses_the_oldest_counts_until_as_many_sets_have_come()
    {
        _distributed.Get("k");
        _distributed.Remove("k");
        _distributed.Get("k");
        _distributed.Set("k", [1], Forever);
        _distributed.Set("k", [1], Forever);
        Assert.False(_cache.Exists("k"));
        _distributed.Set("k", [2], Forever);
        Assert.True(_cache.Exists("k"));
    }

    [Fact]
    public void No_set_is_judged_by_a_younger_miss_while_an_older_one_is_remembered()
    {
        _distributed.Get("k");
        _distributed.Remove("k");
        _time.Advance(TimeSpan.FromMilliseconds(MissNotes.Life));
        _distributed.Get("k");
        // Of the younger miss; the next one is what the older one has read before the removal.
        _distributed.Set("k", [2], Forever);
        _distributed.Set("k", [1], Forever);
        Assert.False(_cache.Exists("k"));
        _distributed.Set("k", [3], Forever);
        Assert.True(_cache.Exists("k"));
    }

    [Fact]
    public void A_miss_is_forgotten_in_time_and_in_bounded_memory()
    {
        _distributed.Get("k");
        _distributed.Remove("k");
        _time.Advance(TimeSpan.FromMilliseconds(MissNotes.Life - 1));
        _distributed.Set("k", [1], Forever);
        Assert.False(_cache.Exists("k"));
        _distributed.Get("k");
        _distributed.Remove("k");
        _time.Advance(TimeSpan.FromMilliseconds(2 * MissNotes.Life));
        _distributed.Set("k", [1], Forever);
        Assert.True(_cache.Exists("k"));

        _distributed.Get("flood");
        _distributed.Remove("flood");
        for (int i = 0; i < 2 * MissNotes.MostNotes + 1; i++) _distributed.Get("f" + i);
        _distributed.Set("flood", [1], Forever);
        Assert.True(_cache.Exists("flood"));
        Assert.InRange(Noted(), MissNotes.MostNotes, 2 * MissNotes.MostNotes);
    }

    /// <summary>Otherwise misses of long keys would take memory that nobody counts.</summary>
    [Fact]
    public void A_note_does_not_hold_its_key()
    {
        WeakReference missed = Used('m', key => _distributed.Get(key)), stored = Used('s', key => _distributed.Set(key, [1], Forever));
        GC.Collect();
        // An entry holds its key: so the test would notice.
        Assert.Equal((false, true), (missed.IsAlive, stored.IsAlive));
        Assert.Equal(1, Noted());
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Used(char letter, Action<string> use)
    {
        var key = new string(letter, 1000);
        use(key);
        return new(key);
    }

    [Fact]
    public void Gets_without_a_set_count_as_fills_that_may_still_come_but_not_for_long()
    {
        for (int i = 0; i < 100; i++) _distributed.Get("k");
        _distributed.Remove("k");
        _distributed.Set("k", [1], Forever);
        Assert.False(_cache.Exists("k"));
        // Each get that finds nothing begins another fill: these take the place of those that end.
        _time.Advance(TimeSpan.FromMilliseconds(MissNotes.Life));
        _distributed.Get("k");
        _time.Advance(TimeSpan.FromMilliseconds(MissNotes.Life));
        _distributed.Set("k", [2], Forever);
        Assert.Equal([2], _distributed.Get("k"));
    }

    private int Noted() => new[] { "_older", "_newer" }.Sum(field =>
        ((System.Collections.ICollection)typeof(MissNotes).GetField(field, System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Instance)!.GetValue(_cache.Misses)!).Count);
}

/// <summary>Readers, who fill by get and set, and a writer, who changes the source and then removes, on threads of their own.</summary>
public sealed class MissNotesRaceTests
{
    private const int Readers = 3;

    [Fact]
    public void A_removal_that_returned_is_undone_by_no_older_set() => Assert.Equal(0, Stale(missesBeginFills: true, rounds: 20_000));

    /// <summary>The same race leaves old values where sets are not tied to their misses.</summary>
    [Fact]
    public void Without_the_notes_it_is()
    {
        int tries = 0;
        while (Stale(missesBeginFills: false, rounds: 20_000) == 0) Assert.True(++tries < 100, "the race hit nothing");
    }

    /// <summary>How often the writer found something older than its own acknowledged removal.</summary>
    private static int Stale(bool missesBeginFills, int rounds)
    {
        var options = new LarderOptions();
        options.DistributedCache.MissesBeginFills = missesBeginFills;
        using var cache = new LarderCache(options);
        var distributed = new LarderDistributedCache(cache);
        int source = 0, stored = 0;
        bool ended = false;
        Thread[] readers = [.. Enumerable.Range(0, Readers).Select(_ => new Thread(Read))];
        foreach (Thread reader in readers) reader.Start();
        int stale = 0;
        for (int i = 1; i <= rounds; i++)
        {
            Volatile.Write(ref source, i);
            distributed.Remove("k");
            for (int looks = 0; looks < 3; looks++)
            {
                if (cache.GetLocal<DistributedValue>("k").Value is { } found && BitConverter.ToInt32(found.Bytes) < i) stale++;
                Thread.Yield();
            }
        }
        Volatile.Write(ref ended, true);
        foreach (Thread reader in readers) reader.Join();
        Assert.True(stored > 0);
        return stale;

        void Read()
        {
            while (!Volatile.Read(ref ended))
            {
                if (distributed.Get("k") is not null) continue;
                int seen = Volatile.Read(ref source);
                Thread.Yield();
                distributed.Set("k", BitConverter.GetBytes(seen), new());
                Interlocked.Increment(ref stored);
            }
        }
    }
}

/// <summary>
/// Every order in which the steps of two readers, who fill by get and set, and of a writer, who changes the source and
/// then removes, can follow each other.
/// </summary>
public sealed class MissNotesOrderTests
{
    [Fact]
    public void A_removal_that_returned_is_undone_by_no_older_set_in_any_order() => Assert.Equal((560, 0), Stale(missesBeginFills: true));

    /// <summary>The same orders leave old values where sets are not tied to their misses.</summary>
    [Fact]
    public void Without_the_notes_it_is()
    {
        (int orders, int stale) = Stale(missesBeginFills: false);
        Assert.Equal(560, orders);
        Assert.InRange(stale, 50, 560);
    }

    private static (int Orders, int Stale) Stale(bool missesBeginFills)
    {
        int orders = 0, stale = 0;
        foreach (string order in Orders("", 3, 3, 2))
        {
            orders++;
            if (EndsStale(order, missesBeginFills)) stale++;
        }
        return (orders, stale);
    }

    private static IEnumerable<string> Orders(string so, int a, int b, int writer) =>
        a + b + writer == 0
            ? [so]
            : new[] { (a, 'a'), (b, 'b'), (writer, 'w') }.Where(left => left.Item1 > 0).SelectMany(left =>
                Orders(so + left.Item2, a - (left.Item2 == 'a' ? 1 : 0), b - (left.Item2 == 'b' ? 1 : 0), writer - (left.Item2 == 'w' ? 1 : 0)));

    private static bool EndsStale(string order, bool missesBeginFills)
    {
        var options = new LarderOptions();
        options.DistributedCache.MissesBeginFills = missesBeginFills;
        using var cache = new LarderCache(options);
        var distributed = new LarderDistributedCache(cache);
        byte source = 0;
        var steps = new Dictionary<char, Queue<Action>> { ['a'] = Reader(), ['b'] = Reader(), ['w'] = new([() => source = 1, () => distributed.Remove("k")]) };
        foreach (char actor in order) steps[actor].Dequeue()();
        return distributed.Get("k") is [0];

        Queue<Action> Reader()
        {
            bool missed = false;
            byte seen = 0;
            return new([() => missed = distributed.Get("k") is null, () => seen = source, () => { if (missed) distributed.Set("k", [seen], new()); }]);
        }
    }
}
