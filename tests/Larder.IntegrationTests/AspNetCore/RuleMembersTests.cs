using Larder.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Larder.IntegrationTests.Http;

/// <summary>What each member of a rule does to requests and responses.</summary>
public sealed class RuleMembersTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private static CacheRule Rule(string path = "/{**all}") => new() { Pattern = RulePattern.Path(path), Ttl = Minute };

    private static Task<Site> StartAsync(RequestDelegate origin, params CacheRule[] rules) => Site.StartAsync(origin, http => { foreach (CacheRule rule in rules) http.Rules.Add(rule); });

    /// <summary>Answers with what it sees of the target.</summary>
    private static Task Seen(HttpContext context) =>
        context.Response.WriteAsync($"{context.Features.Get<IHttpRequestFeature>()!.RawTarget} {context.Request.QueryString}");

    [Fact]
    public async Task Of_the_query_the_origin_sees_what_the_key_holds()
    {
        await using Site site = await StartAsync(Seen, Rule() with { Query = QueryPolicy.Except("utm_*") });
        (await site.GetAsync("/p?utm_source=evil&b=1&a=2")).Is("MISS", "/p?a=2&b=1 ?a=2&b=1");
        (await site.GetAsync("/p?a=2&b=1")).Is("HIT", "/p?a=2&b=1 ?a=2&b=1");
        (await site.GetAsync("/p?b=1&a=2&utm_x=")).Is("HIT");
        (await site.GetAsync("/p?a=2&b=2")).Is("MISS");
        // A weak origin that reads what the key does not hold would be poisoned if it saw it.
        await using Site weak = await StartAsync(Seen, Rule());
        Assert.Contains("evil", (await weak.GetAsync("/p?utm_source=evil")).Is("MISS").Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_write_reaches_what_was_read_under_another_order_of_the_query()
    {
        var counter = new Counter();
        await using Site site = await StartAsync(counter.Answers(), Rule() with { Query = QueryPolicy.Sorted });
        (await site.GetAsync("/p?b=1&a=2")).Is("MISS", "v1");
        await site.SendAsync("PUT", "/p?b=1&a=2", "x");
        (await site.GetAsync("/p?a=2&b=1")).Is("MISS", "v3");
    }

    [Theory]
    [InlineData("PUT"), InlineData("PURGE")]
    public async Task Whatever_the_query_became_a_write_and_a_purge_end_it(string method)
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(
            app =>
            {
                app.UsePathBase("/api");
                app.UseRouting();
                app.UseLarder();
                app.MapGet("/books", () => counter.Next()).CacheResponse(rule => rule with { Ttl = Minute, Query = QueryPolicy.Only("word", "page") });
                app.MapPut("/books", () => counter.Next());
            },
            http => http.Purge = new());
        (await site.GetAsync("/api/books?word=a&page=2&utm=x")).Is("MISS", "v1");
        (await site.GetAsync("/api/books?page=2&word=a")).Is("HIT", "v1");
        Assert.Equal(200, (await site.SendAsync(method, "/api/books?word=a&page=2", method == "PUT" ? "x" : null)).Status);
        Assert.NotEqual("v1", (await site.GetAsync("/api/books?page=2&word=a")).Is("MISS").Body);
    }

    [Fact]
    public async Task Headers_and_cookies_that_a_rule_names_select_the_answer()
    {
        RequestDelegate origin = context => context.Response.WriteAsync($"{context.Request.Headers["X-Tenant"]} {context.Request.Headers.Cookie}");
        await using Site site = await StartAsync(origin, Rule() with { Scope = RuleScope.Public, VaryByHeaders = ["X-Tenant"], VaryByCookies = ["lang"] });
        (await site.GetAsync("/", ("X-Tenant", "a"), ("Cookie", "id=1; lang=de"))).Is("MISS", "a id=1; lang=de");
        (await site.GetAsync("/", ("X-Tenant", "a"), ("Cookie", "lang=de; id=2"))).Is("HIT", "a id=1; lang=de");
        (await site.GetAsync("/", ("X-Tenant", "b"), ("Cookie", "lang=de"))).Is("MISS");
        (await site.GetAsync("/", ("X-Tenant", "a"), ("Cookie", "lang=en"))).Is("MISS");
        // Of a cookie that is there twice nobody knows which one the origin takes: it is neither of the others.
        (await site.GetAsync("/", ("X-Tenant", "a"), ("Cookie", "lang=de; lang=evil"))).Is("MISS");
        (await site.GetAsync("/", ("X-Tenant", "a"))).Is("MISS", "a ");
        (await site.GetAsync("/", ("X-Tenant", "a"), ("Cookie", "lang=de"))).Is("HIT", "a id=1; lang=de");
    }

    [Fact]
    public async Task A_function_adds_to_the_key_and_passes_on_where_it_fails()
    {
        var counter = new Counter();
        await using Site site = await StartAsync(counter.Answers(), Rule() with { VaryBy = context => context.Request.Headers["X-Plan"] is [{ } plan] ? plan[..4] : throw new InvalidOperationException() });
        (await site.GetAsync("/", ("X-Plan", "gold-1"))).Is("MISS", "v1");
        (await site.GetAsync("/", ("X-Plan", "gold-2"))).Is("HIT", "v1");
        (await site.GetAsync("/", ("X-Plan", "free-1"))).Is("MISS", "v2");
        Assert.Contains("bypass-unkeyed", (await site.GetAsync("/")).Is("BYPASS", "v3").CacheStatus, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("max-age=5"), InlineData("no-cache"), InlineData("s-maxage=0")]
    public async Task A_rule_may_override_the_origins_lifetime(string cacheControl)
    {
        var counter = new Counter();
        await using Site site = await StartAsync(counter.Answers(("Cache-Control", cacheControl)), Rule() with { OverridesOrigin = true });
        (await site.GetAsync("/")).Is("MISS", "v1");
        site.Time.Advance(59);
        Assert.Equal(cacheControl, (await site.GetAsync("/")).Is("HIT", "v1")["Cache-Control"]);
        site.Time.Advance(2);
        (await site.GetAsync("/")).Is("MISS", "v2");
    }

    [Theory]
    [InlineData("Cache-Control", "no-store"), InlineData("Cache-Control", "private"), InlineData("Set-Cookie", "a=b"), InlineData("Vary", "*")]
    public async Task It_overrides_nothing_of_who_may_be_served(string name, string value)
    {
        var counter = new Counter();
        await using Site site = await StartAsync(counter.Answers((name, value)), Rule() with { OverridesOrigin = true });
        (await site.GetAsync("/")).Is("MISS", "v1");
        (await site.GetAsync("/")).Is("MISS", "v2");
    }

    [Fact]
    public async Task Errors_have_a_lifetime_of_their_own()
    {
        var counter = new Counter();
        RequestDelegate origin = context =>
        {
            context.Response.StatusCode = context.Request.Path == "/gone" ? 404 : 500;
            return context.Response.WriteAsync(counter.Next());
        };
        await using (Site site = await StartAsync(origin, Rule()))
        {
            (await site.GetAsync("/gone")).Is("MISS", status: 404);
            (await site.GetAsync("/gone")).Is("MISS", status: 404);
        }
        await using (Site site = await StartAsync(origin, Rule() with { ErrorTtl = TimeSpan.FromSeconds(5), Statuses = [200, 404] }))
        {
            (await site.GetAsync("/gone")).Is("MISS", status: 404);
            (await site.GetAsync("/gone")).Is("HIT", status: 404);
            site.Time.Advance(6);
            (await site.GetAsync("/gone")).Is("MISS", status: 404);
            (await site.GetAsync("/broken")).Is("MISS", status: 500);
            (await site.GetAsync("/broken")).Is("MISS", status: 500);
        }
    }

    [Fact]
    public async Task Conditions_decide_on_the_response_and_one_that_fails_says_no()
    {
        var counter = new Counter();
        RequestDelegate origin = context =>
        {
            context.Response.ContentType = context.Request.Query["type"].ToString();
            return context.Response.WriteAsync(counter.Next());
        };
        await using Site site = await StartAsync(
            origin, Rule("/typed") with { ContentTypes = ["application/json", "text/*"] },
            Rule("/asked") with { Condition = context => context.Request.Query["keep"] == "" ? throw new InvalidOperationException() : context.Request.Query["keep"] == "yes" });
        foreach ((string url, string second) in new[]
        {
            ("/typed?type=application/json;charset=utf-8", "HIT"), ("/typed?type=text/html", "HIT"), ("/typed?type=image/png", "MISS"), ("/typed?type=", "MISS"),
            ("/asked?keep=yes", "HIT"), ("/asked?keep=no", "MISS"), ("/asked", "MISS"),
        })
        {
            Answer first = (await site.GetAsync(url)).Is("MISS");
            Assert.Equal(second == "MISS", first.CacheStatus.Contains("unstored-condition", StringComparison.Ordinal));
            (await site.GetAsync(url)).Is(second);
        }
    }

    [Fact]
    public async Task Hosts_limit_a_rule()
    {
        var counter = new Counter();
        await using Site site = await StartAsync(counter.Answers(), Rule() with { Hosts = ["api.example.com", "*.example.org"] });
        foreach ((string host, string second) in new[] { ("api.example.com", "HIT"), ("API.example.com:8080", "HIT"), ("a.b.example.org", "HIT"), ("example.org", "MISS"), ("evilexample.org", "MISS"), ("www.example.com", "MISS") })
        {
            (await site.GetAsync("/", ("Host", host))).Is("MISS");
            (await site.GetAsync("/", ("Host", host))).Is(second);
        }
    }

    [Fact]
    public async Task Clients_get_the_Cache_Control_of_the_rule_and_the_cache_goes_by_the_origins()
    {
        var counter = new Counter();
        await using Site site = await StartAsync(counter.Answers(("Cache-Control", "max-age=10"), ("ETag", "\"e\"")), Rule() with { CacheControl = "public, max-age=5" });
        Assert.Equal("public, max-age=5", (await site.GetAsync("/")).Is("MISS")["Cache-Control"]);
        Assert.Equal("public, max-age=5", (await site.GetAsync("/")).Is("HIT")["Cache-Control"]);
        site.Time.Advance(9);
        (await site.GetAsync("/")).Is("HIT");
        site.Time.Advance(2);
        (await site.GetAsync("/")).Is("MISS");
    }

    [Fact]
    public async Task Heuristics_can_be_switched_off()
    {
        var counter = new Counter();
        RequestDelegate origin = counter.Answers(("Last-Modified", "Mon, 01 Jan 2001 00:00:00 GMT"));
        CacheRule silent = new() { Pattern = RulePattern.Path("/{**all}"), Heuristics = false };
        await using (Site site = await StartAsync(origin))
        {
            (await site.GetAsync("/")).Is("MISS");
            (await site.GetAsync("/")).Is("HIT");
        }
        await using (Site site = await StartAsync(origin, silent))
        {
            (await site.GetAsync("/")).Is("MISS");
            (await site.GetAsync("/")).Is("MISS");
        }
        await using (Site site = await Site.StartAsync(origin, http => http.Heuristics = false))
        {
            (await site.GetAsync("/")).Is("MISS");
            (await site.GetAsync("/")).Is("MISS");
        }
    }

    [Theory]
    [InlineData(true), InlineData(false)]
    public async Task Users_are_told_apart_by_what_the_rule_names(bool byCookie)
    {
        var counter = new Counter();
        await using Site site = await StartAsync(counter.Answers(), Rule() with { Scope = RuleScope.Private, User = byCookie ? UserSource.Cookie("session") : UserSource.Header("X-User") });
        (string, string)[] one = byCookie ? [("Cookie", "session=1; a=b")] : [("X-User", "1")], other = byCookie ? [("Cookie", "session=2")] : [("X-User", "2")];
        (await site.GetAsync("/", one)).Is("MISS", "v1");
        (await site.GetAsync("/", one)).Is("HIT", "v1");
        (await site.GetAsync("/", other)).Is("MISS", "v2");
        Assert.Contains("bypass-user", (await site.GetAsync("/")).Is("BYPASS").CacheStatus, StringComparison.Ordinal);
        if (byCookie) (await site.GetAsync("/", ("Cookie", "session=1; session=2"))).Is("BYPASS");
        await site.Cache.InvalidateAsync(Invalidation.User(UserSource.NameOf("1")));
        (await site.GetAsync("/", one)).Is("MISS");
        (await site.GetAsync("/", other)).Is("HIT");
    }

    [Fact]
    public async Task Presets_are_rules_like_any_other()
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(), http =>
        {
            foreach (CacheRule rule in RulePresets.Find("actions")) http.Rules.Add(rule);
        });
        (await site.GetAsync("/api/prompt.list")).Is("MISS", "v1");
        (await site.GetAsync("/api/prompt.list")).Is("HIT", "v1");
        (await site.GetAsync("/api/prompt.get?id=1")).Is("MISS", "v2");
        (await site.GetAsync("/api/book.list")).Is("MISS", "v3");
        (await site.GetAsync("/api/pipeline.execute")).Is("BYPASS", "v4");
        (await site.GetAsync("/api/pipeline.execute")).Is("BYPASS", "v5");
        await site.SendAsync("POST", "/api/prompt.create", "x");
        (await site.GetAsync("/api/prompt.list")).Is("MISS", "v7");
        (await site.GetAsync("/api/prompt.get?id=1")).Is("MISS", "v8");
        (await site.GetAsync("/api/book.list")).Is("HIT", "v3");
        site.Time.Advance(121);
        (await site.GetAsync("/api/prompt.list")).Is("HIT", "v7");
        (await site.GetAsync("/api/prompt.get?id=1")).Is("MISS");
    }

    [Theory]
    [InlineData("analytics", "/api/analytics/x", 300), InlineData("analytics", "/api/a/summary/b", 600), InlineData("analytics", "/api/health", 30), InlineData("analytics", "/api/predictive/summary", 0)]
    [InlineData("jobs", "/health", 60), InlineData("jobs", "/version", 3600), InlineData("jobs", "/auth/login", 0), InlineData("jobs", "/transcribe", 0)]
    [InlineData("actions", "/x/a.health.check", 300), InlineData("actions", "/a.search", 60), InlineData("actions", "/a.b.whatever", 300), InlineData("actions", "/a.delete", 0)]
    public async Task Presets_give_the_lifetimes_that_they_name(string preset, string url, int seconds)
    {
        var counter = new Counter();
        await using Site site = await Site.StartAsync(counter.Answers(), http =>
        {
            foreach (CacheRule rule in RulePresets.Find(preset)) http.Rules.Add(rule);
        });
        if (seconds == 0)
        {
            Assert.Contains("bypass-rule", (await site.GetAsync(url)).Is("BYPASS").CacheStatus, StringComparison.Ordinal);
            return;
        }
        await site.GetAsync(url);
        Assert.Contains($"ttl={seconds}", (await site.GetAsync(url)).Is("HIT").CacheStatus, StringComparison.Ordinal);
    }
}
