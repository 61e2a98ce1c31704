using Larder.Tests.Support;

namespace Larder.Tests.Expiry;

public sealed class ExpiryTests
{
    [Fact]
    public async Task Entries_leave_on_time_none_early_none_forgotten()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var time = new ManualTimeProvider();
            using var cache = new LarderCache(new() { MaxEntries = 10_000 }, time);
            cache.Dispose();
            var due = new List<(long At, string Key)>();
            long now = 0;
            for (int step = 0; step < 60; step++)
            {
                for (int i = random.Next(30); i > 0; i--)
                {
                    string key = $"{step}.{i}";
                    long ttl = (long)Math.Exp(random.NextDouble() * Math.Log(30 * 86_400_000.0 / 1000)) * 1000 + random.Next(1000);
                    await cache.SetAsync(key, 1, new() { Ttl = TimeSpan.FromMilliseconds(ttl) });
                    due.Add((now + ttl, key));
                }
                long by = random.Next(4) switch { 0 => random.Next(1000), 1 => random.Next(60_000), 2 => random.Next(10_000_000), _ => (long)random.Next(10) * 86_400_000 };
                time.Advance(TimeSpan.FromMilliseconds(by));
                now += by;
                Assert.Equal(due.RemoveAll(d => d.At <= now), cache.RemoveExpired());
                Assert.Equal(due.Count, cache.Statistics.Entries);
                Assert.All(due.Take(50), d => Assert.Equal(TimeSpan.FromMilliseconds(d.At - now), cache.GetTimeToLive(d.Key)));
            }
            StoreIntegrity.Check(cache);
        }
    }

    [Fact]
    public async Task One_round_finds_everything_however_much_there_is_to_look_at()
    {
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(new() { MaxEntries = 30_000 }, time);
        cache.Dispose();
        // A full slot of entries that come due one turn of the wheel later, and one that is due behind it.
        for (int i = 0; i < 5_000; i++) await cache.SetAsync("later" + i, i, new() { Ttl = TimeSpan.FromSeconds(4096 + 10) });
        await cache.SetAsync("due", 1, new() { Ttl = TimeSpan.FromSeconds(12) });
        time.Advance(TimeSpan.FromSeconds(13));
        Assert.Equal(1, cache.RemoveExpired());
        for (int i = 0; i < 10_000; i++) await cache.SetAsync("many" + i, i, new() { Ttl = TimeSpan.FromSeconds(5) });
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(10_000, cache.RemoveExpired());
        Assert.Equal(5_000, cache.Statistics.Entries);
    }

    [Fact]
    public async Task Lifetimes_without_end_never_end()
    {
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(null, time);
        await cache.SetAsync("k", "v", new() { Ttl = TimeSpan.MaxValue });
        Assert.Equal(TimeSpan.MaxValue, cache.GetLocal<string>("k").Remaining);
        Assert.Equal(TimeSpan.MaxValue, cache.GetTimeToLive("k"));
        await cache.SetAsync("long", "v", new() { Ttl = TimeSpan.FromDays(365) });
        Assert.Equal(TimeSpan.FromDays(365), cache.GetLocal<string>("long").Remaining);
        time.Advance(TimeSpan.FromDays(100_000));
        Assert.Equal("v", cache.GetLocal<string>("k").Value);
        Assert.Equal((1, 0), (cache.Statistics.Entries, cache.RemoveExpired()));
    }

    [Fact]
    public async Task The_time_left_is_told_and_the_end_is_exact()
    {
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(null, time);
        await cache.SetAsync("k", "v", new() { Ttl = TimeSpan.FromSeconds(60) });
        time.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal(TimeSpan.FromSeconds(59.5), cache.GetTimeToLive("k"));
        LookupResult<string> found = cache.GetLocal<string>("k");
        Assert.Equal((TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(59.5)), (found.Age, found.Remaining));
        Assert.Null(cache.GetTimeToLive("absent"));
        time.Advance(TimeSpan.FromMilliseconds(59_499));
        Assert.True(cache.Exists("k"));
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(cache.Exists("k"));
    }

    [Fact]
    public async Task Upkeep_frees_by_itself_what_has_expired()
    {
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(null, time);
        await cache.SetAsync("k", "v", new() { Ttl = TimeSpan.FromMilliseconds(900) });
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((0, 1L), (cache.Statistics.Entries, cache.Statistics.Expirations));
        await cache.SetAsync("t", "v", new() { Tags = ["a"] });
        await cache.InvalidateAsync(Invalidation.Tag("a"));
        Assert.Equal(1, cache.Statistics.Entries);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, cache.Statistics.Entries);
    }

    [Fact]
    public async Task A_lookup_drops_what_it_finds_expired()
    {
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(null, time);
        cache.Dispose();
        await cache.SetAsync("k", "v", new() { Ttl = TimeSpan.FromSeconds(1) });
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(1, cache.Statistics.ExpiredEntries);
        Assert.Equal(Reason.MissExpired, cache.GetLocal<string>("k").Reason);
        Assert.Equal((0, 1L), (cache.Statistics.Entries, cache.Statistics.Expirations));
        await cache.SetAsync("k", "v", new() { Ttl = TimeSpan.FromSeconds(1) });
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.False(await cache.RemoveAsync("k"));
    }
}
