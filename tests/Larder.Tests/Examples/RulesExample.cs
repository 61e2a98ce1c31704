using Larder.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Larder.Tests.Examples;

/// <summary>The rules of docs/features/http-rules.md.</summary>
public sealed class RulesExample
{
    [Fact]
    public async Task Rules_of_all_kinds_work_together()
    {
        int calls = 0;
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddLarder().AddHttpCaching(http =>
        {
            http.Rules.Add(new()
            {
                Pattern = RulePattern.Path("/products/{id}"),
                Ttl = TimeSpan.FromMinutes(10),
                Query = QueryPolicy.Except("utm_*", "fbclid"),
                Tags = ["product:{id}"],
                CacheControl = "public, max-age=60",
            });
            http.Rules.Add(new()
            {
                Pattern = RulePattern.Path("/search"),
                Methods = ["POST"],
                Body = new() { Json = true },
                Ttl = TimeSpan.FromSeconds(30),
            });
            http.Rules.Add(new()
            {
                Pattern = RulePattern.Path("/me/{**rest}"),
                Scope = RuleScope.Private,
                User = UserSource.Header("X-User-Id"),
                Ttl = TimeSpan.FromMinutes(1),
            });
            foreach (CacheRule rule in RulePresets.Find("analytics")) http.Rules.Add(rule);
        });
        await using WebApplication app = builder.Build();
        app.UseLarder();
        app.Run(context => context.Response.WriteAsync($"{++calls} {context.Request.QueryString}"));
        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new(app.Urls.First()) };
        Assert.Equal("1 ?color=red", await client.GetStringAsync("/products/7?utm_source=mail&color=red"));
        Assert.Equal("1 ?color=red", await client.GetStringAsync("/products/7?color=red&fbclid=x"));
        Assert.Equal("2 ", await PostAsync(client, """{"q":"tea","page":1}"""));
        Assert.Equal("2 ", await PostAsync(client, """{ "page": 1, "q": "tea" }"""));
        Assert.Equal("3 ", await client.GetStringAsync("/api/analytics/today"));
        Assert.Equal("3 ", await client.GetStringAsync("/api/analytics/today"));
    }

    private static async Task<string> PostAsync(HttpClient client, string json)
    {
        using HttpResponseMessage response = await client.PostAsync("/search", new StringContent(json));
        return await response.Content.ReadAsStringAsync();
    }
}
