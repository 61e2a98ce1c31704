using Larder.AspNetCore;
using Larder.Cli.Configuration;
using Larder.Gateway.Hosting;

namespace Larder.Tests.Gateway.Configuration;

/// <summary>How a gateway caches: members of the document, and those that few rules have.</summary>
public class CachingTests
{
    private static GatewayOptions Read(string json) => ConfigFile.Parse(json, "larder.json", new(Origin: "http://a")).Options!;

    [Fact]
    public void Everything_is_read()
    {
        GatewayOptions options = Read("""
            {
              "heuristics": false, "compress": true, "cacheControlTargets": ["CDN-Cache-Control"], "tagHeaders": "xkey", "positionHeader": "Larder-Position",
              "purge": { "from": ["10.0.0.0/8", "::1"], "key": "0123456789abcdef" }, "esi": { "enabled": true, "paths": "/pages/*" }, "presets": ["jobs"]
            }
            """);
        CachingOptions caching = options.Caching;
        Assert.Equal((false, true, "Larder-Position", "0123456789abcdef", true), (caching.Heuristics, caching.Compress, caching.PositionHeader, caching.PurgeKey, caching.Esi));
        Assert.Equal(["CDN-Cache-Control"], caching.CacheControlTargets!);
        Assert.Equal(["xkey"], caching.TagHeaders!);
        Assert.Equal(["10.0.0.0/8", "::1/128"], caching.PurgeFrom!.Select(network => network.ToString()));
        Assert.Equal("/pages/*", Assert.Single(caching.EsiPaths).Text);
        Assert.Equal(RulePresets.Jobs, options.Rules);
        var http = new HttpCacheOptions();
        caching.Apply(http);
        Assert.Equal((false, true, "Larder-Position", true), (http.Heuristics, http.Compress, http.PositionHeader, http.Esi.Enabled));
        Assert.Equal((1, 1, 2, 1), (http.CacheControlTargets.Count, http.TagHeaders.Count, http.Purge!.From.Count, http.Esi.Paths.Count));
        Assert.DoesNotContain("0123456789abcdef", caching.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_them_it_is_as_in_process()
    {
        var http = new HttpCacheOptions();
        Read("{}").Caching.Apply(http);
        var defaults = new HttpCacheOptions();
        Assert.Equal((defaults.Heuristics, defaults.Compress, defaults.PositionHeader, defaults.Purge), (http.Heuristics, http.Compress, http.PositionHeader, http.Purge));
        Assert.Equal(defaults.CacheControlTargets, http.CacheControlTargets);
        Assert.Equal(defaults.TagHeaders, http.TagHeaders);
        Assert.Equal(2, Read("""{"purge":{}}""").Caching.PurgeFrom!.Count);
    }

    [Fact]
    public void A_rule_may_have_them_all()
    {
        CacheRule rule = Assert.Single(Read("""
            {"rules":[{ "action": "*.list", "methods": ["POST"], "hosts": ["a.test", "*.b.test"], "ttl": 5, "errorTtl": 6, "overridesOrigin": true, "heuristics": false, "scope": "private",
              "user": { "cookie": "session" }, "query": { "except": ["utm_*"] }, "varyByHeaders": ["X-Tenant"], "body": { "json": true, "kilobytes": 2 }, "cacheControl": "private, max-age=5",
              "statuses": [200, 404], "contentTypes": ["text/*"], "maxBodyMegabytes": 3, "compress": true }]}
            """).Rules);
        Assert.Equal(("*.list", 5d, 6d, true, false, RuleScope.Private), (rule.Pattern.Text, rule.Ttl!.Value.TotalSeconds, rule.ErrorTtl!.Value.TotalSeconds, rule.OverridesOrigin, rule.Heuristics, rule.Scope));
        Assert.Equal(("cookie session", "except utm_*", "private, max-age=5", 3L << 20, true), (rule.User!.Name, rule.Query.ToString(), rule.CacheControl, rule.MaxBodyBytes, rule.Compress));
        Assert.Equal(new BodyKey { Json = true, MaxBytes = 2048 }, rule.Body);
        Assert.Equal(["a.test", "*.b.test"], rule.Hosts);
        Assert.Equal([200, 404], rule.Statuses);
        Assert.Equal(["text/*"], rule.ContentTypes);
        Assert.Equal(["X-Tenant"], rule.VaryByHeaders);
        foreach ((string query, string written) in new[] { ("\"sorted\"", "sorted"), ("\"none\"", "only"), ("\"as-sent\"", "as-sent"), ("{\"only\":\"a\"}", "only a") })
            Assert.Equal(written, Assert.Single(Read($$"""{"rules":[{"path":"/a","query":{{query}}}]}""").Rules).Query.ToString());
    }

    [Theory]
    [InlineData("""{"tagHeaders":["a b"]}""", "tagHeaders[0]: \"a b\" is not allowed; the name of a response header")]
    [InlineData("""{"rules":[{"path":"/a","user":{}}]}""", "rules[0].user: one of header and cookie is needed")]
    [InlineData("""{"rules":[{"path":"/a","user":{"header":"X-User","cookie":"c"}}]}""", "rules[0].user: one of header and cookie is needed")]
    [InlineData("""{"rules":[{"path":"/a","user":{"header":"X User"}}]}""", "rules[0].user.header: \"X User\" is not allowed; the name of a request header")]
    [InlineData("""{"rules":[{"path":"/a","user":{"header":"X-Real-IP"}}]}""", "rules[0].user.header: \"X-Real-IP\" is not allowed; the name of a request header: the gateway removes this one, because any client could set it")]
    [InlineData("""{"rules":[{"path":"/a","varyByHeaders":["a b"]}]}""", "rules[0].varyByHeaders[0]: \"a b\" is not allowed; the name of a request header")]
    [InlineData("""{"rules":[{"path":"/a","varyByHeaders":["X-Forwarded-For"]}]}""", "rules[0].varyByHeaders[0]: \"X-Forwarded-For\" is not allowed; the name of a request header: the gateway removes this one, because any client could set it")]
    [InlineData("""{"rules":[{"path":"/a","varyByHeaders":"forwarded"}]}""", "rules[0].varyByHeaders: \"forwarded\" is not allowed; the name of a request header: the gateway removes this one, because any client could set it")]
    [InlineData("""{"rules":[{"path":"/a","varyByHeaders":["Via"]}]}""", "rules[0].varyByHeaders[0]: \"Via\" is not allowed; the name of a request header: the gateway sets this one itself")]
    [InlineData("""{"positionHeader":"Cookie"}""", "positionHeader: \"Cookie\" is not allowed; the name of a header that means nothing else, such as \"Larder-Position\"")]
    [InlineData("""{"purge":{"from":["10.0.0.0/33"]}}""", "purge.from[0]: \"10.0.0.0/33\" is not allowed; an address or a network such as \"10.0.0.0/8\"")]
    [InlineData("""{"purge":{"key":"secret"}}""", "purge.key: this is not allowed; a text of 16 to 1000 characters")]
    [InlineData("""{"presets":["nothing"]}""", "presets: \"nothing\" is not allowed; one of actions, jobs, analytics", true)]
    [InlineData("""{"esi":{"paths":["x"]}}""", "esi.paths[0]: \"x\" is not allowed; a glob such as \"/pages/*\"")]
    [InlineData("""{"rules":[{"path":"/a","query":"all"}]}""", "rules[0].query: \"all\" is not allowed; \"as-sent\", \"sorted\", \"none\", or an object with only or except")]
    [InlineData("""{"rules":[{"path":"/a","query":{}}]}""", "rules[0].query: one of only and except is needed")]
    [InlineData("""{"rules":[{"path":"/a","statuses":[700]}]}""", "rules[0].statuses[0]: 700 is not allowed; a status code from 200 to 599, or a list of them")]
    [InlineData("""{"rules":[{"path":"/a","varyByCookies":["c"]}]}""", "rules[0]: it varies by cookies, which takes the scope public: otherwise requests with cookies are not answered from what is shared.")]
    [InlineData("""{"rules":[{"action":"a b"}]}""", "rules[0].action: \"a b\" is not allowed; a pattern of actions such as \"*.list\": 'a b' is no pattern of actions; patterns are an action, '*.ending', 'beginning.*' and '*'.")]
    public void Mistakes_are_told(string json, string message, bool inList = false) =>
        Assert.Equal([inList ? message.Replace("presets:", "presets[0]:", StringComparison.Ordinal) : message], Documents.Messages(json));
}
