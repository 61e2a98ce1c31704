using System.Text.Json;
using Larder.AspNetCore;
using Larder.IntegrationTests.Gateway.Forwarding;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Larder.IntegrationTests.Gateway.Origins;

/// <summary>Several origins by host and path, with the cache in front.</summary>
public sealed class RoutingTests
{
    [Fact]
    public async Task Each_request_goes_to_its_origin_with_its_target_as_sent()
    {
        await using KestrelOrigin shop = await NamedAsync("shop"), api = await NamedAsync("api"), rest = await NamedAsync("rest");
        await using Hosting.Gateway gateway = await Hosting.Gateway.StartAsync(new()
        {
            Origin = rest.Address,
            Origins = [new() { Urls = [shop.Address], Hosts = ["*.shop.test"] }, new() { Urls = [new(api.Address, "/base")], Path = "/api" }],
        });

        Assert.Equal("shop /api/x?y", (await gateway.GetAsync("/api/x?y", "a.shop.test")).Body);
        Assert.Equal("api /base/api/x?y", (await gateway.GetAsync("/api/x?y")).Body);
        Assert.Equal("rest /apis//%7e", (await gateway.GetAsync("/apis//%7e")).Body);
        Assert.Equal("api /base/api/x?y", (await gateway.GetAsync("/api/x?y")).Body);
        Assert.Equal("shop /api/x?y", (await gateway.GetAsync("/api/x?y", "a.shop.test")).Body);
        foreach (string trick in (string[])["/public/..%2fapi/x", "//api/x", "/%61pi/x", "/api/../x"])
            Assert.Equal(400, (await gateway.GetAsync(trick)).Status);
    }

    [Fact]
    public async Task A_request_that_no_origin_is_for_is_a_404_that_nobody_keeps()
    {
        int asked = 0;
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(context =>
        {
            asked++;
            context.Response.Headers.CacheControl = "max-age=100";
            return Task.CompletedTask;
        });
        await using Hosting.Gateway gateway = await Hosting.Gateway.StartAsync(new()
        {
            Origins = [new() { Urls = [origin.Address], Hosts = ["site.test"], Path = "/a" }],
            Rules = [new() { Pattern = RulePattern.Glob("*"), Ttl = TimeSpan.FromHours(1) }],
            CacheErrors = true,
        });

        for (int round = 0; round < 2; round++)
        {
            (int status, string body, HttpResponseMessage answer) = await gateway.GetAsync("/b?secret");
            Assert.Equal((404, "application/problem+json", "no-store"), (status, answer.Content.Headers.ContentType!.ToString(), answer.Headers.CacheControl!.ToString()));
            Assert.Equal("""{"type":"about:blank","title":"Not Found","status":404,"detail":"No origin is configured for this host and path."}""", JsonDocument.Parse(body).RootElement.GetRawText());
            Assert.False(answer.Headers.Contains("Cache-Status"));
            Assert.NotEqual(true, answer.Headers.ConnectionClose);
        }
        Assert.Equal(404, (await gateway.GetAsync("/a", "other.test")).Status);
        Assert.Equal(404, (await gateway.GetAsync("/b", method: "POST")).Status);
        Assert.Equal((200, "ok"), ((await gateway.GetAsync("/healthz")).Status, (await gateway.GetAsync("/healthz")).Body));
        Assert.Equal(0, asked);
        Assert.Equal(200, (await gateway.GetAsync("/a")).Status);
    }

    [Fact]
    public async Task A_request_that_comes_back_is_a_508_and_another_gateways_is_not()
    {
        await using KestrelOrigin origin = await NamedAsync("origin");
        await using Hosting.Gateway inner = await Hosting.Gateway.StartAsync(new() { Origin = origin.Address });
        await using Hosting.Gateway outer = await Hosting.Gateway.StartAsync(new() { Origin = inner.Address });
        Assert.Equal("origin /x", (await outer.GetAsync("/x")).Body);

        inner.Reload.Apply(inner.Options with { Origin = outer.Address });

        (int status, string body, HttpResponseMessage answer) = await outer.GetAsync("/y");
        Assert.Equal((508, "application/problem+json"), (status, answer.Content.Headers.ContentType!.ToString()));
        Assert.Contains("has come back to the gateway", body);
        Assert.Equal(508, (await outer.GetAsync("/y")).Status);
    }

    internal static Task<KestrelOrigin> NamedAsync(string name) => KestrelOrigin.StartAsync(context =>
    {
        context.Response.Headers.CacheControl = "max-age=100";
        return context.Response.WriteAsync($"{name} {context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget}");
    });
}
