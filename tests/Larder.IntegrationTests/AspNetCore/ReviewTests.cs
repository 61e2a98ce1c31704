using System.Net;
using System.Security.Claims;
using Larder.AspNetCore;
using Larder.IntegrationTests.Cli;
using Larder.IntegrationTests.Gateway.Forwarding;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace Larder.IntegrationTests.Http;

/// <summary>Bugs that a review found, each a test first.</summary>
public sealed class ReviewTests
{
    [Fact]
    public async Task Users_of_two_issuers_with_one_name_are_two_users()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(app =>
        {
            app.Use((context, next) =>
            {
                context.User = new(new ClaimsIdentity([new(ClaimTypes.NameIdentifier, "123", null, context.Request.Headers["X-Issuer"].ToString())], "toy"));
                return next(context);
            });
            app.UseLarder();
            app.Run(counter.Answers());
        }, rules => rules.Cache("/{**all}", TimeSpan.FromMinutes(1), RuleScope.Private));
        (await site.GetAsync("/", ("X-Issuer", "a"))).Is("MISS", "v1");
        (await site.GetAsync("/", ("X-Issuer", "b"))).Is("MISS", "v2");
        (await site.GetAsync("/", ("X-Issuer", "a"))).Is("HIT", "v1");
        await site.Cache.InvalidateAsync(Invalidation.User("123"));
        (await site.GetAsync("/", ("X-Issuer", "b"))).Is("MISS", "v3");
    }

    [Fact]
    public async Task What_middleware_in_front_writes_is_each_answers_own()
    {
        var counter = new Counter();
        int ids = 0;
        await using Site site = await Site.StartAsync(app =>
        {
            app.Use((context, next) =>
            {
                context.Response.Headers["X-Request-Id"] = $"{++ids}";
                return next(context);
            });
            app.UseLarder();
            app.Run(counter.Answers(("Cache-Control", "max-age=60")));
        });
        (await site.GetAsync("/")).Is("MISS", "v1");
        using HttpResponseMessage hit = await site.Client.GetAsync(site.Address);
        Assert.Equal(("HIT", "2"), (hit.Headers.GetValues("X-Cache").Single(), hit.Headers.GetValues("X-Request-Id").Single()));
    }

    [Theory]
    [InlineData("API.example:80", "api.example"), InlineData("api.example", "API.EXAMPLE")]
    public async Task A_write_reaches_what_was_read_under_another_spelling_of_the_host(string read, string written)
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(("Cache-Control", "max-age=60")));
        (await site.GetAsync("/", ("Host", read))).Is("MISS", "v1");
        (await site.GetAsync("/", ("Host", written))).Is("HIT", "v1");
        using var write = new HttpRequestMessage(HttpMethod.Put, site.Address) { Headers = { Host = written } };
        (await site.Client.SendAsync(write)).Dispose();
        (await site.GetAsync("/", ("Host", read))).Is("MISS", "v3");
    }

    [Fact]
    public async Task A_write_whose_answer_a_proxy_lost_may_have_taken_place()
    {
        var counter = new Counter();
        RequestDelegate answers = counter.Answers(("Cache-Control", "max-age=60"));
        await using Site site = await Site.StartAsync(context =>
        {
            if (!HttpMethods.IsPost(context.Request.Method)) return answers(context);
            context.Response.StatusCode = 504;
            return Task.CompletedTask;
        });
        (await site.GetAsync("/")).Is("MISS", "v1");
        (await site.Client.PostAsync(site.Address, null)).Dispose();
        (await site.GetAsync("/")).Is("MISS", "v2");
    }

    [Fact]
    public async Task Tags_reach_other_spellings_of_a_path()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(), rules => rules
            .Cache("/zones/{id}", TimeSpan.FromMinutes(1), tags: "zone:{id}").Invalidate("PUT", "/zones/{id}", "zone:{id}"));
        (await site.GetAsync("/zones/Berlin")).Is("MISS", "v1");
        (await site.Client.PutAsync(new Uri(site.Address, "/zones/berlin"), null)).Dispose();
        (await site.GetAsync("/zones/Berlin")).Is("MISS", "v3");
    }

    [Theory]
    [InlineData("X-Api-Key"), InlineData("X-Auth-Token")]
    public async Task An_api_key_is_a_credential(string header)
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")));
        (await site.GetAsync("/", (header, "alice"))).Is("MISS", "v1");
        (await site.GetAsync("/", (header, "bob"))).Is("MISS", "v2");
    }

    [Fact]
    public async Task A_slow_answer_does_not_replace_one_that_was_asked_for_later()
    {
        var counter = new Counter();
        var gate = new TaskCompletionSource();
        var asked = new TaskCompletionSource();
        RequestDelegate answers = counter.Answers(("Cache-Control", "max-age=60"));
        await using Site site = await Site.StartAsync(async context =>
        {
            if (context.Request.Headers.Range.Count == 0)
            {
                await answers(context);
                return;
            }
            context.Response.Headers.CacheControl = "max-age=60";
            asked.SetResult();
            await gate.Task;
            await context.Response.WriteAsync("old");
        });
        // A range is not collapsed, and this origin answers it whole.
        using var slow = new HttpRequestMessage(HttpMethod.Get, site.Address) { Headers = { { "Range", "bytes=0-1" } } };
        Task<HttpResponseMessage> slowly = site.Client.SendAsync(slow);
        await asked.Task;
        (await site.GetAsync("/")).Is("MISS", "v1");
        gate.SetResult();
        (await slowly).Dispose();
        (await site.GetAsync("/")).Is("HIT", "v1");
    }

    [Fact]
    public async Task Options_out_of_range_are_refused_at_once()
    {
        OptionsValidationException refused = await Assert.ThrowsAsync<OptionsValidationException>(() => Site.StartAsync(_ => Task.CompletedTask, rules =>
        {
            rules.KeepStale = TimeSpan.MaxValue;
            rules.MaxBodyBytes = 0;
        }));
        Assert.Equal(2, refused.Failures.Count());
    }

    [Fact]
    public async Task A_client_that_leaves_with_the_last_byte_does_not_prevent_storing()
    {
        int calls = 0;
        await using Site site = await Site.StartAsync(async context =>
        {
            context.Response.Headers.CacheControl = "max-age=60";
            context.Response.ContentLength = 2;
            await context.Response.WriteAsync($"v{++calls}");
            // As the forwarder does: it waits for the origin's end, and the client's going cuts that short.
            if (calls == 1) await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        using (var leaving = new HttpRequestMessage(HttpMethod.Get, site.Address) { Headers = { ConnectionClose = true } })
        using (HttpResponseMessage answer = await site.Client.SendAsync(leaving, HttpCompletionOption.ResponseHeadersRead))
            await answer.Content.ReadAsStringAsync();
        for (int i = 0; i < 200 && site.Cache.Statistics.Entries == 0; i++) await Task.Delay(25);
        (await site.GetAsync("/")).Is("HIT", "v1");
    }

    [Fact]
    public async Task A_write_that_never_left_invalidates_nothing_and_says_what_failed()
    {
        int port = Child.FreePort();
        (Child gateway, Uri address) = await Child.ServeAsync(new Uri($"http://127.0.0.1:{port}"), "--config", Path.Combine(Samples.SampleTests.Root, "samples", "larder.json"));
        using (gateway)
        {
            using var client = new HttpClient { BaseAddress = address };
            WebApplication app = WebApplication.CreateSlimBuilder().Build();
            app.Urls.Add($"http://127.0.0.1:{port}");
            app.Run(context => context.Response.WriteAsync("kept"));
            await app.StartAsync();
            Assert.Equal("kept", await client.GetStringAsync("/zones"));
            await app.DisposeAsync();

            using HttpResponseMessage write = await client.PostAsync("/zones", null);
            Assert.Equal(HttpStatusCode.BadGateway, write.StatusCode);
            Assert.Equal("ERROR", write.Headers.GetValues("X-Cache").Single());
            Assert.Contains("detail=error-unreachable", write.Headers.GetValues("Cache-Status").Single(), StringComparison.Ordinal);
            Assert.Equal("kept", await client.GetStringAsync("/zones"));
        }
    }

    [Fact]
    public async Task Behind_the_gateway_nothing_is_shared_that_varies_by_what_the_gateway_writes()
    {
        int calls = 0;
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(context =>
        {
            context.Response.Headers.CacheControl = "max-age=60";
            context.Response.Headers.Vary = "X-Forwarded-For";
            return context.Response.WriteAsync($"{++calls} for {context.Request.Headers["X-Forwarded-For"]}");
        });
        (Child gateway, Uri address) = await Child.ServeAsync(origin.Address);
        using (gateway)
        {
            using var client = new HttpClient();
            Assert.Equal("1 for 127.0.0.1", await client.GetStringAsync(address));
            Assert.Equal("2 for 127.0.0.1", await client.GetStringAsync(address));
        }
    }
}
