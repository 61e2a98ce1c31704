using System.Collections.Concurrent;
using System.Net.Http.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OutputCaching;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Larder.Tests.Examples;

/// <summary>The program of docs/features/output-caching.md.</summary>
public sealed class OutputCachingExample
{
    [Fact]
    public async Task Responses_of_output_caching_are_kept_in_the_cache()
    {
        var zones = new ConcurrentBag<string> { "north" };
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddLarder().AddOutputCacheStore();
        builder.Services.AddOutputCache();
        await using WebApplication app = builder.Build();
        app.UseOutputCache();
        app.MapGet("/zones", () => Results.Ok(zones)).CacheOutput(policy => policy.Tag("zones").Expire(TimeSpan.FromMinutes(5)));
        app.MapPut("/zones/{name}", async (string name, IOutputCacheStore store) =>
        {
            zones.Add(name);
            await store.EvictByTagAsync("zones", default);
        });
        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new(app.Urls.First()) };
        Assert.Equal("north", Assert.Single((await client.GetFromJsonAsync<string[]>("/zones"))!));
        zones.Add("east");
        Assert.Equal("north", Assert.Single((await client.GetFromJsonAsync<string[]>("/zones"))!));
        (await client.PutAsync("/zones/south", null)).EnsureSuccessStatusCode();
        Assert.Equal(3, (await client.GetFromJsonAsync<string[]>("/zones"))!.Length);
    }
}
