namespace Larder.Tests.Examples;

public sealed class FillingExamples : IDisposable
{
    private readonly LarderCache _cache = new();

    public void Dispose() => _cache.Dispose();

    public sealed record Price(string Id, decimal Amount);

    public sealed record Document(string Version, string Author);

    public sealed record Answer(bool IsUnchanged, bool IsPartial, Document Document, TimeSpan MaxAge);

    private sealed class PriceSource
    {
        public Price Read(string id) => new(id, 1);

        public ValueTask<Price> LoadAsync(string id, CancellationToken cancellationToken) => new(new Price(id, 1));

        public ValueTask<IReadOnlyDictionary<string, Price>> LoadManyAsync(IReadOnlyList<string> ids, CancellationToken cancellationToken) =>
            new(ids.ToDictionary(id => id, id => new Price(id, 2)));
    }

    private sealed class DocumentOrigin
    {
        public ValueTask<Answer> AskAsync(string id, string? known, CancellationToken cancellationToken) =>
            new(new Answer(known == "1", false, new("1", "ann"), TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public async Task Options_name_the_timeline()
    {
        LarderCache cache = _cache;
        var source = new PriceSource();
        EntryOptions prices = new()
        {
            Ttl = TimeSpan.FromMinutes(5),
            StaleWhileRevalidate = TimeSpan.FromMinutes(1),
            StaleIfError = TimeSpan.FromHours(1),
            SoftTimeout = TimeSpan.FromMilliseconds(200),
            HardTimeout = TimeSpan.FromSeconds(5),
            EagerRefresh = 0.9,
            Jitter = 0.1,
            FailureTtl = TimeSpan.FromSeconds(5),
        };
        Price price = await cache.GetOrCreateAsync("price:7", token => source.LoadAsync("7", token), prices);
        Assert.Equal(new("7", 1), price);
        Price read = await cache.GetOrCreateAsync("price:8", token => Task.Run(() => source.Read("8"), token), prices);
        Assert.Equal(new("8", 1), read);
    }

    [Fact]
    public async Task A_factory_decides()
    {
        LarderCache cache = _cache;
        var origin = new DocumentOrigin();
        for (int i = 0; i < 2; i++)
        {
            Document document = await cache.GetOrCreateAsync<Document>("document:7", async (context, token) =>
            {
                Answer answer = await origin.AskAsync("7", context.Stored.Value?.Version, token);
                if (answer.IsUnchanged) return context.NotModified();
                if (answer.IsPartial) context.DoNotStore();
                context.AddTags($"author:{answer.Document.Author}");
                context.Options = context.Options with { Ttl = answer.MaxAge };
                return answer.Document;
            }, new() { StaleIfError = TimeSpan.FromDays(1) });
            Assert.Equal(new("1", "ann"), document);
        }
        await cache.InvalidateAsync(Invalidation.Tag("author:ann"));
        Assert.False(cache.Exists("document:7"));
    }

    [Fact]
    public async Task Many_at_once()
    {
        LarderCache cache = _cache;
        var source = new PriceSource();
        IReadOnlyDictionary<string, Price> prices = await cache.GetOrCreateManyAsync(["price:1", "price:2", "price:3"],
            async (missing, token) => await source.LoadManyAsync(missing, token), new EntryOptions { Ttl = TimeSpan.FromMinutes(5) });
        Assert.Equal(3, prices.Count);
        Dictionary<string, Price> loaded = new(prices);
        IReadOnlyDictionary<string, Price> known = await cache.GetManyAsync<Price>(["price:1", "price:9"]);
        IReadOnlyDictionary<string, Reason> refused = await cache.SetManyAsync(loaded, new EntryOptions { Tags = ["prices"] });
        int removed = await cache.RemoveManyAsync(["price:1", "price:2"]);
        Assert.Equal((1, 0, 2), (known.Count, refused.Count, removed));
    }

    [Fact]
    public async Task Looking()
    {
        LarderCache cache = _cache;
        var source = new PriceSource();
        LookupResult<Price> found = await cache.GetAsync<Price>("price:7");
        LookupResult<Price> orStale = await cache.GetAsync<Price>("price:7", allowStale: true);
        LookupResult<Price> made = await cache.GetOrCreateResultAsync("price:7", token => source.LoadAsync("7", token));
        Console.WriteLine($"{made.Reason.Name()} from {made.Source}, {made.Age} old, fresh for {made.Remaining}, stale: {made.IsStale}");
        Assert.Equal((false, false, true), (found.Found, orStale.Found, made.Found));

        bool fresh = cache.Exists("price:7");
        TimeSpan? left = cache.GetTimeToLive("price:7");
        for (string? after = null; cache.GetKeys(limit: 100, after, glob: "price:*") is { Count: > 0 } page; after = page[^1])
            Console.WriteLine(string.Join(", ", page));
        int expired = cache.RemoveExpired();
        int? cleared = await cache.ClearAsync();
        Assert.True(fresh && left > TimeSpan.Zero && expired == 0 && cleared == 1);
    }
}
