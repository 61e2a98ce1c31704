using System.Globalization;
using Larder.Tests.Support;

namespace Larder.Tests.Memory;

/// <summary>The cache finds out by itself which strategy suits; each single one fails somewhere.</summary>
public sealed class StrategyTests
{
    private const int Capacity = 400;

    [Fact]
    public void A_loop_that_does_not_fit_is_met_by_frequency() =>
        Check(Strategy.Frequency, worst: Strategy.Recency, leastHits: 0.6, mostOfWorst: 0.01, Enumerable.Range(0, 60_000).Select(i => i % 500));

    [Fact]
    public void Popularity_that_moves_on_is_met_by_recency()
    {
        (Random random, int[] ranks) = (new(1), Ranks(800, 0.9));
        Check(Strategy.Recency, worst: Strategy.Frequency, leastHits: 0.65, mostOfWorst: 0.5, Enumerable.Range(0, 60_000).Select(i => i / 8 + ranks[random.Next(ranks.Length)]));
    }

    [Fact]
    public void One_hit_wonders_are_filtered()
    {
        (Random random, int[] ranks) = (new(2), Ranks(2_000, 0.9));
        Check(Strategy.Filter, worst: Strategy.Recency, leastHits: 0.38, mostOfWorst: 0.36, Enumerable.Range(0, 60_000).Select(i => i % 3 == 0 ? 1_000_000 + i : ranks[random.Next(ranks.Length)]));
    }

    [Fact]
    public void When_the_pattern_changes_the_strategy_follows()
    {
        using LarderCache cache = Of(Capacity);
        Replay(cache, Enumerable.Range(0, 30_000).Select(i => i % 500));
        Assert.Equal(Strategy.Frequency, StrategyOf(cache));
        (Random random, int[] ranks) = (new(3), Ranks(800, 0.9));
        Replay(cache, Enumerable.Range(0, 60_000).Select(i => 10_000 + i / 8 + ranks[random.Next(ranks.Length)]));
        Assert.Equal(Strategy.Recency, StrategyOf(cache));
        StoreIntegrity.Check(cache);
    }

    [Fact]
    public void A_large_cache_learns_from_a_sample()
    {
        using LarderCache cache = Of(20_000);
        double hits = Replay(cache, Enumerable.Range(0, 300_000).Select(i => i % 25_000));
        Assert.Equal(Strategy.Frequency, StrategyOf(cache));
        Assert.True(hits > 0.5, hits.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>The real cache chooses and does well, where the worst strategy alone, simulated, would have done badly.</summary>
    private static void Check(Strategy chosen, Strategy worst, double leastHits, double mostOfWorst, IEnumerable<int> requests)
    {
        int[] keys = [.. requests];
        using LarderCache cache = Of(Capacity);
        double hits = Replay(cache, keys);
        Assert.Equal(chosen, StrategyOf(cache));
        Assert.True(hits > leastHits, hits.ToString(CultureInfo.InvariantCulture));
        StoreIntegrity.Check(cache);

        var alone = new SampledCache(worst);
        alone.Limit(Capacity, long.MaxValue);
        double ofWorst = keys.Count(key => alone.Access(key.GetHashCode() * 0x2545_F491, 1)) / (double)keys.Length;
        Assert.True(ofWorst < mostOfWorst, ofWorst.ToString(CultureInfo.InvariantCulture));
    }

    private static LarderCache Of(int entries) => new(new() { MaxEntries = entries, MaxBytes = 1L << 40 }, new ManualTimeProvider());

    private static Strategy StrategyOf(LarderCache cache) => StoreIntegrity.PolicyOf(cache).Strategy;

    private static double Replay(LarderCache cache, IEnumerable<int> keys)
    {
        int hits = 0, requests = 0;
        foreach (int key in keys)
        {
            requests++;
            string name = key.ToString(CultureInfo.InvariantCulture);
            if (cache.GetLocal<int>(name).Found) hits++;
            else cache.SetAsync(name, key).AsTask().Wait();
        }
        return (double)hits / requests;
    }

    /// <summary>An urn: each rank as often as its share of a zipf distribution.</summary>
    private static int[] Ranks(int count, double exponent) =>
        [.. Enumerable.Range(0, count).SelectMany(rank => Enumerable.Repeat(rank, (int)Math.Ceiling(1000 / Math.Pow(rank + 1, exponent))))];
}
