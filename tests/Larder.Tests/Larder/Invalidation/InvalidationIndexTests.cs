using Larder.Tests.Support;

namespace Larder.Tests.Invalidations;

public sealed class InvalidationIndexTests
{
    [Fact]
    [Trait("clause", "I-21")]
    public async Task Many_distinct_tags_keep_the_index_bounded_and_revive_nothing()
    {
        using var cache = new LarderCache(new() { MaxEntries = 2_000 }, new ManualTimeProvider());
        Stamp early = cache.BeginFill();
        for (int i = 0; i < 1_000; i++) await cache.SetAsync("k" + i, i, new() { Tags = ["tag" + i], User = "u" + i });
        int most = 0;
        // The clock stands, so no upkeep comes: the events themselves keep the bound, and revive and lose nothing.
        for (int i = 0; i < 50_000; i++)
        {
            await cache.InvalidateAsync(i % 2 == 0 ? Invalidation.Tag("tag" + (i + 1)) : Invalidation.User("u" + (i + 1)));
            if (i % 1000 == 999) most = Math.Max(most, Remembered(cache));
        }
        Assert.InRange(most, InvalidationIndex.MaxRemembered, 4 * InvalidationIndex.MaxRemembered);
        Assert.InRange(Remembered(cache), 0, InvalidationIndex.MaxRemembered);
        // Odd ones fell by their tag, even ones by their user; only the first was named by nothing.
        for (int i = 0; i < 1_000; i++) Assert.Equal(i == 0, cache.Exists("k" + i));
        Assert.Equal(Reason.UnstoredOvertaken, cache.TryStore("new", 1, new() { Tags = ["tag1"] }, early));
        Assert.Equal(Reason.None, cache.TryStore("new", 1, new() { Tags = ["tag1"] }, cache.BeginFill()));
    }

    [Fact]
    [Trait("clause", "I-21")]
    public async Task Whoever_fills_the_index_does_not_sweep_but_hastens_the_upkeep()
    {
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(new() { MaxEntries = 2_000 }, time);
        for (int i = 0; i < 1_000; i++) await cache.SetAsync("k" + i, i, new() { Tags = ["tag" + i] });
        MemoryStore store = StoreIntegrity.StoreOf(cache);
        const int Events = InvalidationIndex.MaxRemembered * 2;
        for (int i = 0; i < Events; i++) await cache.InvalidateAsync(Invalidation.Tag("tag" + (i + 500)));
        Assert.Equal((1_000, Events), (store.Count, Remembered(cache)));
        Assert.False(cache.Exists("k999"));
        // No second passes: the timer rings because it was asked to.
        time.Advance(TimeSpan.Zero);
        Assert.Equal((500, 0), (store.Count, Remembered(cache)));
        // And again, when it is full again.
        for (int i = 0; i < Events; i++) await cache.InvalidateAsync(Invalidation.Tag("tag" + i));
        time.Advance(TimeSpan.Zero);
        Assert.Equal((0, 0), (store.Count, Remembered(cache)));
    }

    [Fact]
    [Trait("clause", "I-21"), Trait("clause", "I-22")]
    public async Task Many_patterns_keep_the_index_bounded()
    {
        using var cache = new LarderCache(null, new ManualTimeProvider());
        await cache.SetAsync("keep", 1);
        await cache.SetAsync("x7", 1);
        for (int i = 0; i < 1_000; i++) await cache.InvalidateAsync(Invalidation.Glob("x" + i));
        Assert.True(cache.Exists("keep"));
        Assert.False(cache.Exists("x7"));
    }

    [Fact]
    [Trait("clause", "I-21")]
    public void The_floor_never_falls()
    {
        var ordinals = new Ordinals();
        var index = new InvalidationIndex(ordinals);
        for (int i = 0; i < 3; i++) index.Publish(Invalidation.Tag("t" + i), 0);
        index.Forget(3);
        // A sweep that began earlier ends later.
        index.Forget(1);
        Assert.True(index.Covers("k", ["t1"], null, 1));
        Assert.False(index.Covers("k", ["t1"], null, 3));
    }

    [Fact]
    [Trait("clause", "I-18"), Trait("clause", "I-21"), Trait("clause", "I-22")]
    public void What_was_covered_before_a_prune_stays_covered_and_what_was_swept_survives()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var ordinals = new Ordinals();
            var index = new InvalidationIndex(ordinals);
            var store = new MemoryStore(1000, 1 << 20, ordinals, index, null);
            for (int i = 0; i < 40; i++) store.Set(MakeEntry("k" + i, ["t:" + random.Next(8), "t:" + random.Next(8)], random.Next(2) == 0 ? "u" + random.Next(4) : null));
            for (int i = 0; i < 12; i++)
                index.Publish(random.Next(4) switch
                {
                    0 => Invalidation.Tag("t:" + random.Next(8)),
                    1 => Invalidation.User("u" + random.Next(4)),
                    2 => Invalidation.Glob("k?" + random.Next(10)),
                    _ => Invalidation.Tag("other"),
                }, 0);
            Entry[] all = [.. store.Entries];
            bool[] covered = [.. all.Select(e => index.Covers(e.Key, e.Tags, e.User, e.CheckedUpTo))];
            long newest = index.Newest;
            bool sweep = random.Next(4) != 0;
            if (sweep) Assert.Equal(covered.Count(c => c), store.DropInvalidated());
            index.Forget(random.Next(3) == 0 ? newest - 3 : newest);
            for (int i = 0; i < all.Length; i++)
                if (covered[i]) Assert.True(!sweep || store.Find(all[i].Key) is null, "a covered entry is still stored");
                else if (sweep) Assert.True(index.IsCurrent(all[i]), $"seed {seed}: a current entry was lost");
            for (int i = 0; i < all.Length; i++)
                if (covered[i]) Assert.False(index.IsCurrent(all[i]), $"seed {seed}: a covered entry was revived");
            StoreIntegrity.Check(store);
        }
    }

    [Theory]
    [InlineData("user:123", "user:123:profile", true)]
    [InlineData("user:123", "user:123", true)]
    [InlineData("user", "user:123:profile", true)]
    [InlineData("user:12", "user:123:profile", false)]
    [InlineData("user:123:profile", "user:123", false)]
    [InlineData("a", "=a:b", false)]
    [InlineData("=a:b", "=a:b", true)]
    [InlineData("=a", "=a:b", false)]
    [InlineData("a", "a::b", true)]
    [InlineData("", ":b", false)]
    [Trait("clause", "I-5"), Trait("clause", "I-6")]
    public void A_tag_covers_itself_and_what_lies_below(string invalidated, string tag, bool covered)
    {
        var index = new InvalidationIndex(new());
        if (invalidated.Length > 0) index.Publish(invalidated[0] == '=' ? Invalidation.ExactTag(invalidated[1..]) : Invalidation.Tag(invalidated), 0);
        Assert.Equal(covered, index.Covers("k", [tag], null, 0));
    }

    [Fact]
    [Trait("clause", "I-17")]
    public void Key_events_are_none_of_the_index()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new InvalidationIndex(new()).Publish(Invalidation.Key("k"), 0));
    }

    [Fact]
    [Trait("clause", "I-26")]
    public async Task Removed_counts_what_this_invalidation_removed_and_nothing_else()
    {
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(null, time);
        foreach (string key in new[] { "storycore.pipeline.a", "storycore.pipeline.b", "storycore.narration.a" })
            await cache.SetAsync(key, key, new() { Tags = ["story"], User = "ann" });
        await cache.SetAsync("user:123:a", 1);
        await cache.SetAsync("user:456:a", 1);
        await cache.SetAsync("gone", 1, new() { Tags = ["other"] });
        await cache.InvalidateAsync(Invalidation.Tag("other"));
        Assert.Equal(2, (await cache.InvalidateAsync(Invalidation.Regex(@"storycore\.pipeline\..*"), count: true)).Removed);
        Assert.True(cache.Exists("storycore.narration.a"));
        Assert.Equal(1, (await cache.InvalidateAsync(Invalidation.Glob("user:123:*"), count: true)).Removed);
        Assert.True(cache.Exists("user:456:a"));
        Assert.Equal(0, (await cache.InvalidateAsync(Invalidation.Glob("nothing*"), count: true)).Removed);
        Assert.Equal(1, (await cache.InvalidateAsync(Invalidation.Key("user:456:a"), count: true)).Removed);
        Assert.Equal(0, (await cache.InvalidateAsync(Invalidation.Key("user:456:a"), count: true)).Removed);
        Assert.Equal(1, (await cache.InvalidateAsync(Invalidation.User("ann"), count: true)).Removed);
        Assert.Null((await cache.InvalidateAsync(Invalidation.All)).Removed);
    }

    [Fact]
    [Trait("clause", "I-1")]
    public async Task Positions_of_one_cache_are_ordered()
    {
        using var cache = new LarderCache();
        Position first = (await cache.InvalidateAsync(Invalidation.All)).Position;
        await cache.SetAsync("k", 1);
        Position second = (await cache.InvalidateAsync(Invalidation.Key("k"))).Position;
        Assert.Equal(first.Epoch, second.Epoch);
        Assert.True(second.Ordinal > first.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("=a")]
    [InlineData("a\u0001")]
    public async Task A_tag_that_breaks_the_rules_is_refused(string? tag)
    {
        using var cache = new LarderCache();
        await Assert.ThrowsAsync<ArgumentException>(async () => await cache.SetAsync("k", 1, new() { Tags = [tag!] }));
        await Assert.ThrowsAsync<ArgumentException>(async () => await cache.SetAsync("k", 1, new() { Tags = [new string('x', TagRules.MaxLength + 1)] }));
        Assert.Null(TagRules.Problem(new string('x', TagRules.MaxLength)));
        Assert.Equal("=x", TagRules.Exact("x"));
    }

    private static Entry MakeEntry(string key, string[] tags, string? user) => new DetailedEntry
    {
        Key = key, Value = key, Cost = 100, CreatedAt = 0, FreshUntil = long.MaxValue, Hash = KeyComparer.Hash(key), TagList = tags, UserName = user,
    };

    private static int Remembered(LarderCache cache)
    {
        object events = StoreIntegrity.Field(StoreIntegrity.Field(cache, "_index"), "_events");
        return new[] { "_tags", "_users" }.Sum(name => ((System.Collections.ICollection)StoreIntegrity.Field(StoreIntegrity.Field(events, name), "_marks")).Count);
    }
}
