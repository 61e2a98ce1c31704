using Larder.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.Http.Esi;

/// <summary>Attacks on pages, each beside the page for which the same is right: the check could fail.</summary>
public sealed class EsiAttackTests
{
    private const string Tag = "<esi:include src=\"/secret\"/>";

    [Fact]
    public async Task A_tag_in_user_input_is_text_in_a_response_that_has_not_opted_in()
    {
        EsiSite pages = new EsiSite().Page("/secret", "secret").Page("/search", Echo(false)).Page("/template", Echo(true));
        await using Site site = await pages.StartAsync();
        string attack = "?q=" + Uri.EscapeDataString(Tag);
        Assert.Equal(Tag, (await site.GetAsync("/search" + attack)).Body);
        Assert.Equal(0, pages.Calls("/secret"));
        // What a template writes without escaping it is the template's: this is why it opts in by itself.
        Assert.Equal("secret", (await site.GetAsync("/template" + attack)).Body);
    }

    [Theory]
    [InlineData("Surrogate-Control", "content=\"ESI/1.0\""), InlineData("Surrogate-Capability", "larder=\"ESI/1.0\""), InlineData("X-ESI", "1")]
    public async Task A_request_opts_nothing_in(string name, string value)
    {
        EsiSite pages = new EsiSite().Page("/secret", "secret").Page("/", Tag);
        await using Site site = await pages.StartAsync();
        Assert.Equal(Tag, (await site.GetAsync("/", (name, value))).Body);
    }

    [Theory]
    [InlineData("/pages/%2e%2e/open"), InlineData("/pages;/x"), InlineData("/pages%2Fx"), InlineData("//pages/x")]
    public async Task A_path_that_can_be_read_in_two_ways_opts_nothing_in(string path)
    {
        await using Site site = await Site.StartAsync(context =>
        {
            context.Response.ContentType = "text/html";
            return context.Response.WriteAsync("<esi:remove>x</esi:remove>");
        }, http => http.Esi.Paths.Add(RulePattern.Glob("*pages*")));
        string answer = await Gateway.Forwarding.RawClient.ExchangeAsync(site.Address, $"GET {path} HTTP/1.1\r\nHost: {site.Address.Authority}\r\nConnection: close\r\n\r\n");
        Assert.Contains("<esi:remove>", answer, StringComparison.Ordinal);
        Assert.Equal("", (await site.GetAsync("/pages/x")).Body);
    }

    [Fact]
    public async Task A_response_that_asks_is_not_processed_where_the_program_has_not_enabled_it()
    {
        EsiSite pages = new EsiSite().Page("/secret", "secret").Template("/", Tag).Template("/named", Tag);
        await using Site off = await pages.StartAsync(_ => { });
        Assert.Equal(Tag, (await off.GetAsync("/")).Body);
        await using Site named = await pages.StartAsync(http => http.Esi.Paths.Add(RulePattern.Path("/named")));
        Assert.Equal(Tag, (await named.GetAsync("/")).Body);
        Assert.Equal("secret", (await named.GetAsync("/named")).Body);
    }

    [Theory]
    [InlineData("http://169.254.169.254/latest/meta-data/"), InlineData("http://127.0.0.1:1/"), InlineData("http://localhost/"), InlineData("http://[::1]/"), InlineData("//evil.example/"), InlineData("https://{host}/secret")]
    [InlineData("file:///etc/passwd"), InlineData("ftp://{host}/secret"), InlineData("gopher://{host}/secret"), InlineData("http://x@{host}/secret"), InlineData("http://{host}@evil.example/"), InlineData("\\\\evil.example\\x")]
    [InlineData("http:/secret"), InlineData("/%2e%2e/secret"), InlineData("/./%00secret"), InlineData("//{host}@evil.example/secret"), InlineData("http://{host}%00.evil.example/secret")]
    public async Task An_include_leads_nowhere_but_to_the_page_s_own_host(string source)
    {
        foreach (string[] allowed in (string[][])[[], ["169.254.169.254", "evil.example", "localhost", "127.0.0.1:1"]])
        {
            EsiSite pages = new EsiSite().Page("/secret", "secret");
            await using Site site = await pages.StartAsync(http =>
            {
                http.Esi.Enabled = true;
                foreach (string host in allowed) http.Esi.AllowedHosts.Add(host);
            });
            pages.Template("/", $"[<esi:include src=\"{source.Replace("{host}", site.Address.Authority, StringComparison.Ordinal)}\" onerror=\"continue\"/>]");
            Assert.Equal("[]", (await site.GetAsync("/")).Body);
            Assert.Equal(0, pages.Calls("/secret"));
            pages.Template("/own", $"[<esi:include src=\"http://{site.Address.Authority}/secret\"/>]");
            Assert.Equal("[secret]", (await site.GetAsync("/own")).Body);
        }
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        EsiSite pages = new EsiSite().Page("/secret", "secret").Template("/", "[<esi:include src=\"/go\" onerror=\"continue\"/>]").Page("/go", c =>
        {
            c.Response.Redirect("/secret");
            return Task.CompletedTask;
        });
        await using Site site = await pages.StartAsync();
        Assert.Equal("[]", (await site.GetAsync("/")).Body);
        Assert.Equal((1, 0), (pages.Calls("/go"), pages.Calls("/secret")));
    }

    [Fact]
    public async Task A_page_that_includes_itself_ends_at_the_fifth_level()
    {
        EsiSite pages = new EsiSite().Template("/", "(<esi:include src=\"/\" onerror=\"continue\"/>)").Template("/strict", "<esi:include src=\"?again\"/>").Template("/a", "a<esi:include src=\"/b\" onerror=\"continue\"/>").Template("/b", "b<esi:include src=\"/a\" onerror=\"continue\"/>");
        await using Site site = await pages.StartAsync();
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal("(((((())))))", (await site.GetAsync("/")).Body);
            Assert.Equal("ababab", (await site.GetAsync("/a")).Body);
            Assert.Equal(502, (await site.GetAsync("/strict")).Status);
        }
    }

    [Fact]
    public async Task Pages_that_include_each_other_do_not_wait_for_each_other()
    {
        // The clock stands still: whoever waited for the other would do so for ever.
        EsiSite pages = new EsiSite().Template("/a", "a<esi:include src=\"/b\" onerror=\"continue\"/>").Template("/b", "b<esi:include src=\"/a\" onerror=\"continue\"/>");
        for (int round = 0; round < 20; round++)
        {
            await using Site site = await pages.StartAsync();
            Answer[] both = await Task.WhenAll(site.GetAsync("/a"), site.GetAsync("/b"));
            Assert.Equal(["ababab", "bababa"], both.Select(page => page.Body));
        }
    }

    [Fact]
    public async Task A_page_of_ten_thousand_includes_asks_for_no_more_than_are_allowed()
    {
        EsiSite pages = new EsiSite().Template("/", string.Concat(Enumerable.Repeat("<esi:include src=\"/f\" onerror=\"continue\"/>", 10_000))).Page("/f", "x", "no-store")
            .Template("/strict", string.Concat(Enumerable.Repeat("<esi:include src=\"/f\"/>", 1001))).Template("/tree", string.Concat(Enumerable.Repeat("<esi:include src=\"/tree\" onerror=\"continue\"/>", 30)), "no-store");
        await using Site site = await pages.StartAsync();
        Assert.Equal(new string('x', 1000), (await site.GetAsync("/")).Body);
        Assert.Equal(1000, pages.Calls("/f"));
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => site.GetAsync("/strict"));
        Assert.Equal("", (await site.GetAsync("/tree")).Body);
        Assert.Equal(1001, pages.Calls("/tree"));
    }

    [Fact]
    public async Task A_page_that_grows_over_its_limit_is_broken_off()
    {
        EsiSite pages = new EsiSite().Page("/f", new string('f', 600)).Page("/huge", new string('f', 2000), "no-store").Template("/", "[<esi:include src=\"/f\"/><esi:include src=\"/f\"/>]")
            .Template("/one", "[<esi:include src=\"/f\"/>]").Template("/huge-one", "<esi:include src=\"/huge\"/>").Template("/text", new string('t', 2000))
            .Page("/endless", async c => { while (true) await c.Response.Body.WriteAsync(new byte[1000], c.RequestAborted); }).Template("/endless-one", "<esi:include src=\"/endless\"/>");
        await using Site site = await pages.StartAsync(http =>
        {
            http.Esi.Enabled = true;
            http.Esi.MaxPageBytes = 1000;
        });
        Assert.Equal(602, (await site.GetAsync("/one")).Body.Length);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => site.GetAsync("/"));
        foreach (string path in new[] { "/huge-one", "/text", "/endless-one" }) Assert.Equal(502, (await site.GetAsync(path)).Status);
    }

    [Fact]
    public async Task Nothing_is_expanded_but_the_five_entities_and_numbers()
    {
        const string Bomb = "<!DOCTYPE x [<!ENTITY a \"/secret\"><!ENTITY b SYSTEM \"file:///etc/passwd\">]>";
        EsiSite pages = new EsiSite().Page("/secret", "secret").Template("/", Bomb + "[<esi:include src=\"&a;\" onerror=\"continue\"/><esi:include src=\"&b;\" onerror=\"continue\"/>]").Template("/plain", "<esi:include src=\"&#47;secret\"/>");
        await using Site site = await pages.StartAsync();
        Assert.Equal(Bomb + "[]", (await site.GetAsync("/")).Body);
        Assert.Equal(0, pages.Calls("/secret"));
        Assert.Equal("secret", (await site.GetAsync("/plain")).Body);
    }

    [Fact]
    public async Task A_fragment_of_one_user_is_never_in_the_page_of_another()
    {
        foreach (bool weak in new[] { false, true })
        {
            EsiSite pages = new EsiSite().Template("/", "[<esi:include src=\"/me\"/>]", "public, max-age=60").Page("/me", c => c.Response.WriteAsync(c.Request.Headers["X-User"].ToString()));
            await using Site site = await pages.StartAsync(http =>
            {
                http.Esi.Enabled = true;
                http.User = context => context.Request.Headers["X-User"];
                http.Cache("/me", TimeSpan.FromMinutes(1), weak ? RuleScope.Public : RuleScope.Private);
            });
            foreach (string user in new[] { "ann", "bob", "ann", "bob" })
            {
                Answer page = await site.GetAsync("/", ("X-User", user));
                Assert.Equal(weak ? "[ann]" : $"[{user}]", page.Body);
                Assert.Contains(page["Cache-Control"], new[] { "no-store", "no-cache, private" });
            }
            Assert.Equal(weak ? 1 : 2, pages.Calls("/me"));
            Assert.Equal(1, pages.Calls("/"));
        }
    }

    [Fact]
    public async Task What_a_fragment_says_in_its_headers_reaches_nobody()
    {
        EsiSite pages = new EsiSite().Template("/", "<esi:include src=\"/f\"/>").Page("/f", "f", headers: [("Set-Cookie", "session=evil"), ("X-Evil", "1"), ("Location", "/evil")]);
        await using Site site = await pages.StartAsync();
        Answer page = await site.GetAsync("/");
        Assert.Equal("f", page.Body);
        foreach (string name in new[] { "Set-Cookie", "X-Evil", "Location" }) Assert.Null(page[name]);
    }

    [Fact]
    public async Task A_fragment_is_asked_for_with_the_client_s_headers_but_as_a_plain_GET()
    {
        string seen = "";
        EsiSite pages = new EsiSite().Template("/", "<esi:include src=\"/f?x=1&amp;y\"/>", "no-store").Page("/f", c =>
        {
            seen = $"{c.Request.Method} {c.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget} {string.Join(' ', c.Request.Headers.Keys.Order())} {c.Request.ContentLength} {c.Connection.RemoteIpAddress}";
            return c.Response.WriteAsync("f");
        });
        await using Site site = await pages.StartAsync();
        await site.GetAsync("/", ("Cookie", "a=b"), ("Authorization", "x"), ("Accept", "text/html"), ("Accept-Encoding", "gzip"), ("Range", "bytes=0-"), ("If-Range", "\"x\""), ("If-None-Match", "\"x\""), ("Cache-Control", "no-cache"));
        Assert.Equal("GET /f?x=1&y Accept Authorization Cache-Control Cookie Host Surrogate-Capability  127.0.0.1", seen);
    }

    [Fact]
    public async Task An_encoded_page_passes_and_a_named_path_is_asked_for_without_encodings()
    {
        EsiSite pages = new EsiSite().Page("/f", "f").Page("/", c =>
        {
            c.Response.ContentType = "text/html";
            c.Response.Headers[Surrogate.Control] = "content=\"ESI/1.0\"";
            if (c.Request.Headers.AcceptEncoding.Count > 0) c.Response.Headers.ContentEncoding = "x-raw";
            return c.Response.WriteAsync("<esi:include src='/f'/>");
        });
        await using Site site = await pages.StartAsync();
        Assert.Equal("<esi:include src='/f'/>", (await site.GetAsync("/", ("Accept-Encoding", "x-raw"))).Body);
        await using Site named = await pages.StartAsync(http => http.Esi.Paths.Add(RulePattern.Path("/")));
        Assert.Equal("f", (await named.GetAsync("/", ("Accept-Encoding", "x-raw"))).Body);
    }

    private static Func<HttpContext, Task> Echo(bool asks) => context =>
    {
        context.Response.ContentType = "text/html";
        if (asks) context.Response.Headers[Surrogate.Control] = "content=\"ESI/1.0\"";
        return context.Response.WriteAsync(context.Request.Query["q"].ToString());
    };
}
