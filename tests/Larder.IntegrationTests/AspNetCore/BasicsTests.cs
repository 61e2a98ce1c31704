using Larder.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Larder.IntegrationTests.Http;

public sealed class BasicsTests
{
    [Fact]
    public async Task A_miss_a_hit_a_write_and_a_miss_with_the_new_value()
    {
        string value = "old";
        int reads = 0;
        await using Site site = await Site.StartAsync(async context =>
        {
            if (context.Request.Method == "PUT")
            {
                value = await new StreamReader(context.Request.Body).ReadToEndAsync();
                context.Response.StatusCode = 204;
                return;
            }
            reads++;
            await context.Response.WriteAsync(value);
        }, rules => rules.Cache("/thing", TimeSpan.FromMinutes(1)));

        Answer first = (await site.GetAsync("/thing")).Is("MISS", "old");
        Assert.Equal("larder; fwd=uri-miss; fwd-status=200; stored; detail=miss-cold", first.CacheStatus);
        Assert.Null(first["Age"]);

        site.Time.Advance(7);
        Answer hit = (await site.GetAsync("/thing")).Is("HIT", "old");
        Assert.Equal("larder; hit; ttl=53", hit.CacheStatus);
        Assert.Equal(("7", "7"), (hit["Age"], hit["X-Cache-Age"]));
        Assert.Equal("3", hit["Content-Length"]);
        Assert.Equal(1, reads);

        Answer write = (await site.SendAsync("PUT", "/thing", "new")).Is("BYPASS", status: 204);
        Assert.Equal("larder; fwd=method; detail=bypass-method", write.CacheStatus);
        (await site.GetAsync("/thing")).Is("MISS", "new");
        (await site.GetAsync("/thing")).Is("HIT", "new");
        Assert.Equal(2, reads);
    }

    [Fact]
    public async Task A_hit_does_not_call_the_handler_and_keeps_status_headers_and_bytes()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(context =>
        {
            context.Response.StatusCode = 203;
            context.Response.ContentType = "application/json";
            context.Response.Headers["X-Own"] = "yes";
            context.Response.Headers.Connection = "X-Private-Hop";
            context.Response.Headers["X-Private-Hop"] = "1";
            context.Response.Headers.CacheControl = "max-age=60";
            return context.Response.WriteAsync(counter.Next());
        });
        Answer miss = (await site.GetAsync("/")).Is("MISS", "v1", 203);
        Answer hit = (await site.GetAsync("/")).Is("HIT", "v1", 203);
        Assert.Equal(("application/json", "yes", "max-age=60"), (hit["Content-Type"], hit["X-Own"], hit["Cache-Control"]));
        Assert.Null(hit["X-Private-Hop"]);
        Assert.Equal(miss["Date"], hit["Date"]);
        Assert.Equal(1, counter.Calls);
    }

    [Fact]
    public async Task Expires_by_the_clock()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(("Cache-Control", "max-age=60")));
        (await site.GetAsync("/")).Is("MISS", "v1");
        site.Time.Advance(59);
        (await site.GetAsync("/")).Is("HIT", "v1");
        site.Time.Advance(1);
        Assert.Equal("larder; fwd=stale; fwd-status=200; stored; detail=miss-expired", (await site.GetAsync("/")).Is("MISS", "v2").CacheStatus);
        (await site.GetAsync("/")).Is("HIT", "v2");
    }

    [Fact]
    public async Task The_age_of_what_came_from_another_cache_counts()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(("Cache-Control", "max-age=60"), ("Age", "50"), ("Cache-Status", "inner; hit"), ("X-Cache", "HIT")));
        (await site.GetAsync("/")).Is("MISS");
        site.Time.Advance(5);
        Answer hit = (await site.GetAsync("/")).Is("HIT");
        Assert.Equal(("55", "inner; hit, larder; hit; ttl=5"), (hit["Age"], hit.CacheStatus));
        site.Time.Advance(5);
        (await site.GetAsync("/")).Is("MISS", "v2");
    }

    [Fact]
    public async Task Head_is_answered_from_the_entry_of_get_and_stores_nothing()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(("Cache-Control", "max-age=60")));
        Assert.Contains("unstored-method", (await site.SendAsync("HEAD", "/")).Is("MISS", "").CacheStatus, StringComparison.Ordinal);
        (await site.GetAsync("/")).Is("MISS", "v2");
        Answer head = (await site.SendAsync("HEAD", "/")).Is("HIT", "");
        Assert.Equal("2", head["Content-Length"]);
        Assert.Equal(2, counter.Calls);
    }

    [Fact]
    public async Task An_answer_without_a_body_is_stored_with_its_length()
    {
        int calls = 0;
        await using Site site = await Site.StartAsync(context =>
        {
            calls++;
            context.Response.StatusCode = context.Request.Path == "/none" ? 204 : 200;
            context.Response.Headers.CacheControl = "max-age=60";
            return Task.CompletedTask;
        });
        foreach ((string path, int status) in new[] { ("/none", 204), ("/empty", 200) })
        {
            Answer miss = (await site.GetAsync(path)).Is("MISS", "", status);
            Answer hit = (await site.GetAsync(path)).Is("HIT", "", status);
            Assert.Equal(miss["Content-Length"], hit["Content-Length"]);
            Assert.Equal(status == 200 ? "0" : null, hit["Content-Length"]);
        }
        Assert.Equal(2, calls);
    }

    [Theory]
    [InlineData("/x", "bypass-rule", "")]
    [InlineData("/y", "bypass-no-store", "Cache-Control: no-store")]
    [InlineData("/y", "bypass-precondition", "If-Match: \"a\"")]
    [InlineData("/y", "bypass-precondition", "If-Unmodified-Since: Sun, 01 Mar 2026 12:00:00 GMT")]
    [InlineData("/y", "bypass-upgrade", "Upgrade: h2c")]
    [InlineData("/me", "bypass-user", "")]
    public async Task What_is_passed_on_says_why(string path, string reason, string header)
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(("Cache-Control", "max-age=60")), rules =>
        {
            rules.Never("/x*");
            rules.Cache("/me", TimeSpan.FromMinutes(1), RuleScope.Private);
        });
        (string, string)[] headers = header == "" ? [] : [(header.Split(": ")[0], header.Split(": ")[1])];
        for (int i = 1; i <= 2; i++)
            Assert.Equal($"larder; fwd=bypass; detail={reason}", (await site.GetAsync(path, headers)).Is("BYPASS", $"v{i}").CacheStatus);
        Assert.Equal(0, site.Cache.Statistics.Entries);
    }

    [Theory]
    [InlineData("no-store", "no-store")]
    [InlineData("private", "private")]
    [InlineData("max-age=0", "no-freshness")]
    [InlineData("", "no-freshness")]
    public async Task What_is_not_stored_says_why(string cacheControl, string reason)
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(cacheControl == "" ? [] : [("Cache-Control", cacheControl)]));
        for (int i = 1; i <= 2; i++)
            Assert.Equal($"larder; fwd=uri-miss; fwd-status=200; detail=\"miss-cold, unstored-{reason}\"", (await site.GetAsync("/")).Is("MISS", $"v{i}").CacheStatus);
    }

    [Theory]
    [InlineData("Set-Cookie: a=b", "unstored-set-cookie")]
    [InlineData("Vary: *", "unstored-vary")]
    [InlineData("Vary: Accept, *", "unstored-vary")]
    [InlineData("Vary: no token", "unstored-vary")]
    public async Task Some_headers_forbid_storing_whatever_a_rule_says(string header, string reason)
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(
            counter.Answers(("Cache-Control", "public, max-age=60"), (header.Split(": ")[0], header.Split(": ")[1])),
            rules => rules.Cache("/{**all}", TimeSpan.FromHours(1), RuleScope.Public));
        for (int i = 1; i <= 2; i++) Assert.Contains(reason, (await site.GetAsync("/")).Is("MISS", $"v{i}").CacheStatus, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_if_cached_is_refused_with_504_where_nothing_is_stored()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(("Cache-Control", "max-age=60")));
        Answer refused = (await site.GetAsync("/", ("Cache-Control", "only-if-cached"))).Is("ERROR", "", 504);
        Assert.Equal("larder; detail=error-only-if-cached", refused.CacheStatus);
        (await site.GetAsync("/")).Is("MISS");
        (await site.GetAsync("/", ("Cache-Control", "only-if-cached"))).Is("HIT");
        site.Time.Advance(60);
        (await site.GetAsync("/", ("Cache-Control", "only-if-cached"))).Is("ERROR", "", 504);
        Assert.Equal(1, counter.Calls);
    }

    [Fact]
    public async Task A_get_with_a_body_is_passed_on()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(("Cache-Control", "max-age=60")));
        (await site.SendAsync("GET", "/", "q=evil")).Is("BYPASS", "v1");
        (await site.GetAsync("/")).Is("MISS", "v2");
        (await site.SendAsync("GET", "/", "q=evil")).Is("BYPASS", "v3");
    }

    [Fact]
    public async Task Over_http2_a_body_that_no_header_announces_is_passed_on_too()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(app =>
        {
            app.UseLarder();
            app.Run(counter.Answers(("Cache-Control", "max-age=60")));
        }, protocols: HttpProtocols.Http2);
        using HttpRequestMessage request = site.Request("GET", "/");
        (request.Version, request.VersionPolicy) = (new(2, 0), HttpVersionPolicy.RequestVersionExact);
        request.Content = new StreamContent(new Endless(3));
        Assert.Null(request.Content.Headers.ContentLength);
        using HttpResponseMessage response = await site.Client.SendAsync(request);
        (await Answer.ReadAsync(response)).Is("BYPASS");
        Assert.Equal(1, site.Count(Reason.BypassBody));

        using HttpRequestMessage plain = site.Request("GET", "/");
        (plain.Version, plain.VersionPolicy) = (new(2, 0), HttpVersionPolicy.RequestVersionExact);
        using HttpResponseMessage stored = await site.Client.SendAsync(plain);
        (await Answer.ReadAsync(stored)).Is("MISS");
    }

    [Fact]
    public async Task The_condition_on_the_result_is_the_answers_own_no_store()
    {
        bool good = false;
        await using Site site = await Site.StartAsync(context =>
        {
            if (!good) context.Response.Headers.CacheControl = "no-store";
            return context.Response.WriteAsync(good ? "good" : "bad");
        }, rules => rules.Cache("/", TimeSpan.FromMinutes(1)));
        (await site.GetAsync("/")).Is("MISS", "bad");
        good = true;
        (await site.GetAsync("/")).Is("MISS", "good");
        (await site.GetAsync("/")).Is("HIT", "good");
    }

    [Fact]
    public async Task Rules_that_cannot_work_stop_the_start_with_all_their_faults()
    {
        AggregateException e = await Assert.ThrowsAsync<AggregateException>(() => Site.StartAsync(_ => Task.CompletedTask, rules =>
        {
            rules.Cache("/a", TimeSpan.Zero);
            rules.Cache("/b", TimeSpan.FromMinutes(1), tags: "x:{id}");
        }));
        Assert.Equal(2, e.InnerExceptions.Count);
    }

    [Fact]
    public void Without_the_engine_the_middleware_says_what_is_missing()
    {
        WebApplication app = WebApplication.CreateSlimBuilder().Build();
        Assert.Contains("AddLarder", Assert.Throws<InvalidOperationException>(() => app.UseLarder()).Message, StringComparison.Ordinal);
    }
}

/// <summary>A stream of so many bytes that does not know its length.</summary>
internal sealed class Endless(long length) : Stream
{
    private long _left = length;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count)
    {
        int part = (int)Math.Min(count, _left);
        buffer.AsSpan(offset, part).Fill((byte)'x');
        _left -= part;
        return part;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
