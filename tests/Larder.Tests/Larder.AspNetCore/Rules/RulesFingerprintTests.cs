using Larder.AspNetCore;

namespace Larder.Tests.Http;

public sealed class RulesFingerprintTests
{
    private static readonly CacheRule Rule = new() { Pattern = RulePattern.Path("/x/{id}"), Ttl = TimeSpan.FromMinutes(1), Tags = ["a", "b"] };

    private static string Of(Action<HttpCacheOptions> change)
    {
        var options = new HttpCacheOptions();
        change(options);
        return Convert.ToHexString(RulesFingerprint.Of(options));
    }

    private static string Of(params CacheRule[] rules) => Of(options => { foreach (CacheRule rule in rules) options.Rules.Add(rule); });

    [Fact]
    public void Rules_that_are_alike_have_one_fingerprint()
    {
        Assert.Equal(Of(Rule), Of(Rule with { Pattern = RulePattern.Path("/x/{id}"), Tags = ["a", "b"] }));
        // How long what is stale is kept, and how large a body may be, decides nothing about what was stored.
        Assert.Equal(Of(options => { }), Of(options => (options.KeepStale, options.MaxBodyBytes) = (TimeSpan.Zero, 1)));
    }

    [Fact]
    public void Whatever_decides_makes_another_one()
    {
        string[] all =
        [
            Of(), Of(Rule), Of(Rule, Rule),
            Of(Rule with { Pattern = RulePattern.Path("/y/{id}") }),
            Of(Rule with { Pattern = RulePattern.Glob("/x/{id}") }),
            Of(Rule with { Pattern = RulePattern.Regex("/x/{id}") }),
            Of(Rule with { Methods = ["GET"] }),
            Of(Rule with { Ttl = null }), Of(Rule with { Ttl = TimeSpan.FromMinutes(2) }),
            Of(Rule with { Scope = RuleScope.Private }), Of(Rule with { Scope = RuleScope.Public }),
            Of(Rule with { Never = true, Ttl = null }),
            Of(Rule with { Tags = ["ab"] }), Of(Rule with { Tags = ["a", "b", ""] }), Of(Rule with { Tags = ["a"], Invalidates = ["b"] }), Of(Rule with { Tags = [], Invalidates = ["a", "b"] }),
            Of(Rule with { StaleIfError = TimeSpan.FromMinutes(1) }), Of(Rule with { StaleWhileRevalidate = TimeSpan.FromMinutes(1) }), Of(Rule with { StaleIfError = TimeSpan.Zero }),
            Of(Rule, Rule with { Never = true, Ttl = null }), Of(Rule with { Never = true, Ttl = null }, Rule),
            Of(Rule with { Hosts = ["h"] }), Of(Rule with { ErrorTtl = TimeSpan.FromMinutes(1) }), Of(Rule with { OverridesOrigin = true }), Of(Rule with { Heuristics = false }),
            Of(Rule with { Scope = RuleScope.Private, User = UserSource.Claim("sub") }), Of(Rule with { Scope = RuleScope.Private, User = UserSource.Header("sub") }),
            Of(Rule with { Query = QueryPolicy.Sorted }), Of(Rule with { Query = QueryPolicy.None }), Of(Rule with { Query = QueryPolicy.Only("a", "b") }), Of(Rule with { Query = QueryPolicy.Except("a", "b") }),
            Of(Rule with { VaryByHeaders = ["a"] }), Of(Rule with { VaryByCookies = ["a"] }), Of(Rule with { VaryBy = _ => null }), Of(Rule with { Condition = _ => true }),
            Of(Rule with { Body = new() }), Of(Rule with { Body = new() { Json = true } }), Of(Rule with { Body = new() { MaxBytes = 1 } }),
            Of(Rule with { CacheControl = "no-cache" }), Of(Rule with { Statuses = [200] }), Of(Rule with { ContentTypes = ["text/html"] }), Of(Rule with { MaxBodyBytes = 1 }),
            Of(Rule with { Compress = true }), Of(Rule with { Compress = false }),
            Of(options => options.Heuristics = false), Of(options => options.Compress = true), Of(options => options.CacheControlTargets.Clear()), Of(options => options.TagHeaders.Clear()),
            Of(options => options.Esi.Enabled = true), Of(options => options.Esi.Paths.Add(RulePattern.Glob("/x"))),
            Of(options => options.CacheProvocableErrors = true), Of(options => options.ForwardingHeadersAreStripped = true), Of(options => options.User = _ => null),
        ];
        Assert.Distinct(all);
    }

    [Fact]
    public void Every_option_is_considered_or_known_not_to_decide()
    {
        string[] rule = [.. typeof(CacheRule).GetProperties().Select(property => property.Name).Order()];
        Assert.Equal(
            [
                "Body", "CacheControl", "Compress", "Condition", "ContentTypes", "ErrorTtl", "Heuristics", "Hosts", "Invalidates", "MaxBodyBytes", "Methods", "Never", "OverridesOrigin", "Pattern", "Query", "Scope",
                "StaleIfError", "StaleWhileRevalidate", "Statuses", "Tags", "Ttl", "User", "VaryBy", "VaryByCookies", "VaryByHeaders",
            ], rule);
        string[] options = [.. typeof(HttpCacheOptions).GetProperties(System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.NonPublic).Select(property => property.Name).Order()];
        Assert.Equal(
            [
                "CacheControlTargets", "CacheProvocableErrors", "Compress", "Esi", "ForwardingHeadersAreStripped", "Heuristics", "KeepStale", "MaxBodyBytes", "PositionHeader", "PositionPatience", "Purge", "Rules", "TagHeaders", "User",
            ], options);
    }
}
