using System.Net;
using Larder.AspNetCore;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Http;

/// <summary>Tags and groups that responses carry, and purging by the method PURGE.</summary>
public sealed class ResponseTagsTests
{
    private static RequestDelegate Tagged(Counter counter, string name, string value) => counter.Answers(("Cache-Control", "max-age=60"), (name, value));

    [Theory]
    [InlineData("Surrogate-Key", "a product:1"), InlineData("Cache-Tag", "a,product:1"), InlineData("xkey", "a, product:1"), InlineData("Edge-Cache-Tag", "product:1")]
    public async Task Words_of_tag_headers_are_tags_and_no_clients_business(string name, string value)
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(Tagged(counter, name, value));
        Assert.Null((await site.GetAsync("/")).Is("MISS", "v1")[name]);
        Assert.Null((await site.GetAsync("/")).Is("HIT", "v1")[name]);
        await site.Cache.InvalidateAsync(Invalidation.Tag("product:2"));
        (await site.GetAsync("/")).Is("HIT", "v1");
        await site.Cache.InvalidateAsync(Invalidation.Tag("product"));
        Assert.Contains("miss-invalidated", (await site.GetAsync("/")).Is("MISS", "v2").CacheStatus, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_response_with_more_tags_than_allowed_or_with_a_tag_that_is_none_is_not_stored()
    {
        var counter = new Counter();
        await using Site many = await Site.StartAsync(Tagged(counter, "Surrogate-Key", string.Join(' ', Enumerable.Range(0, 21).Select(i => $"t{i}"))));
        await many.GetAsync("/");
        (await many.GetAsync("/")).Is("MISS");
        Assert.Equal(2, many.Count(Reason.UnstoredTooManyTags));
        await using Site odd = await Site.StartAsync(Tagged(counter, "Surrogate-Key", "=exact"));
        await odd.GetAsync("/");
        (await odd.GetAsync("/")).Is("MISS");
        Assert.Equal(2, odd.Count(Reason.UnstoredTag));
    }

    [Fact]
    public async Task A_confirmation_keeps_the_tags_or_brings_new_ones()
    {
        string? tag = "one";
        RequestDelegate origin = context =>
        {
            context.Response.Headers.CacheControl = "max-age=10";
            context.Response.Headers.ETag = "\"e\"";
            if (tag is not null) context.Response.Headers["Surrogate-Key"] = tag;
            if (context.Request.Headers.IfNoneMatch.Count > 0)
            {
                context.Response.StatusCode = 304;
                return Task.CompletedTask;
            }
            return context.Response.WriteAsync("x");
        };
        await using Site site = await Site.StartAsync(origin);
        await site.GetAsync("/");
        tag = null;
        site.Time.Advance(11);
        (await site.GetAsync("/")).Is("REVALIDATED");
        await site.Cache.InvalidateAsync(Invalidation.Tag("one"));
        tag = "two";
        (await site.GetAsync("/")).Is("MISS");
        tag = "three";
        site.Time.Advance(11);
        (await site.GetAsync("/")).Is("REVALIDATED");
        await site.Cache.InvalidateAsync(Invalidation.Tag("two"));
        (await site.GetAsync("/")).Is("HIT");
        await site.Cache.InvalidateAsync(Invalidation.Tag("three"));
        (await site.GetAsync("/")).Is("MISS");
    }

    [Fact]
    public async Task A_write_ends_the_groups_that_its_answer_names_on_its_own_site()
    {
        var counter = new Counter();
        RequestDelegate origin = context =>
        {
            if (HttpMethods.IsPost(context.Request.Method)) context.Response.Headers["Cache-Group-Invalidation"] = context.Request.Query["groups"];
            else
            {
                context.Response.Headers.CacheControl = "max-age=60";
                context.Response.Headers["Cache-Groups"] = "\"cart\", \"shop\"";
            }
            return context.Response.WriteAsync(counter.Next());
        };
        await using Site site = await Site.StartAsync(origin);
        Assert.Equal("\"cart\", \"shop\"", (await site.GetAsync("/a")).Is("MISS")["Cache-Groups"]);
        await site.GetAsync("/a", ("Host", "other.test"));
        // Groups are strings: a token is none, and one mistake makes the whole field nothing.
        foreach (string groups in new[] { "\"other\"", "cart", "\"cart\" x" }) await site.SendAsync("POST", "/b?groups=" + Uri.EscapeDataString(groups), "x");
        (await site.GetAsync("/a")).Is("HIT");
        await site.SendAsync("POST", "/b?groups=" + Uri.EscapeDataString("\"x\", \"cart\""), "x");
        (await site.GetAsync("/a")).Is("MISS");
        (await site.GetAsync("/a", ("Host", "other.test"))).Is("HIT");
    }

    [Fact]
    public async Task PURGE_ends_a_url_with_all_its_variants_or_tags()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(
            counter.Answers(("Cache-Control", "max-age=60"), ("Vary", "Accept"), ("Surrogate-Key", "t")), http => http.Purge = new());
        await site.GetAsync("/a?x=1", ("Accept", "a/a"));
        await site.GetAsync("/a?x=1", ("Accept", "b/b"));
        await site.GetAsync("/b");
        Answer purged = await site.SendAsync("PURGE", "/a?x=1");
        Assert.Equal((200, "{\"purged\":\"url\"}"), (purged.Status, purged.Body));
        (await site.GetAsync("/a?x=1", ("Accept", "a/a"))).Is("MISS");
        (await site.GetAsync("/a?x=1", ("Accept", "b/b"))).Is("MISS");
        (await site.GetAsync("/b")).Is("HIT");
        Assert.Equal("{\"purged\":\"tags\"}", (await site.SendAsync("PURGE", "/", null, ("Surrogate-Key", "t u"))).Body);
        (await site.GetAsync("/b")).Is("MISS");
        Assert.Equal(400, (await site.SendAsync("PURGE", "/", null, ("Surrogate-Key", "=x"))).Status);
        Assert.Equal(6, counter.Calls);
    }

    [Fact]
    public async Task A_soft_purge_makes_stale()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(("Cache-Control", "max-age=60, stale-while-revalidate=60")), http => http.Purge = new());
        (await site.GetAsync("/")).Is("MISS", "v1");
        site.Time.Advance(1);
        await site.SendAsync("PURGE", "/", null, ("Soft-Purge", "1"));
        site.Time.Advance(1);
        (await site.GetAsync("/")).Is("STALE", "v1");
    }

    [Fact]
    public async Task Who_may_not_purge_is_told_so_and_the_application_never_hears_of_it()
    {
        var counter = new Counter();
        RequestDelegate origin = counter.Answers(("Cache-Control", "max-age=60"));
        foreach (Action<PurgeOptions> refuse in new Action<PurgeOptions>[]
        {
            purge => purge.IsAllowed = context => context.Request.Headers["X-Key"] == "secret",
            purge => purge.IsAllowed = _ => throw new InvalidOperationException(),
            purge => { purge.From.Clear(); purge.From.Add(IPNetwork.Parse("10.0.0.0/8")); },
        })
        {
            var options = new PurgeOptions();
            refuse(options);
            await using Site site = await Site.StartAsync(origin, http => http.Purge = options);
            await site.GetAsync("/");
            int calls = counter.Calls;
            Assert.Equal(403, (await site.SendAsync("PURGE", "/")).Status);
            (await site.GetAsync("/")).Is("HIT");
            Assert.Equal(calls, counter.Calls);
        }
        await using Site off = await Site.StartAsync(origin);
        (await off.SendAsync("PURGE", "/")).Is("BYPASS");
    }
}
