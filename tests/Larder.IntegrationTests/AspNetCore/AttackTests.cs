using Larder.AspNetCore;
using Larder.IntegrationTests.Gateway.Forwarding;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Larder.IntegrationTests.Http;

/// <summary>
/// The attacker's request, then a clean victim's: the victim gets the bytes of a fresh fetch. Where a deliberately weak rule
/// shows that the attack would work, it is tried as well.
/// </summary>
public sealed class AttackTests
{
    /// <summary>Reflects everything a request can smuggle in.</summary>
    private static Task Reflect(HttpContext context)
    {
        context.Response.Headers.CacheControl = "public, max-age=600";
        string headers = string.Join('\n', context.Request.Headers.Where(h => h.Key is not ("Connection" or "Accept")).OrderBy(h => h.Key, StringComparer.Ordinal).Select(h => $"{h.Key}={h.Value}"));
        string body = $"{context.Request.Scheme} {context.Features.Get<IHttpRequestFeature>()!.RawTarget}\n{headers}";
        return context.Response.WriteAsync(body);
    }

    [Theory]
    [InlineData("X-Forwarded-Host", "evil.example"), InlineData("X-Forwarded-Scheme", "nothttps"), InlineData("X-Forwarded-Port", "1234567")]
    [InlineData("X-Forwarded-Proto", "https"), InlineData("X-Forwarded-Prefix", "/evil"), InlineData("X-Forwarded-Server", "evil")]
    [InlineData("X-Host", "evil.example"), InlineData("X-Original-Host", "evil.example"), InlineData("Forwarded", "host=evil.example")]
    [InlineData("X-Original-URL", "/admin"), InlineData("X-Rewrite-URL", "/admin")]
    [InlineData("X-HTTP-Method-Override", "DELETE"), InlineData("X-HTTP-Method", "DELETE"), InlineData("X-Method-Override", "DELETE")]
    public async Task Unkeyed_input_poisons_nobody(string name, string value)
    {
        await using Site site = await Site.StartAsync(Reflect, rules => rules.Cache("/{**all}", TimeSpan.FromMinutes(1), RuleScope.Public));
        Assert.Contains($"{name}={value}", (await site.GetAsync("/", (name, value))).Is("MISS").Body, StringComparison.OrdinalIgnoreCase);
        Answer victim = (await site.GetAsync("/")).Is("MISS");
        Assert.DoesNotContain(value, victim.Body, StringComparison.Ordinal);
        (await site.GetAsync("/", (name, value), (name, "second"))).Is("MISS");
        (await site.GetAsync("/")).Is("HIT", victim.Body);
    }

    [Fact]
    public async Task Cookies_poison_nobody_but_under_a_rule_that_is_too_weak()
    {
        RequestDelegate origin = context => context.Response.WriteAsync($"<script src='{context.Request.Cookies["cdn"]}'>");
        await using (Site site = await Site.StartAsync(origin, rules => rules.Cache("/{**all}", TimeSpan.FromMinutes(1))))
        {
            await site.GetAsync("/", ("Cookie", "cdn=evil"));
            Assert.Equal("<script src=''>", (await site.GetAsync("/")).Body);
        }
        await using (Site weak = await Site.StartAsync(origin, rules => rules.Cache("/{**all}", TimeSpan.FromMinutes(1), RuleScope.Public)))
        {
            await weak.GetAsync("/", ("Cookie", "cdn=evil"));
            Assert.Equal("<script src='evil'>", (await weak.GetAsync("/")).Body);
        }
    }

    [Theory]
    [InlineData("/p?utm_source=evil", "/p"), InlineData("/p?utm=x;cb=evil", "/p?utm=x"), InlineData("/p?a=1&a=2", "/p?a=2&a=1")]
    [InlineData("/p?a=B=", "/p?a%3DB="), InlineData("/p?", "/p"), InlineData("/p?a", "/p?a="), InlineData("/p?A=1", "/p?a=1")]
    [InlineData("/p?x=%41", "/p?x=A"), InlineData("/p?x=a+b", "/p?x=a%20b"), InlineData("/P", "/p"), InlineData("/p/", "/p")]
    [InlineData("/p%2Fq", "/p/q"), InlineData("/%70", "/p"), InlineData("//p", "/p"), InlineData("/./p", "/p"), InlineData("/x/../p", "/p")]
    [InlineData("/p;x=1", "/p"), InlineData("/p%3Bx", "/p;x"), InlineData("/p%3Fq", "/p?q"), InlineData("/p%23", "/p"), InlineData("/p%1Eu", "/pu")]
    public async Task Whatever_the_origin_can_tell_apart_is_kept_apart(string attack, string clean)
    {
        await using Site site = await Site.StartAsync(Reflect);
        Assert.Contains(" " + attack + "\n", await RawAsync(site, attack), StringComparison.Ordinal);
        string victim = await RawAsync(site, clean);
        Assert.Contains("X-Cache: MISS", victim, StringComparison.Ordinal);
        Assert.Contains(" " + clean + "\n", victim, StringComparison.Ordinal);
        Assert.Contains("X-Cache: HIT", await RawAsync(site, attack), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET /%00 HTTP/1.1\r\nHost: {0}\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: {0}\r\nHost: evil.example\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: evil/../x\r\n\r\n")]
    [InlineData("GET http://evil.example/ HTTP/1.1\r\nHost: {0}\r\n\r\n")]
    [InlineData("GET /a b HTTP/1.1\r\nHost: {0}\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: {0}\r\nX-A: b\rX: y\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: {0}\r\nX-A: \0\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: {0}\r\nTransfer-Encoding: chunked, identity\r\n\r\n")]
    public async Task What_has_two_readings_is_refused_and_stores_nothing(string request)
    {
        await using Site site = await Site.StartAsync(context => Reflect(context));
        string answer = await RawClient.ExchangeAsync(site.Address, string.Format(System.Globalization.CultureInfo.InvariantCulture, request, site.Address.Authority));
        Assert.StartsWith("HTTP/1.1 400", answer, StringComparison.Ordinal);
        Assert.Equal(0, site.Cache.Statistics.Entries);
    }

    [Fact]
    public async Task The_absolute_form_is_the_same_resource()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(("Cache-Control", "max-age=60")));
        (await site.GetAsync("/p?q=1")).Is("MISS", "v1");
        Assert.Contains("X-Cache: HIT", await RawAsync(site, $"http://{site.Address.Authority}/p?q=1"), StringComparison.Ordinal);
        Assert.Contains("v2", await RawAsync(site, $"http://{site.Address.Authority}?q=/p"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Path_base_and_path_cannot_be_moved_into_each_other()
    {
        await using Site site = await Site.StartAsync(app =>
        {
            app.Use((context, next) =>
            {
                string split = context.Request.Headers["X-Split"].ToString();
                string whole = context.Request.Path.Value!;
                int at = split == "" ? 0 : int.Parse(split, System.Globalization.CultureInfo.InvariantCulture);
                (context.Request.PathBase, context.Request.Path) = (whole[..at], whole[at..]);
                return next(context);
            });
            app.UseLarder();
            app.Run(context =>
            {
                context.Response.Headers.CacheControl = "max-age=60";
                return context.Response.WriteAsync($"{context.Request.PathBase}|{context.Request.Path}");
            });
        });
        (await site.GetAsync("/a/b", ("X-Split", "2"))).Is("MISS", "/a|/b");
        (await site.GetAsync("/a/b")).Is("MISS", "|/a/b");
        (await site.GetAsync("/a/b", ("X-Split", "2"))).Is("HIT", "/a|/b");
    }

    [Theory]
    [InlineData("/api/private%2Fx"), InlineData("/api/%70rivate/x"), InlineData("/api//private/x"), InlineData("/api/./private/x")]
    [InlineData("/api/x/../private/x"), InlineData("/api/PRIVATE/x"), InlineData("/api/private;x.css"), InlineData("/api/private%3bx.css")]
    [InlineData("/api/private/%2e%2e/private/x"), InlineData("/api/%2570rivate/x"), InlineData("/api\\private\\x"), InlineData("/api/%5cprivate/x")]
    [InlineData("/api/private%3Fx.css"), InlineData("/api/private%23x.css"), InlineData("/api/private/x%0a"), InlineData("/x;/..;/api/private/x")]
    public async Task A_never_rule_is_not_dodged(string path)
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(("Cache-Control", "max-age=60")), rules =>
        {
            rules.Never("/api/private*");
            rules.Cache("/api/{**all}", TimeSpan.FromMinutes(1), RuleScope.Public);
        });
        await RawAsync(site, path);
        Assert.Contains("v2", await RawAsync(site, path), StringComparison.Ordinal);
        Assert.Equal(0, site.Cache.Statistics.Entries);
    }

    [Theory]
    [InlineData("/acct;x.css"), InlineData("/acct%3bx.css"), InlineData("/acct%0ax.css"), InlineData("/acct%3fx.css"), InlineData("/acct%23x.css")]
    [InlineData("/acct%26x.css"), InlineData("/static/..%2facct"), InlineData("/static/%2e%2e/acct"), InlineData("/static//acct"), InlineData("/static/..;/acct")]
    [InlineData("/static/../acct.css"), InlineData("/acct%2Fx.css"), InlineData("/acct%5Cx.css"), InlineData("/acct%c0%afx.css")]
    public async Task A_broad_rule_gives_an_odd_path_no_lifetime(string path)
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(), rules =>
        {
            rules.Rules.Add(new() { Pattern = RulePattern.Glob("*.css"), Ttl = TimeSpan.FromHours(1), Scope = RuleScope.Public });
            rules.Cache("/{**all}", TimeSpan.FromHours(1), RuleScope.Public);
        });
        await RawAsync(site, path);
        Assert.Contains("v2", await RawAsync(site, path), StringComparison.Ordinal);
        Assert.Equal(0, site.Cache.Statistics.Entries);
        (await site.GetAsync("/plain.css")).Is("MISS", "v3");
        (await site.GetAsync("/plain.css")).Is("HIT", "v3");
    }

    [Fact]
    public async Task No_extension_and_no_directory_makes_anything_cacheable()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers());
        foreach (string path in new[] { "/acct/x.css", "/static/me", "/favicon.ico", "/robots.txt" })
            for (int i = 0; i < 2; i++) Assert.Contains("unstored-no-freshness", (await site.GetAsync(path)).Is("MISS").CacheStatus, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400), InlineData(405), InlineData(413), InlineData(414), InlineData(431), InlineData(500), InlineData(501), InlineData(503)]
    public async Task An_error_that_one_request_provokes_denies_nothing_to_others(int status)
    {
        foreach (bool weak in new[] { false, true })
        {
            await using Site site = await Site.StartAsync(context =>
            {
                context.Response.Headers.CacheControl = "public, max-age=60";
                if (context.Request.Headers["X-Odd"].Count > 0) context.Response.StatusCode = status;
                return context.Response.WriteAsync(context.Response.StatusCode == 200 ? "good" : "denied");
            }, rules =>
            {
                rules.Cache("/{**all}", TimeSpan.FromMinutes(1), RuleScope.Public);
                rules.CacheProvocableErrors = weak;
            });
            (await site.GetAsync("/", ("X-Odd", new string('x', 8000)))).Is("MISS", "denied", status);
            (await site.GetAsync("/")).Is(weak ? "HIT" : "MISS", weak ? "denied" : "good", weak ? status : 200);
        }
    }

    [Theory]
    [InlineData("Range", "bytes=x"), InlineData("Range", "bytes=5-1,0-"), InlineData("TE", "bogus"), InlineData("Max-Forwards", "0"), InlineData("Range", "cows=1")]
    public async Task An_origin_that_chokes_on_a_header_poisons_nobody(string name, string value)
    {
        await using Site site = await Site.StartAsync(context =>
        {
            context.Response.Headers.CacheControl = "public, max-age=60";
            if (context.Request.Headers[name].Count > 0) context.Response.StatusCode = name == "Range" ? 416 : 400;
            return context.Response.WriteAsync(context.Response.StatusCode == 200 ? "good" : "");
        });
        await site.GetAsync("/", (name, value));
        (await site.GetAsync("/")).Is("MISS", "good");
    }

    [Fact]
    public async Task A_thousand_ranges_get_the_whole_once()
    {
        await using Site site = await Site.StartAsync(context =>
        {
            context.Response.Headers.CacheControl = "max-age=60";
            return context.Response.WriteAsync("0123456789");
        });
        await site.GetAsync("/");
        string ranges = "bytes=" + string.Join(',', Enumerable.Repeat("0-", 1000));
        (await site.GetAsync("/", ("Range", ranges))).Is("HIT", "0123456789");
    }

    private static Task<string> RawAsync(Site site, string target) =>
        RawClient.ExchangeAsync(site.Address, $"GET {target} HTTP/1.1\r\nHost: {site.Address.Authority}\r\nConnection: close\r\n\r\n");
}
