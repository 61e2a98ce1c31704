namespace Larder.Tests.Monitoring;

public sealed class StatisticsTests
{
    [Theory]
    [InlineData(0, 0, 0.0)]
    [InlineData(1, 1, 0.5)]
    [InlineData(7, 3, 0.7)]
    public async Task The_hit_rate_is_hits_among_lookups(int hits, int misses, double rate)
    {
        using var cache = new LarderCache();
        await cache.SetAsync("k", 1);
        for (int i = 0; i < hits; i++) cache.GetLocal<int>("k");
        for (int i = 0; i < misses; i++) cache.GetLocal<int>("absent");
        cache.Exists("k");
        cache.GetTimeToLive("absent");
        CacheStatistics figures = cache.Statistics;
        Assert.Equal((hits, misses), (figures.Hits, figures.Misses));
        Assert.Equal(rate, figures.HitRate, 12);
    }

    [Fact]
    public async Task Utilisation_is_the_tighter_limit()
    {
        using var cache = new LarderCache(new() { MaxEntries = 4, MaxBytes = 1_000_000 });
        await cache.SetAsync("a", 1);
        Assert.Equal(0.25, cache.Statistics.Utilisation);
        await cache.SetAsync("b", 1, new() { Size = 900_000 });
        Assert.InRange(cache.Statistics.Utilisation, 0.9, 1);
        Assert.Equal((2, 4, 1_000_000L), (cache.Statistics.Entries, cache.Statistics.MaxEntries, cache.Statistics.MaxBytes));
    }
}
