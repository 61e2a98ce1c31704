using Larder.Gateway.Hosting;
using Larder.IntegrationTests.Gateway.Forwarding;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Gateway.Hosting;

/// <summary>Header changes, before the cache and behind it.</summary>
public sealed class HeadersTests
{
    [Fact]
    public async Task Requests_are_changed_for_all_origins_and_then_for_their_own()
    {
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(context =>
            context.Response.WriteAsync(string.Join('|', context.Request.Headers["X-A"], context.Request.Headers["X-B"], context.Request.Headers["X-C"], context.Request.Headers.Authorization)));
        await using Gateway gateway = await Gateway.StartAsync(new()
        {
            Headers = new() { Request = Changes(("X-A", "all"), ("X-B", "all"))(["X-C"]) },
            Origins = [new() { Urls = [origin.Address], Headers = new() { Request = Changes(("X-B", "own"), ("Authorization", "Bearer key"))([]) } }],
        });
        using var request = new HttpRequestMessage(HttpMethod.Get, gateway.Address);
        foreach (string name in (string[])["X-A", "X-B", "X-C", "Authorization"]) request.Headers.TryAddWithoutValidation(name, "client");

        using HttpResponseMessage answer = await gateway.Client.SendAsync(request);

        Assert.Equal("all|own||Bearer key", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Answers_are_stored_as_their_origin_changed_them_and_sent_as_the_gateway_does()
    {
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(context =>
        {
            context.Response.Headers.CacheControl = "no-store";
            context.Response.Headers["X-Powered-By"] = "origin";
            context.Response.Headers["X-Secret"] = "origin";
            return context.Response.WriteAsync("body");
        });
        GatewayOptions options = new()
        {
            Headers = new() { Response = Changes(("X-Frame-Options", "DENY"))(["X-Secret"]) },
            Origins = [new() { Urls = [origin.Address], Headers = new() { Response = Changes(("Cache-Control", "max-age=100"))(["X-Powered-By"]) } }],
        };
        await using Gateway gateway = await Gateway.StartAsync(options);

        foreach (string expected in (string[])["MISS", "HIT"])
        {
            HttpResponseMessage answer = (await gateway.GetAsync("/")).Answer;
            Assert.Equal((expected, "DENY", "max-age=100"), (answer.Headers.GetValues("X-Cache").Single(), answer.Headers.GetValues("X-Frame-Options").Single(), answer.Headers.CacheControl!.ToString()));
            Assert.False(answer.Headers.Contains("X-Powered-By") || answer.Headers.Contains("X-Secret"));
        }

        // What is stored is not what the gateway made of it.
        gateway.Reload.Apply(options with { Headers = HeaderChanges.None });
        HttpResponseMessage after = (await gateway.GetAsync("/")).Answer;
        Assert.Equal(("HIT", "origin"), (after.Headers.GetValues("X-Cache").Single(), after.Headers.GetValues("X-Secret").Single()));
        Assert.False(after.Headers.Contains("X-Frame-Options") || after.Headers.Contains("X-Powered-By"));
        Assert.False((await gateway.GetAsync("/healthz")).Answer.Headers.Contains("X-Frame-Options"));
    }

    [Theory]
    [InlineData(ForwardingForm.XForwarded, "127.0.0.1|site.test|http|")]
    [InlineData(ForwardingForm.Forwarded, "|||for=127.0.0.1;host=\"site.test\";proto=http")]
    [InlineData(ForwardingForm.Both, "127.0.0.1|site.test|http|for=127.0.0.1;host=\"site.test\";proto=http")]
    [InlineData(ForwardingForm.None, "|||")]
    public async Task Origins_are_told_of_the_client_as_the_configuration_says(ForwardingForm form, string expected)
    {
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(context => context.Response.WriteAsync(
            string.Join('|', ((string[])["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded"]).Select(name => context.Request.Headers[name].ToString()))));
        await using Gateway gateway = await Gateway.StartAsync(new() { Origin = origin.Address, Forwarding = form });

        Assert.Equal(expected, (await gateway.GetAsync("/")).Body);
        using var evil = new HttpRequestMessage(HttpMethod.Get, gateway.Address) { Headers = { Host = "site.test" } };
        foreach (string name in (string[])["X-Forwarded-For", "X-Forwarded-Host", "Forwarded"]) evil.Headers.TryAddWithoutValidation(name, "evil");
        Assert.Equal(expected, await (await gateway.Client.SendAsync(evil)).Content.ReadAsStringAsync());
    }

    private static Func<string[], FieldChanges> Changes(params (string Name, string Value)[] set) =>
        remove => new() { Set = set.ToDictionary(field => field.Name, field => field.Value), Remove = remove };
}
