namespace Larder.Tests.Examples;

/// <summary>The programs of the page on invalidation, compiled and run; <see cref="DocumentationTests"/> compares them with the page.</summary>
public sealed class InvalidationExamples
{
    [Fact]
    public async Task Change_then_invalidate()
    {
        var prices = new Dictionary<int, decimal> { [7] = 12.5m };
        using var cache = new LarderCache();
        Task<decimal> Price(int id) =>
            cache.GetOrCreateAsync($"price:{id}", (prices, id), static (source, _) => new ValueTask<decimal>(source.prices[source.id]),
                new EntryOptions { Tags = [$"product:{id}:price", "prices"], User = "shop-1" }).AsTask();

        Assert.Equal(12.5m, await Price(7));
        // The source first, the cache then.
        prices[7] = 11m;
        await cache.InvalidateAsync(Invalidation.Tag("product:7"), "price list 2031-04");
        Assert.Equal(11m, await Price(7));
    }

    [Fact]
    public async Task Kinds()
    {
        using var cache = new LarderCache();
        await cache.InvalidateAsync(Invalidation.Key("price:7"));
        await cache.InvalidateAsync(Invalidation.Tag("product:7"));                     // and product:7:price
        await cache.InvalidateAsync(Invalidation.AnyTag("product:7", "product:8"));     // one of them is enough
        await cache.InvalidateAsync(Invalidation.AllTags("region:north", "prices"));    // it takes both
        await cache.InvalidateAsync(Invalidation.Prefix("/api/zones/"));                // keys that begin so
        await cache.InvalidateAsync(Invalidation.Glob("user:123:*"));
        await cache.InvalidateAsync(Invalidation.Regex(@"^storycore\.pipeline\."));
        await cache.InvalidateAsync(Invalidation.User("ann"));                          // all that is kept for her
        await cache.InvalidateAsync(Invalidation.All);
        Assert.Equal(9, cache.InvalidationHistory.Totals.Events);
    }

    [Fact]
    public async Task Soft()
    {
        using var cache = new LarderCache();
        await cache.SetAsync("prices", "as of noon", new EntryOptions { Tags = ["prices"], StaleWhileRevalidate = TimeSpan.FromMinutes(5) });
        await cache.InvalidateAsync(Invalidation.Tag("prices").Soft(), "import has begun");

        LookupResult<string> strict = await cache.GetAsync<string>("prices");
        LookupResult<string> lenient = await cache.GetAsync<string>("prices", allowStale: true);
        Console.WriteLine($"{strict.Found}; {lenient.Value}, stale: {lenient.IsStale}");
        Assert.Equal((false, "as of noon", true), (strict.Found, lenient.Value, lenient.IsStale));
        Assert.True(cache.InvalidationHistory.Last(1)[0].IsSoft);
    }

    [Fact]
    public async Task Result_and_history()
    {
        var Console = new Lines();
        using var cache = new LarderCache();
        await cache.InvalidateAsync(Invalidation.Key("zone:9"));
        for (int zone = 1; zone <= 3; zone++) await cache.SetAsync($"zone:{zone}", "open", new EntryOptions { Tags = ["zones"] });

        InvalidationResult result = await cache.InvalidateAsync(Invalidation.Tag("zones"), "night closing", count: true);
        Console.WriteLine($"{result.Status}: {result.Removed} entries, position {result.Position.Ordinal}");

        foreach (InvalidationRecord record in cache.InvalidationHistory.Last(10))
            Console.WriteLine($"{record.At:O} {record.Kind} {record.Subject}: {record.Reason ?? "no reason"}, {(record.Removed is { } removed ? $"{removed} entries" : "not counted")}");
        InvalidationTotals totals = cache.InvalidationHistory.Totals;
        Console.WriteLine($"{totals.Events} events, {totals.Removed} entries, {totals.MeanRemoved} on average");
        Assert.Equal((InvalidationStatus.Acknowledged, 3, 3d), (result.Status, result.Removed, totals.MeanRemoved));
        Assert.EndsWith(" Tag zones: night closing, 3 entries", Console.All[1], StringComparison.Ordinal);
        Assert.EndsWith(" Key zone:9: no reason, not counted", Console.All[2], StringComparison.Ordinal);
        Assert.Equal("2 events, 3 entries, 3 on average", Console.All[3]);
    }

    private enum JobStatus
    {
        Queued,
        Running,
        Done,
    }

    private sealed class JobCache(LarderCache cache)
    {
        public async Task StatusChangedAsync(string job, JobStatus old, JobStatus now)
        {
            if (old == now) return;
            Invalidation what = now == JobStatus.Done
                ? Invalidation.AnyTag($"job:{job}", "jobs:list", "statistics")
                : Invalidation.AnyTag($"job:{job}", "jobs:list");
            await cache.InvalidateAsync(what, $"job {job}: {old} to {now}");
        }
    }

    [Fact]
    public async Task Hook()
    {
        using var cache = new LarderCache();
        await cache.SetAsync("figures", 1, new EntryOptions { Tags = ["statistics"] });
        var jobs = new JobCache(cache);
        await jobs.StatusChangedAsync("7", JobStatus.Queued, JobStatus.Running);
        Assert.True(cache.Exists("figures"));
        await jobs.StatusChangedAsync("7", JobStatus.Running, JobStatus.Done);
        Assert.False(cache.Exists("figures"));
        Assert.Equal("job 7: Running to Done", cache.InvalidationHistory.Last()[0].Reason);
    }

    [Fact]
    public async Task Values_made_outside()
    {
        using var cache = new LarderCache();
        Stamp stamp = cache.BeginFill();
        string report = await MakeReportAsync();
        Reason unstored = cache.TryStore("report", report, new EntryOptions { Tags = ["zones"] }, stamp);
        Assert.Equal(Reason.None, unstored);

        static Task<string> MakeReportAsync() => Task.FromResult("all quiet");
    }
}
