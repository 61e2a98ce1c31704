using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;

namespace Larder.Tests.Examples;

/// <summary>The code of docs/features/distributed-cache.md.</summary>
public sealed class DistributedCacheExample
{
    [Fact]
    public async Task Runs()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();

        builder.Services.AddLarder("sessions", options => options.MaxEntries = 50_000).AddDistributedCache();
        builder.Services.AddSession();

        await using WebApplication app = builder.Build();
        var distributed = app.Services.GetRequiredService<IDistributedCache>();

        await distributed.SetStringAsync("greeting", "hello", new DistributedCacheEntryOptions { SlidingExpiration = TimeSpan.FromMinutes(20) });
        string? greeting = await distributed.GetStringAsync("greeting");

        Assert.Equal("hello", greeting);
        Assert.True(app.Services.GetRequiredKeyedService<LarderCache>("sessions").Exists("greeting"));
    }
}
