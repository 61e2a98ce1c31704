using Larder.AspNetCore;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Http.Esi;

/// <summary>An assembled page is never answered by what belongs to its template: no validator, no length, no part.</summary>
public sealed class EsiConditionTests
{
    private const string Old = "Sun, 01 Jan 2023 00:00:00 GMT";

    private static readonly (string, string)[][] Conditions =
    [
        [("If-None-Match", "\"t\"")], [("If-None-Match", "*")], [("If-Modified-Since", "Sun, 01 Mar 2026 12:00:00 GMT")], [("Range", "bytes=0-1")], [("Range", "bytes=900-")], [("Range", "bytes=0-1"), ("If-Range", "\"t\"")],
    ];

    [Theory]
    [InlineData("header", true), InlineData("header", false), InlineData("path", true), InlineData("path", false)]
    public async Task A_condition_or_range_gets_the_whole_page(string how, bool isCached)
    {
        string control = isCached ? "max-age=60" : "no-store";
        foreach ((string, string)[] condition in Conditions)
        {
            EsiSite pages = new EsiSite().Page("/f", "fragment").Page("/", c => ConditionalAsync(c, how == "header", control));
            await using Site site = await pages.StartAsync(http =>
            {
                http.Esi.Enabled = how == "header";
                if (how == "path") http.Esi.Paths.Add(RulePattern.Path("/"));
            });
            // The control: without ESI the very same is answered from the template.
            await using Site plain = await pages.StartAsync(_ => { });
            for (int i = 0; i < 3; i++)
            {
                Answer page = await site.GetAsync("/", condition);
                Assert.Equal((200, "[fragment]"), (page.Status, page.Body));
                foreach (string name in new[] { "ETag", "Last-Modified", "Content-Length", "Content-Range", "Accept-Ranges", "Age", Surrogate.Control }) Assert.Null(page[name]);
                int status = (await plain.GetAsync("/", condition)).Status;
                if (i > 0) Assert.Contains(status, new[] { 304, 206, 416 });
            }
        }
    }

    [Fact]
    public async Task An_origin_that_says_304_without_saying_ESI_is_not_asked_for_that_of_a_known_template()
    {
        EsiSite pages = new EsiSite().Page("/f", "f").Page("/", c =>
        {
            if (c.Request.Headers.IfModifiedSince.Count > 0)
            {
                c.Response.StatusCode = 304;
                return Task.CompletedTask;
            }
            c.Response.ContentType = "text/html";
            c.Response.Headers.CacheControl = "no-store";
            c.Response.Headers[Surrogate.Control] = "content=\"ESI/1.0\"";
            return c.Response.WriteAsync("[<esi:include src='/f'/>]");
        });
        await using Site site = await pages.StartAsync();
        Assert.Equal("[f]", (await site.GetAsync("/")).Body);
        Assert.Equal("[f]", (await site.GetAsync("/", ("If-Modified-Since", Old))).Body);
    }

    [Fact]
    public async Task HEAD_says_nothing_of_the_template()
    {
        EsiSite pages = new EsiSite().Template("/", "[<esi:include src='/f'/>]", headers: [("ETag", "\"t\"")]).Page("/f", "f");
        await using Site site = await pages.StartAsync();
        await site.GetAsync("/");
        foreach ((string, string)[] condition in Conditions.Append([]))
        {
            Answer head = await site.SendAsync("HEAD", "/", null, condition);
            Assert.Equal((200, null, null, "no-store"), (head.Status, head["ETag"], head["Content-Length"], head["Cache-Control"]));
        }
        Assert.Equal(1, pages.Calls("/f"));
    }

    [Fact]
    public async Task Other_responses_keep_their_validators_and_parts()
    {
        EsiSite pages = new EsiSite().Page("/", "0123456789", headers: [("ETag", "\"p\"")]);
        await using Site site = await pages.StartAsync();
        await site.GetAsync("/");
        Assert.Equal(304, (await site.GetAsync("/", ("If-None-Match", "\"p\""))).Status);
        Answer part = await site.GetAsync("/", ("Range", "bytes=2-3"));
        Assert.Equal((206, "23", "\"p\""), (part.Status, part.Body, part["ETag"]));
        Assert.Equal("max-age=60", part["Cache-Control"]);
    }

    [Fact]
    public async Task The_client_may_keep_a_page_as_its_strictest_part_where_that_is_known_and_else_not_at_all()
    {
        EsiSite pages = new EsiSite().Template("/", "[<esi:include src='/f'/><esi:include src='/g'/>]", "public, max-age=60").Page("/f", "f", "max-age=30").Page("/g", "g", "max-age=100")
            .Template("/own", "[<esi:include src='/f'/>]", "private, no-cache").Template("/fixed", "<esi:remove>x</esi:remove>", "public, max-age=60").Template("/me", "[<esi:include src='/p'/>]").Page("/p", "p", "private, no-store");
        await using Site site = await pages.StartAsync();
        Assert.Equal("no-store", (await site.GetAsync("/"))["Cache-Control"]);
        site.Time.Advance(5);
        Assert.Equal("max-age=25, private", (await site.GetAsync("/"))["Cache-Control"]);
        Assert.Equal("no-cache, private", (await site.GetAsync("/own"))["Cache-Control"]);
        Assert.Equal("max-age=60, private", (await site.GetAsync("/fixed"))["Cache-Control"]);
        for (int i = 0; i < 2; i++) Assert.Equal("no-store", (await site.GetAsync("/me"))["Cache-Control"]);
    }

    private static async Task ConditionalAsync(HttpContext context, bool asks, string control)
    {
        IHeaderDictionary headers = context.Response.Headers;
        context.Response.ContentType = "text/html";
        headers.CacheControl = control;
        headers.ETag = "\"t\"";
        headers.LastModified = Old;
        if (asks) headers[Surrogate.Control] = "content=\"ESI/1.0\"";
        if (context.Request.Headers.IfNoneMatch.Count > 0 || context.Request.Headers.IfModifiedSince.Count > 0)
        {
            context.Response.StatusCode = 304;
            return;
        }
        if (context.Request.Headers.Range.Count > 0 && control == "no-store")
        {
            context.Response.StatusCode = 206;
            headers.ContentRange = "bytes 0-1/25";
            await context.Response.WriteAsync("[<");
            return;
        }
        await context.Response.WriteAsync("[<esi:include src='/f'/>]");
    }
}
