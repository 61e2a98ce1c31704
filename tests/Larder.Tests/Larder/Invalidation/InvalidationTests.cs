using Larder.Tests.Support;

namespace Larder.Tests.Invalidations;

public sealed class InvalidationTests
{
    [Fact]
    public void Events_say_what_they_are()
    {
        Assert.Equal("all", Invalidation.All.ToString());
        Assert.Equal("tag a:b", Invalidation.Tag("a:b").ToString());
        Assert.Equal("any tag of a, b", Invalidation.AnyTag("a", "b", "A").ToString());
        Assert.Equal("soft all tags of a, b", Invalidation.AllTags(["a", "b"]).Soft().ToString());
        Assert.Equal("soft all", Invalidation.All.Soft().ToString());
        Assert.Equal((InvalidationKind.Glob, "a*"), (Invalidation.Glob("a*").Kind, Invalidation.Glob("a*").Subject));
        Assert.Equal(["a", "b"], Invalidation.AnyTag("a", "b", "a").Tags);
        Assert.Equal(["a"], Invalidation.Tag("a").Tags);
        Assert.Empty(Invalidation.Prefix("a").Tags);
    }

    [Fact]
    public void Soft_is_another_event_and_changes_nothing_else()
    {
        Invalidation hard = Invalidation.Regex("^a"), soft = hard.Soft();
        Assert.Equal((false, true), (hard.IsSoft, soft.IsSoft));
        Assert.Same(soft, soft.Soft());
        Assert.Equal((hard.Kind, hard.Subject), (soft.Kind, soft.Subject));
        Assert.True(soft.Matches("ab", []));
        Assert.False(soft.Matches("ba", []));
    }

    [Fact]
    [Trait("clause", "I-23")]
    public void What_names_things_is_bounded_and_the_error_says_by_what()
    {
        (Func<string, Invalidation> Make, int Longest)[] kinds =
        [
            (Invalidation.Key, 65_536), (Invalidation.Tag, 256), (t => Invalidation.AnyTag(t), 256), (t => Invalidation.AllTags("a", t), 256),
            (Invalidation.Prefix, 1000), (Invalidation.Glob, 1000), (Invalidation.Regex, 1000), (Invalidation.User, 1024),
        ];
        foreach ((Func<string, Invalidation> make, int longest) in kinds)
        {
            make(new string('a', longest));
            var error = Assert.ThrowsAny<ArgumentException>(() => make(new string('a', longest + 1)));
            Assert.Contains(longest.ToString(System.Globalization.CultureInfo.InvariantCulture), error.Message, StringComparison.Ordinal);
            Assert.ThrowsAny<ArgumentException>(() => make(""));
            Assert.ThrowsAny<ArgumentNullException>(() => make(null!));
            Assert.ThrowsAny<ArgumentException>(() => make(new string('a', 100_000)));
        }
        Assert.Throws<ArgumentException>(() => Invalidation.Tag("=exact"));
        Assert.Throws<ArgumentException>(() => Invalidation.Tag("line\nbreak"));
        Assert.Throws<ArgumentException>(() => Invalidation.AnyTag());
        Assert.Throws<ArgumentException>(() => Invalidation.AllTags([]));
        Assert.Throws<ArgumentNullException>(() => Invalidation.AnyTag((IEnumerable<string>)null!));
        Assert.Equal(1000, Invalidation.AnyTag(Enumerable.Range(0, 1000).Select(i => "t" + i)).Tags.Count);
        Assert.Contains("1000", Assert.Throws<ArgumentException>(() => Invalidation.AllTags(Enumerable.Range(0, 1001).Select(i => "t" + i))).Message, StringComparison.Ordinal);
        // An endless list is not read to its end.
        Assert.Throws<ArgumentException>(() => Invalidation.AnyTag(Enumerable.Range(0, int.MaxValue).Select(i => "t" + i)));
    }

    [Fact]
    [Trait("clause", "I-23")]
    public async Task A_user_that_could_not_be_invalidated_is_not_stored()
    {
        using var cache = new LarderCache();
        await Assert.ThrowsAsync<ArgumentException>(async () => await cache.SetAsync("k", 1, new() { User = new string('u', 1025) }));
        string longest = new('u', 1024);
        await cache.SetAsync("k", 1, new() { User = longest });
        await cache.InvalidateAsync(Invalidation.User(longest));
        Assert.False(cache.Exists("k"));
    }

    [Theory]
    [InlineData("user", "user:1:profile", true)]
    [InlineData("USER:1", "user:1:profile", true)]
    [InlineData("user:1:profile", "user:1", false)]
    [InlineData("user:1", "user:12", false)]
    [InlineData("a:", "a::b", true)]
    [InlineData("=a", "=a:b", false)]
    [InlineData("=a:b", "=a:b", true)]
    [Trait("clause", "I-5")]
    [Trait("clause", "I-6")]
    public void A_tag_is_carried_by_what_has_it_or_one_below(string wanted, string tag, bool carried)
    {
        Assert.Equal(carried, TagRules.Carries(["other", tag], wanted));
        Assert.False(TagRules.Carries([], wanted));
    }

    /// <summary>A pattern may take seconds to be shown to all entries; here the cancellation comes while it is.</summary>
    [Fact]
    public async Task Counting_ends_when_it_is_cancelled()
    {
        using var cache = new LarderCache(new() { MaxEntries = 10_000 }, new ManualTimeProvider());
        for (int i = 0; i < 10_000; i++) await cache.SetAsync($"k{i}", i);
        using var cancel = new CancellationTokenSource();
        int ended = 0;
        using IDisposable listening = cache.Events.Subscribe(e =>
        {
            if (e.Kind == CacheEventKind.Invalidate && ++ended == 10) cancel.Cancel();
        });
        InvalidationResult result = await cache.InvalidateAsync(Invalidation.Glob("k*"), "why", count: true, cancellationToken: cancel.Token);
        Assert.Equal(10, ended);
        // It holds all the same, and the history has it.
        Assert.Equal((null, InvalidationStatus.Acknowledged), (result.Removed, result.Status));
        Assert.False(cache.Exists("k7"));
        Assert.Equal((result.Position, "why", null), cache.InvalidationHistory.Last().Select(e => (e.Position, e.Reason, e.Removed)).Single());
        Assert.Equal((1, 0), (cache.InvalidationHistory.Rate.LastHour, cache.InvalidationHistory.Totals.Counted));
        // Once it is cancelled nothing more is published.
        await cache.SetAsync("new", 1);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await cache.InvalidateAsync(Invalidation.All, count: true, cancellationToken: cancel.Token));
        Assert.True(cache.Exists("new"));
        Assert.Throws<OperationCanceledException>(() => cache.GetKeys(cancellationToken: cancel.Token));
    }

    [Fact]
    [Trait("clause", "I-5")]
    public async Task Regex_and_glob_as_the_sources_have_them()
    {
        using var cache = new LarderCache();
        foreach (string key in new[] { "storycore.pipeline.a", "storycore.pipeline.b", "storycore.narration.a", "user:123:a", "user:123:b", "user:456:a", "user:1234" })
            await cache.SetAsync(key, key);
        Assert.Equal(2, (await cache.InvalidateAsync(Invalidation.Regex(@"storycore\.pipeline\..*"), count: true)).Removed);
        Assert.True(cache.Exists("storycore.narration.a"));
        Assert.Equal(2, (await cache.InvalidateAsync(Invalidation.Glob("user:123:*"), count: true)).Removed);
        Assert.Equal(0, (await cache.InvalidateAsync(Invalidation.Glob("user:123:*"), count: true)).Removed);
        Assert.Equal(1, (await cache.InvalidateAsync(Invalidation.Prefix("user:123"), count: true)).Removed);
        Assert.True(cache.Exists("user:456:a"));
        // No sign of a prefix has a meaning.
        Assert.Equal(0, (await cache.InvalidateAsync(Invalidation.Prefix("user:*"), count: true)).Removed);
    }
}
