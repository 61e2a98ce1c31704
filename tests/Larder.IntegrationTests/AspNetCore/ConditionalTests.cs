using Larder.AspNetCore;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Http;

/// <summary>Conditions and ranges, of clients and of the cache itself.</summary>
public sealed class ConditionalTests
{
    private const string Modified = "Sun, 01 Mar 2026 10:00:00 GMT";

    [Theory]
    [InlineData("If-None-Match", "\"a\"", 304)]
    [InlineData("If-None-Match", "\"x\", W/\"a\", \"y\"", 304)]
    [InlineData("If-None-Match", "*", 304)]
    [InlineData("If-None-Match", "\"b\"", 200)]
    [InlineData("If-None-Match", "a", 200)]
    [InlineData("If-Modified-Since", Modified, 304)]
    [InlineData("If-Modified-Since", "Sun, 01 Mar 2026 09:59:59 GMT", 200)]
    [InlineData("If-Modified-Since", "yesterday", 200)]
    public async Task A_hit_answers_conditions_itself(string name, string value, int status)
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(
            counter.Answers(("Cache-Control", "max-age=60"), ("ETag", "\"a\""), ("Last-Modified", Modified), ("Content-Language", "en")));
        await site.GetAsync("/");
        foreach (string method in new[] { "GET", "HEAD" })
        {
            Answer answer = (await site.SendAsync(method, "/", null, (name, value))).Is("HIT", status == 304 || method == "HEAD" ? "" : "v1", status);
            Assert.Equal("\"a\"", answer["ETag"]);
            Assert.Equal(status == 304 ? null : "en", answer["Content-Language"]);
        }
        Assert.Equal(1, counter.Calls);
    }

    [Fact]
    public async Task An_answer_without_a_tag_gets_one_from_its_bytes()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(("Cache-Control", "max-age=60")));
        await site.GetAsync("/a");
        string tag = (await site.GetAsync("/a")).Is("HIT")["ETag"]!;
        (await site.GetAsync("/a", ("If-None-Match", tag))).Is("HIT", "", 304);
        await site.GetAsync("/b");
        Assert.NotEqual(tag, (await site.GetAsync("/b")).Is("HIT", "v2")["ETag"]);
    }

    [Fact]
    public async Task Our_own_tag_is_never_sent_to_the_origin()
    {
        string? asked = null;
        await using Site site = await Site.StartAsync(context =>
        {
            asked = context.Request.Headers.IfNoneMatch;
            context.Response.Headers.CacheControl = "max-age=60";
            return context.Response.WriteAsync("v");
        }, rules => rules.Cache("/", TimeSpan.FromMinutes(1)));
        await site.GetAsync("/");
        string tag = (await site.GetAsync("/")).Is("HIT")["ETag"]!;
        site.Time.Advance(100);
        (await site.GetAsync("/", ("If-None-Match", tag))).Is("MISS", "v");
        Assert.Null(asked);
    }

    [Fact]
    public async Task Where_a_rule_gives_a_lifetime_a_conditional_miss_stores_the_whole_and_answers_304()
    {
        string? asked = null;
        int calls = 0;
        await using Site site = await Site.StartAsync(async context =>
        {
            calls++;
            asked = context.Request.Headers.IfNoneMatch;
            context.Response.Headers.ETag = "\"a\"";
            context.Response.ContentType = "text/plain";
            await context.Response.WriteAsync("wh");
            await context.Response.BodyWriter.FlushAsync();
            await context.Response.WriteAsync("ole");
        }, rules => rules.Cache("/", TimeSpan.FromMinutes(1)));
        Answer miss = (await site.GetAsync("/", ("If-None-Match", "\"a\""))).Is("MISS", "", 304);
        Assert.Equal(("\"a\"", null), (miss["ETag"], asked));
        Assert.Null(miss["Content-Type"]);
        (await site.GetAsync("/")).Is("HIT", "whole");
        Assert.Equal(1, calls);
        Assert.Null(asked);
    }

    [Fact]
    public async Task Without_a_rule_the_clients_condition_reaches_the_origin_and_its_304_is_not_stored()
    {
        int calls = 0;
        await using Site site = await Site.StartAsync(context =>
        {
            calls++;
            context.Response.Headers.CacheControl = "max-age=60";
            context.Response.Headers.ETag = "\"a\"";
            if (context.Request.Headers.IfNoneMatch == "\"a\"")
            {
                context.Response.StatusCode = 304;
                return Task.CompletedTask;
            }
            return context.Response.WriteAsync("whole");
        });
        Assert.Contains("unstored-status", (await site.GetAsync("/", ("If-None-Match", "\"a\""))).Is("MISS", "", 304).CacheStatus, StringComparison.Ordinal);
        (await site.GetAsync("/")).Is("MISS", "whole");
        (await site.GetAsync("/")).Is("HIT", "whole");
        Assert.Equal(2, calls);
    }

    [Theory]
    [InlineData(true, false), InlineData(false, true), InlineData(true, true)]
    public async Task What_is_stale_is_confirmed_by_304_and_fresh_again(bool etag, bool lastModified)
    {
        var asked = new List<string>();
        await using Site site = await Site.StartAsync(context =>
        {
            IHeaderDictionary q = context.Request.Headers;
            asked.Add($"{q.IfNoneMatch}|{q.IfModifiedSince}");
            IHeaderDictionary r = context.Response.Headers;
            r.CacheControl = "max-age=60";
            r["X-Round"] = asked.Count.ToString(System.Globalization.CultureInfo.InvariantCulture);
            if (etag) r.ETag = "\"a\"";
            if (lastModified) r.LastModified = Modified;
            if (asked.Count == 1) return context.Response.WriteAsync("body");
            context.Response.StatusCode = 304;
            r.SetCookie = "seen=1";
            return Task.CompletedTask;
        });
        (await site.GetAsync("/")).Is("MISS", "body");
        for (int round = 2; round <= 3; round++)
        {
            site.Time.Advance(61);
            Answer confirmed = (await site.GetAsync("/")).Is("REVALIDATED", "body");
            Assert.Equal("larder; fwd=stale; fwd-status=304; stored; detail=revalidated", confirmed.CacheStatus);
            Assert.Equal("seen=1", confirmed["Set-Cookie"]);
            Answer hit = (await site.GetAsync("/")).Is("HIT", "body");
            Assert.Equal((round.ToString(System.Globalization.CultureInfo.InvariantCulture), "0"), (hit["X-Round"], hit["Age"]));
            Assert.Null(hit["Set-Cookie"]);
        }
        Assert.Equal(["|", (etag ? "\"a\"" : "") + "|" + (lastModified ? Modified : "")], asked.Distinct());
        Assert.Equal(2, site.Count(Reason.Revalidated));
    }

    [Fact]
    public async Task What_has_changed_is_replaced()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(context =>
        {
            string version = counter.Next();
            context.Response.Headers.ETag = $"\"{version}\"";
            context.Response.Headers.CacheControl = "max-age=60";
            return context.Response.WriteAsync(version);
        });
        (await site.GetAsync("/")).Is("MISS", "v1");
        site.Time.Advance(61);
        (await site.GetAsync("/", ("If-None-Match", "\"v1\""))).Is("MISS", "v2");
        (await site.GetAsync("/")).Is("HIT", "v2");
    }

    [Fact]
    public async Task A_304_that_forbids_storing_answers_this_request_only()
    {
        int calls = 0;
        await using Site site = await Site.StartAsync(context =>
        {
            calls++;
            context.Response.Headers.CacheControl = calls == 1 ? "max-age=60" : "no-store";
            context.Response.Headers.ETag = "\"a\"";
            if (calls == 2)
            {
                context.Response.StatusCode = 304;
                return Task.CompletedTask;
            }
            return context.Response.WriteAsync($"v{calls}");
        });
        (await site.GetAsync("/")).Is("MISS", "v1");
        site.Time.Advance(61);
        (await site.GetAsync("/")).Is("REVALIDATED", "v1");
        (await site.GetAsync("/")).Is("MISS", "v3");
    }

    [Theory]
    [InlineData("bytes=2-4", 206, "234", "bytes 2-4/10")]
    [InlineData("bytes=7-", 206, "789", "bytes 7-9/10")]
    [InlineData("bytes=-2", 206, "89", "bytes 8-9/10")]
    [InlineData("bytes=0-99", 206, "0123456789", "bytes 0-9/10")]
    [InlineData("bytes=-99999999999999999999", 206, "0123456789", "bytes 0-9/10")]
    [InlineData("bytes=10-", 416, "", "bytes */10")]
    [InlineData("bytes=-0", 416, "", "bytes */10")]
    [InlineData("bytes=1-2,4-5", 200, "0123456789", null)]
    [InlineData("bytes=5-2", 200, "0123456789", null)]
    [InlineData("lines=1-2", 200, "0123456789", null)]
    public async Task Ranges_are_cut_from_what_is_stored(string range, int status, string body, string? contentRange)
    {
        await using Site site = await Site.StartAsync(Digits);
        await site.GetAsync("/");
        Answer answer = (await site.GetAsync("/", ("Range", range))).Is("HIT", body, status);
        Assert.Equal(contentRange, answer["Content-Range"]);
        (await site.GetAsync("/")).Is("HIT", "0123456789");
    }

    [Theory]
    [InlineData("\"a\"", 206), InlineData("\"b\"", 200), InlineData("W/\"a\"", 200), InlineData(Modified, 206)]
    [InlineData("Sun, 01 Mar 2026 10:00:01 GMT", 200)]
    public async Task If_Range_is_heeded(string ifRange, int status)
    {
        await using Site site = await Site.StartAsync(Digits);
        await site.GetAsync("/");
        (await site.GetAsync("/", ("Range", "bytes=1-2"), ("If-Range", ifRange))).Is("HIT", status == 206 ? "12" : null, status);
    }

    [Fact]
    public async Task A_part_that_the_origin_sent_is_not_taken_for_the_whole()
    {
        await using Site site = await Site.StartAsync(context =>
        {
            context.Response.Headers.CacheControl = "max-age=60";
            if (context.Request.Headers.Range.Count == 0) return context.Response.WriteAsync("0123456789");
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = "bytes 1-2/10";
            return context.Response.WriteAsync("12");
        });
        (await site.GetAsync("/", ("Range", "bytes=1-2"))).Is("MISS", "12", 206);
        (await site.GetAsync("/")).Is("MISS", "0123456789");
        (await site.GetAsync("/", ("Range", "bytes=8-"))).Is("HIT", "89", 206);
    }

    private static Task Digits(HttpContext context)
    {
        context.Response.Headers.CacheControl = "max-age=60";
        context.Response.Headers.ETag = "\"a\"";
        context.Response.Headers.LastModified = Modified;
        return context.Response.WriteAsync("0123456789");
    }
}
