using Larder.Tests.Support;
using Microsoft.Extensions.Caching.Distributed;

namespace Larder.Tests.Invalidations;

/// <summary>A get that misses and the set that follows are a fill: what is invalidated in between is not stored.</summary>
public sealed class MissNotesTests : IDisposable
{
    private static readonly DistributedCacheEntryOptions Forever = new();

    private readonly ManualTimeProvider _time = new();
    private readonly LarderCache _cache;
    private readonly LarderDistributedCache _distributed;

    public MissNotesTests() => _distributed = new(_cache = new(null, _time));

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
    [MemberData(nameof(Events))]
    public async Task What_an_event_overtakes_is_not_stored(string what)
    {
        Assert.Null(_distributed.Get("k"));
        await Happen(what, _cache, _distributed);
        _distributed.Set("k", [1], Forever);
        if (what == "set") Assert.Equal("newer", _cache.GetLocal<string>("k").Value);
        else Assert.False(_cache.Exists("k"));
        // That ended the fill: the next set is a write.
        _distributed.Set("k", [2], Forever);
        Assert.Equal([2], _distributed.Get("k"));
    }

    [Theory]
    [MemberData(nameof(Events))]
    public async Task Where_misses_do_not_begin_fills_every_set_is_stored(string what)
    {
        var options = new LarderOptions();
        options.DistributedCache.MissesBeginFills = false;
        using var cache = new LarderCache(options);
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

    private int Noted() => new[] { "_older", "_newer" }.Sum(field =>
        ((System.Collections.ICollection)typeof(MissNotes).GetField(field, System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Instance)!.GetValue(_cache.Misses)!).Count);
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
