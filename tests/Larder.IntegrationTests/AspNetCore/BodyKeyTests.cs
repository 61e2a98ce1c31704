using Larder.AspNetCore;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Http;

/// <summary>Reads that have a body.</summary>
public sealed class BodyKeyTests
{
    private static CacheRule Rule(BodyKey body, params string[] methods) => new() { Pattern = RulePattern.Path("/search"), Methods = methods is [] ? ["POST"] : methods, Ttl = TimeSpan.FromMinutes(1), Body = body };

    /// <summary>Answers with the number of the call and the body.</summary>
    private static RequestDelegate Echo(Counter counter) => async context =>
    {
        using var reader = new StreamReader(context.Request.Body);
        string body = await reader.ReadToEndAsync();
        await context.Response.WriteAsync($"{counter.Next()} {body}");
    };

    [Theory]
    [InlineData("POST"), InlineData("QUERY")]
    public async Task A_body_is_part_of_the_key_and_reaches_the_origin(string method)
    {
        await using Site site = await Site.StartAsync(Echo(new Counter()), http => http.Rules.Add(Rule(new(), method)));
        (await site.SendAsync(method, "/search", "a")).Is("MISS", "v1 a");
        (await site.SendAsync(method, "/search", "a")).Is("HIT", "v1 a");
        (await site.SendAsync(method, "/search", "b")).Is("MISS", "v2 b");
        (await site.SendAsync(method, "/search?p=2", "a")).Is("MISS", "v3 a");
        (await site.GetAsync("/search")).Is("MISS", "v4 ");
    }

    [Fact]
    public async Task What_says_how_the_body_is_read_is_part_of_the_key_too()
    {
        await using Site site = await Site.StartAsync(Echo(new Counter()), http => http.Rules.Add(Rule(new())));
        foreach (string type in new[] { "text/plain", "application/json" })
        {
            using HttpRequestMessage request = site.Request("POST", "/search");
            request.Content = new StringContent("1", new System.Net.Http.Headers.MediaTypeHeaderValue(type));
            using HttpResponseMessage response = await site.Client.SendAsync(request);
            (await Answer.ReadAsync(response)).Is("MISS");
        }
    }

    [Fact]
    public async Task Json_is_keyed_by_what_it_says()
    {
        await using Site site = await Site.StartAsync(Echo(new Counter()), http => http.Rules.Add(Rule(new() { Json = true })));
        (await site.SendAsync("POST", "/search", """{"a":1,"b":[2]}""")).Is("MISS");
        // The origin sees what the key has, whoever asks first and however.
        (await site.SendAsync("POST", "/search", """{ "d": 1, "c": 2 }""")).Is("MISS", """v2 {"c":2,"d":1}""");
        (await site.SendAsync("POST", "/search", """ { "b" : [2], "a" : 1 } """)).Is("HIT", """v1 {"a":1,"b":[2]}""");
        (await site.SendAsync("POST", "/search", """{"a":1,"b":[3]}""")).Is("MISS");
        Answer twice = (await site.SendAsync("POST", "/search", """{"a":1,"a":2}""")).Is("BYPASS", """v4 {"a":1,"a":2}""");
        Assert.Contains("bypass-body", twice.CacheStatus, StringComparison.Ordinal);
        (await site.SendAsync("POST", "/search", "no json")).Is("BYPASS", "v5 no json");
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task A_body_over_the_limit_passes_whole(bool announced)
    {
        await using Site site = await Site.StartAsync(Echo(new Counter()), http => http.Rules.Add(Rule(new() { MaxBytes = 10 })));
        (await site.SendAsync("POST", "/search", "0123456789")).Is("MISS");
        using HttpRequestMessage request = site.Request("POST", "/search");
        request.Content = new StringContent("0123456789x");
        if (!announced) request.Headers.TransferEncodingChunked = true;
        using HttpResponseMessage response = await site.Client.SendAsync(request);
        (await Answer.ReadAsync(response)).Is("BYPASS", "v2 0123456789x");
    }

    [Fact]
    public async Task Such_requests_are_reads_and_end_nothing_and_others_of_their_method_write()
    {
        await using Site site = await Site.StartAsync(Echo(new Counter()), http => http.Rules.Add(Rule(new())));
        (await site.SendAsync("POST", "/search", "a")).Is("MISS", "v1 a");
        await site.SendAsync("POST", "/search", "b");
        (await site.SendAsync("POST", "/search", "a")).Is("HIT", "v1 a");
        await site.SendAsync("PUT", "/search", "x");
        (await site.SendAsync("POST", "/search", "a")).Is("MISS", "v4 a");
    }

    [Fact]
    public async Task Many_at_once_ask_the_origin_once_and_a_refresh_sends_the_body_again()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(Echo(counter), http => http.Rules.Add(Rule(new()) with { StaleWhileRevalidate = TimeSpan.FromMinutes(1) }));
        Answer[] answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => site.SendAsync("POST", "/search", "a")));
        Assert.All(answers, answer => Assert.Equal("v1 a", answer.Body));
        site.Time.Advance(61);
        (await site.SendAsync("POST", "/search", "a")).Is("STALE", "v1 a");
        for (int i = 0; i < 500 && counter.Calls < 2; i++) await Task.Delay(10);
        Answer fresh = await site.SendAsync("POST", "/search", "a");
        for (int i = 0; i < 500 && fresh.XCache != "HIT"; i++)
        {
            await Task.Delay(10);
            fresh = await site.SendAsync("POST", "/search", "a");
        }
        fresh.Is("HIT", "v2 a");
    }
}
