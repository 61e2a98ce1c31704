using Larder.Tests.Support;

namespace Larder.Tests.Memory;

/// <summary>A miss says why nothing is there any more.</summary>
public sealed class DeparturesTests
{
    [Fact]
    public async Task A_miss_tells_what_became_of_the_entry()
    {
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(new() { MaxEntries = 1 }, time);
        Assert.Equal(Reason.MissCold, Missing(cache, "a"));

        await cache.SetAsync("a", 1);
        await cache.SetAsync("b", 1);
        Assert.Equal(Reason.MissEvicted, Missing(cache, "a"));

        await cache.RemoveAsync("b");
        Assert.Equal(Reason.MissInvalidated, Missing(cache, "b"));

        await cache.SetAsync("c", 1, new() { Ttl = TimeSpan.FromSeconds(1) });
        time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(0, cache.Statistics.Entries);
        Assert.Equal(Reason.MissExpired, Missing(cache, "c"));

        await cache.SetAsync("d", 1, new() { Tags = ["t"] });
        await cache.InvalidateAsync(Invalidation.Tag("t"), count: true);
        Assert.Equal(0, cache.Statistics.Entries);
        Assert.Equal(Reason.MissInvalidated, Missing(cache, "d"));
    }

    [Theory]
    [InlineData(RemovalCause.Evicted, Reason.MissEvicted)]
    [InlineData(RemovalCause.Expired, Reason.MissExpired)]
    [InlineData(RemovalCause.Invalidated, Reason.MissInvalidated)]
    [InlineData(RemovalCause.Removed, Reason.MissInvalidated)]
    [InlineData(RemovalCause.Replaced, Reason.MissCold)]
    public void A_cause_becomes_a_reason_for_its_hash_alone(RemovalCause cause, Reason reason)
    {
        foreach (int hash in (int[])[0, 1, -1, int.MinValue, int.MaxValue])
        {
            var departures = new Departures(1024);
            Assert.Equal(Reason.MissCold, departures.ReasonOf(hash));
            departures.Remember_NeedsGate(hash, cause);
            Assert.Equal(reason, departures.ReasonOf(hash));
            Assert.Equal(Reason.MissCold, departures.ReasonOf(unchecked(hash + 1024)));
        }
    }

    [Fact]
    public async Task A_listener_that_writes_while_it_is_told_disturbs_nothing()
    {
        using var cache = new LarderCache(new() { MaxEntries = 2 });
        int told = 0;
        using IDisposable subscription = cache.Events.Subscribe(e =>
        {
            if (e.Kind == CacheEventKind.Evict && ++told < 5) cache.SetAsync($"again{told}", told).AsTask().GetAwaiter().GetResult();
        });
        foreach (string key in (string[])["a", "b", "c"]) await cache.SetAsync(key, 1);
        Assert.Equal(5, told);
        Assert.Equal(2, cache.Statistics.Entries);
    }

    private static Reason Missing(LarderCache cache, string key) => cache.GetLocal<int>(key).Reason;
}
