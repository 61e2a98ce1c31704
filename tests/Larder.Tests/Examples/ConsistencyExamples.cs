using Larder.AspNetCore;
using Larder.Redis;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Larder.Tests.Examples;

/// <summary>The programs of the page on consistency, compiled and, where they need no server, run.</summary>
public sealed class ConsistencyExamples
{
    [Fact]
    public async Task Reach()
    {
        var Console = new Lines();
        using var cache = new LarderCache();
        InvalidationResult result = await cache.InvalidateAsync(Invalidation.Tag("prices"), InvalidationReach.Everywhere);
        Console.WriteLine($"{result.Status}, {result.Reach}");
        Assert.Equal("Acknowledged, Everywhere", Console.All[0]);
    }

    [Fact]
    public async Task Reading_ones_own_writes()
    {
        var prices = new Dictionary<int, decimal> { [7] = 12.5m };
        using var cache = new LarderCache();

        prices[7] = 11m;
        InvalidationResult result = await cache.InvalidateAsync(Invalidation.Key("price:7"));
        string token = cache.TokenOf(result).ToString();

        // Later, on any node:
        PositionToken.TryParse(token, out PositionToken after);
        decimal price = await cache.GetOrCreateAsync("price:7", (prices, id: 7), static (source, _) => new ValueTask<decimal>(source.prices[source.id]), after);
        Assert.Equal((11m, 33), (price, token.Length));
    }

    [Fact]
    public void Options()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddLarder().AddHttpCaching(http => http.PositionHeader = "Larder-Position");
        builder.Services.AddLarder().AddRedis("redis://127.0.0.1:6379", redis => redis.Strictness = Strictness.Strict);
        Assert.Contains(builder.Services, service => service.ServiceType == typeof(LarderCache));
    }
}
