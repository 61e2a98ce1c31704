using Larder.Tests.Support;

namespace Larder.Tests.Invalidations;

public sealed class SoftInvalidationTests
{
    private static readonly string[] Ways = ["key", "tag", "any", "every", "prefix", "glob", "regex", "user", "all"];

    public static TheoryData<string> Kinds => [.. Ways];

    [Theory]
    [MemberData(nameof(Kinds))]
    [Trait("clause", "I-3"), Trait("clause", "I-7")]
    public async Task Freshness_ends_at_the_instant_of_the_event_and_the_windows_begin_then(string kind)
    {
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(null, time);
        Entry entry = Put(cache, "key", freshUntil: 60_000, staleFor: 5_000);
        time.Advance(TimeSpan.FromMilliseconds(700));
        await cache.InvalidateAsync(Of(kind).Soft());
        time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.False(cache.Exists("key"));
        Assert.False(cache.GetLocal<string>("key") is { Found: true, Reason: Reason.HitMemory });
        Assert.Equal((700, 5_700), (entry.FreshUntil, entry.GoneAt));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Trait("clause", "I-9")]
    public async Task Without_time_after_its_freshness_an_entry_is_removed(string kind)
    {
        using var cache = new LarderCache(null, new ManualTimeProvider());
        await cache.SetAsync("key", "v", new() { Tags = ["t:a", "s"], User = "u" });
        Assert.Equal(1, (await cache.InvalidateAsync(Of(kind).Soft(), count: true)).Removed);
        Assert.Equal(0, cache.Statistics.Entries);
        Assert.Equal(Reason.MissInvalidated, cache.GetLocal<string>("key").Reason);
    }

    [Fact]
    [Trait("clause", "I-10")]
    public async Task Hard_and_soft_by_all_ways_and_in_both_orders()
    {
        foreach (string first in Ways)
            foreach (string second in Ways)
                foreach (bool softFirst in new[] { true, false })
                    foreach (bool lookBetween in new[] { true, false })
                    {
                        var time = new ManualTimeProvider();
                        using var cache = new LarderCache(null, time);
                        Put(cache, "key", 60_000, 5_000);
                        await cache.InvalidateAsync(softFirst ? Of(first).Soft() : Of(first));
                        if (lookBetween) cache.Exists("key");
                        int? removed = (await cache.InvalidateAsync(softFirst ? Of(second) : Of(second).Soft(), count: true)).Removed;
                        // A hard event removes the stale entry, too; after a hard one there is nothing to be softened.
                        Assert.Equal(softFirst ? 1 : 0, removed);
                        Assert.Equal(Reason.MissInvalidated, cache.GetLocal<string>("key").Reason);
                        time.Advance(TimeSpan.FromSeconds(1));
                        Assert.Equal(0, cache.Statistics.Entries);
                    }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    [Trait("clause", "I-4"), Trait("clause", "I-11"), Trait("clause", "I-16")]
    public async Task A_fill_that_a_soft_event_overtook_is_refused(string kind)
    {
        using var cache = new LarderCache();
        var options = new EntryOptions { Tags = ["t:a", "s"], User = "u" };
        Stamp stamp = cache.BeginFill();
        await cache.InvalidateAsync(Of(kind).Soft());
        Assert.Equal(Reason.UnstoredOvertaken, cache.TryStore("key", "old", options, stamp));
        Assert.Equal(Reason.None, cache.TryStore("key", "new", options, cache.BeginFill()));
    }

    [Fact]
    [Trait("clause", "I-26")]
    public async Task Softening_what_is_stale_counts_nothing()
    {
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(null, time);
        Put(cache, "key", 60_000, 5_000);
        foreach (string kind in Ways) Assert.Equal(kind == Ways[0] ? 1 : 0, (await cache.InvalidateAsync(Of(kind).Soft(), count: true)).Removed);
        // Beyond its windows it has gone by itself.
        time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(0, (await cache.InvalidateAsync(Invalidation.All, count: true)).Removed);
    }

    [Fact]
    [Trait("clause", "I-8")]
    public void No_clock_finds_an_entry_fresh_whose_freshness_was_ended()
    {
        Entry entry = Made("key", 60_000, 5_000);
        entry.EndFreshness(1_000);
        Assert.False(entry.IsFresh(999));
        Assert.False(entry.IsFresh(0));
        entry.EndFreshness(2_000);
        Assert.Equal(1_000, entry.FreshUntil);
        entry.EndFreshness(0);
        Assert.Equal((0, 5_000), (entry.FreshUntil, entry.GoneAt));
        // What ended by itself keeps its instant, and a clock that lags does not revive it after the event.
        Entry expired = Made("key", 500, 5_000);
        expired.EndFreshness(1_000);
        Assert.Equal((500, false), (expired.FreshUntil, expired.IsFresh(499)));
    }

    [Fact]
    [Trait("clause", "I-19")]
    public void Freshness_asked_before_the_index_would_be_wrong()
    {
        var index = new InvalidationIndex(new());
        Entry right = Made("key", 60_000, 5_000), wrong = Made("key", 60_000, 5_000);
        index.Publish(Invalidation.Tag("t").Soft(), 100);
        Assert.False(index.IsCurrent(right) && right.IsFresh(100));
        // The control: this order hands out as fresh what is not.
        Assert.True(wrong.IsFresh(100) && index.IsCurrent(wrong));
    }

    [Fact]
    [Trait("clause", "I-7"), Trait("clause", "I-21")]
    public void Many_soft_events_of_a_tag_are_bounded_and_the_first_one_counts()
    {
        var ordinals = new Ordinals();
        var index = new InvalidationIndex(ordinals);
        var entries = new List<(Entry Entry, long Expected)>();
        for (int at = 1; at <= 200; at++)
        {
            Entry entry = Made("key", 60_000, 5_000);
            entry.CheckedUpTo = index.Newest;
            entries.Add((entry, at));
            index.Publish((at % 3 == 0 ? Invalidation.All : at % 3 == 1 ? Invalidation.Tag("t") : Invalidation.User("u")).Soft(), at);
        }
        index.Forget(100);
        foreach ((Entry entry, long expected) in entries)
            if (entry.CheckedUpTo < 100) Assert.Equal(Coverage.Covered, index.Judge(entry));
            else Assert.Equal((Coverage.Softened, expected), (index.Judge(entry), entry.FreshUntil));
        for (int i = 0; i < InvalidationIndex.MaxRemembered; i++) index.Publish(Invalidation.Tag("t").Soft(), 300);
        Assert.True(index.ShouldPrune);
        index.Publish(Invalidation.Tag("t"), 300);
        // A hard one needs nothing that came before it.
        Assert.False(index.ShouldPrune);
    }

    [Fact]
    [Trait("clause", "I-22")]
    public void Tags_of_all_tags_events_weigh_each()
    {
        var index = new InvalidationIndex(new());
        index.Publish(Invalidation.AllTags(Enumerable.Range(0, 256).Select(i => "t" + i)), 0);
        Assert.False(index.ShouldPrune);
        index.Publish(Invalidation.Prefix("p"), 0);
        Assert.True(index.ShouldPrune);
        index.Forget(index.Newest);
        Assert.False(index.ShouldPrune);
    }

    internal static Invalidation Of(string kind) => kind switch
    {
        "key" => Invalidation.Key("key"),
        "tag" => Invalidation.Tag("T"),
        "any" => Invalidation.AnyTag("x", "t:a"),
        "every" => Invalidation.AllTags("s", "t"),
        "prefix" => Invalidation.Prefix("ke"),
        "glob" => Invalidation.Glob("k*"),
        "regex" => Invalidation.Regex("^k.y$"),
        "user" => Invalidation.User("u"),
        _ => Invalidation.All,
    };

    private static Entry Put(LarderCache cache, string key, long freshUntil, long staleFor)
    {
        Entry entry = Made(key, freshUntil, staleFor);
        StoreIntegrity.StoreOf(cache).Set(entry);
        return entry;
    }

    private static DetailedEntry Made(string key, long freshUntil, long staleFor) => new()
    {
        Key = key, Value = key, Cost = 100, CreatedAt = 0, FreshUntil = freshUntil, Hash = KeyComparer.Hash(key),
        TagList = ["t:a", "s"], UserName = "u", StaleWhileRevalidate = staleFor,
    };
}
