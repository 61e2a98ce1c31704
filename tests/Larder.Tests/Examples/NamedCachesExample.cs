using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Larder.Tests.Examples;

/// <summary>The code of docs/features/named-caches.md.</summary>
public sealed class NamedCachesExample
{
    public sealed class Reports([FromKeyedServices("reports")] LarderCache cache)
    {
        public ValueTask<string> GetAsync(int year) => cache.GetOrCreateAsync($"report:{year}", _ => new ValueTask<string>($"the report of {year}"));
    }

    [Fact]
    public async Task Runs()
    {
        var services = new ServiceCollection();
        services.AddTransient<Reports>();
        // The page's own settings.
        string json = Pages.Read("docs/features/named-caches.md").Split("```json\n")[1].Split("```")[0];
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build());

        services.AddLarder(options => options.MaxEntries = 10_000);
        services.AddLarder("reports", options => options.MaxBytes = 500L << 20);

        await using ServiceProvider provider = services.BuildServiceProvider();
        Assert.Equal("the report of 2030", await provider.GetRequiredService<Reports>().GetAsync(2030));
        LarderCache reports = provider.GetRequiredKeyedService<LarderCache>("reports");
        Assert.True(reports.Exists("report:2030"));
        Assert.False(provider.GetRequiredService<LarderCache>().Exists("report:2030"));
        Assert.Equal((200, 500L << 20), (reports.Statistics.MaxEntries, reports.Statistics.MaxBytes));
        Assert.Equal(20_000, provider.GetRequiredService<LarderCache>().Statistics.MaxEntries);
    }
}
