using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Larder.Tests.Examples;

public sealed class DataCachingExample
{
    public sealed record Price(string Id, decimal Amount);

    public interface IPriceSource
    {
        ValueTask<Price> LoadAsync(string id, CancellationToken cancellationToken);

        ValueTask SaveAsync(Price price);
    }

    private sealed class PriceSource : IPriceSource
    {
        private readonly Dictionary<string, Price> _prices = new() { ["7"] = new("7", 1) };

        public int Loads { get; private set; }

        public ValueTask<Price> LoadAsync(string id, CancellationToken cancellationToken)
        {
            Loads++;
            return new(_prices[id]);
        }

        public ValueTask SaveAsync(Price price)
        {
            _prices[price.Id] = price;
            return default;
        }
    }

    public sealed class Prices(LarderCache cache, IPriceSource source)
    {
        public ValueTask<Price> GetAsync(string id, CancellationToken cancellationToken) =>
            cache.GetOrCreateAsync($"price:{id}", (source, id), static (call, token) => call.source.LoadAsync(call.id, token),
                new EntryOptions { Ttl = TimeSpan.FromMinutes(5), Tags = [$"price:{id}"] }, cancellationToken);

        public async Task ChangeAsync(Price price)
        {
            await source.SaveAsync(price);
            await cache.InvalidateAsync(Invalidation.Tag($"price:{price.Id}"));
        }
    }

    [Fact]
    public async Task Values_are_made_once_and_anew_after_a_change()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddLarder(options =>
        {
            options.MaxEntries = 100_000;
            options.MaxBytes = 256L << 20;
            options.DefaultTtl = TimeSpan.FromMinutes(10);
        });
        using IHost host = builder.Build();
        var source = new PriceSource();
        var prices = new Prices(host.Services.GetRequiredService<LarderCache>(), source);
        for (int i = 0; i < 2; i++) Assert.Equal(1, (await prices.GetAsync("7", default)).Amount);
        await prices.ChangeAsync(new("7", 2));
        for (int i = 0; i < 2; i++) Assert.Equal(2, (await prices.GetAsync("7", default)).Amount);
        Assert.Equal(2, source.Loads);
    }
}
