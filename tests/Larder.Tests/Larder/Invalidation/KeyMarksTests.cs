using Larder.Tests.Support;

namespace Larder.Tests.Invalidations;

public sealed class KeyMarksTests
{
    [Theory]
    [InlineData(0, 16_384)]
    [InlineData(1_000, 16_384)]
    [InlineData(16_385, 32_768)]
    [InlineData(100_000_000, 262_144)]
    [Trait("clause", "I-20")]
    public void Small_caches_have_as_many_places_as_medium_ones(int maxEntries, int places) => Assert.Equal(places, HashPlaces.CountFor(maxEntries));

    [Fact]
    [Trait("clause", "I-20")]
    public void A_mark_is_never_older_than_the_last_event_of_any_of_its_keys()
    {
        var marks = new KeyMarks(10);
        var random = new Random(1);
        var last = new Dictionary<int, long>();
        for (long ordinal = 1; ordinal < 100_000; ordinal++)
        {
            int hash = random.Next(50_000);
            marks.Raise_NeedsGate(hash, ordinal);
            last[hash] = ordinal;
            // An older event that comes late lowers nothing.
            marks.Raise_NeedsGate(hash, ordinal - random.Next(10));
        }
        Assert.All(last, l => Assert.True(marks[l.Key] >= l.Value));
    }

    [Fact]
    [Trait("clause", "I-20")]
    public async Task Writes_of_other_keys_refuse_few_fills()
    {
        using var cache = new LarderCache(new() { MaxEntries = 10 });
        const int Fills = 1_000, WritesDuringEach = 16;
        int refused = 0;
        for (int i = 0; i < Fills; i++)
        {
            Stamp stamp = cache.BeginFill();
            for (int w = 0; w < WritesDuringEach; w++) await cache.RemoveAsync($"other:{i}:{w}");
            if (cache.TryStore("k" + i, i, new(), stamp) != Reason.None) refused++;
        }
        // One is expected (more than twelve: one in 10^10 runs); with a thousand places it would be sixteen.
        Assert.InRange(refused, 0, 12);
    }

    [Fact]
    [Trait("clause", "I-13")]
    public async Task A_flight_that_finds_its_value_landed_runs_no_factory()
    {
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(null, time);
        cache.Dispose();
        await cache.SetAsync("k", "old", new() { Ttl = TimeSpan.FromSeconds(1) });
        time.Advance(TimeSpan.FromSeconds(1));
        // Between the caller's look and its flight what has expired is dropped; then the listener stores.
        using IDisposable _ = cache.Events.Subscribe(e =>
        {
            if (e.Kind == CacheEventKind.Expire) cache.SetAsync("k", "landed").AsTask().Wait();
        });
        Assert.Equal("landed", await cache.GetOrCreateAsync("k", _ => new ValueTask<string>("made")));
    }

    [Fact]
    [Trait("clause", "I-16")]
    public void Of_two_values_made_side_by_side_the_one_begun_later_stays()
    {
        using var cache = new LarderCache();
        Stamp early = cache.BeginFill(), late = cache.BeginFill();
        Assert.Equal(Reason.None, cache.TryStore("k", "late", new(), late));
        Assert.Equal(Reason.UnstoredOvertaken, cache.TryStore("k", "early", new(), early));
        Assert.Equal("late", cache.GetLocal<string>("k").Value);
        StoreIntegrity.Check(cache);
    }
}
