using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;

namespace Larder.Tests.Examples;

/// <summary>The code of docs/features/hybridcache.md.</summary>
public sealed class HybridCacheExample
{
    [Fact]
    public async Task Runs()
    {
        var services = new ServiceCollection();

        services.AddLarder(options =>
        {
            options.HybridCache.MaximumPayloadBytes = 4 << 20;
            options.HybridCache.DefaultEntryOptions = new() { Expiration = TimeSpan.FromMinutes(5) };
        });

        await using ServiceProvider provider = services.BuildServiceProvider();
        var cache = provider.GetRequiredService<HybridCache>();
        int id = 5;

        string price = await cache.GetOrCreateAsync($"price:{id}", id, static (id, token) => LoadAsync(id, token), tags: [$"price:{id}"]);
        await cache.RemoveByTagAsync("price");

        Assert.Equal("price of 5", price);
        Assert.False(provider.GetRequiredService<LarderCache>().Exists("price:5"));
    }

    private static ValueTask<string> LoadAsync(int id, CancellationToken cancellationToken) => new($"price of {id}");
}
