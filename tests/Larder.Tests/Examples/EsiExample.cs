using Larder.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Larder.Tests.Examples;

/// <summary>The program of docs/features/esi.md.</summary>
public sealed class EsiExample
{
    [Fact]
    public async Task A_page_is_put_together_from_fragments()
    {
        int news = 0;
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddLarder().AddHttpCaching(http =>
        {
            http.Esi.Enabled = true;
            http.User = context => context.Request.Headers["X-User"];
            http.Cache("/zones", TimeSpan.FromHours(1), tags: "zones");
            http.Cache("/news", TimeSpan.FromSeconds(30), tags: "news");
            http.Cache("/jobs", TimeSpan.FromMinutes(5), RuleScope.Private);
        });
        await using WebApplication app = builder.Build();
        app.UseLarder();
        app.MapGet("/zones", (HttpContext context) =>
        {
            context.Response.Headers["Surrogate-Control"] = "content=\"ESI/1.0\"";
            return Results.Text("<h1>Zones</h1><esi:include src=\"/news\"/><esi:include src=\"/jobs\" onerror=\"continue\"/>", "text/html");
        });
        app.MapGet("/news", () => $"<p>News {++news}</p>");
        app.MapGet("/jobs", (HttpContext context) => $"<p>Jobs of {context.Request.Headers["X-User"]}</p>");
        await app.StartAsync();
        LarderCache cache = app.Services.GetRequiredService<LarderCache>();
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal("<h1>Zones</h1><p>News 1</p><p>Jobs of ann</p>", await PageAsync("ann"));
            Assert.Equal("<h1>Zones</h1><p>News 1</p><p>Jobs of bob</p>", await PageAsync("bob"));
        }
        await cache.InvalidateAsync(Invalidation.Tag("news"));
        Assert.Equal("<h1>Zones</h1><p>News 2</p><p>Jobs of ann</p>", await PageAsync("ann"));

        async Task<string> PageAsync(string user)
        {
            using var client = new HttpClient { BaseAddress = new(app.Urls.First()), DefaultRequestHeaders = { { "X-User", user } } };
            return await client.GetStringAsync("/zones");
        }
    }
}
