using System.Globalization;

namespace Larder.AspNetCore;

/// <summary>What a set of rules makes of a request, in lines for people: which rule holds and what it says.</summary>
internal static class RuleExplanation
{
    /// <summary>Names and what is said, in the order in which somebody asks.</summary>
    /// <param name="rules">The rules.</param>
    /// <param name="method">The method.</param>
    /// <param name="url">An absolute http or https URL.</param>
    public static IEnumerable<(string Name, string Says)> Of(RuleSet rules, string method, Uri url)
    {
        string target = url.PathAndQuery, path = Uri.UnescapeDataString(url.AbsolutePath);
        bool isPlain = RequestTarget.IsPlain(target);
        yield return ("request", $"{method} {url.GetLeftPart(UriPartial.Authority)}{target}");
        if (!isPlain) yield return ("path", "servers may read it in several ways: only rules that say never are asked");
        CompiledRule? rule = rules.Find(new(method == "HEAD" ? "GET" : method, RuleSubject.HostOf(url.Authority), path, isPlain));
        if (rule is null)
        {
            yield return ("rule", "none: RFC 9111 and the answer's own headers decide");
            yield break;
        }
        yield return ("rule", string.Create(CultureInfo.InvariantCulture, $"number {rules.NumberOf(rule)}, {rule.Rule.Pattern.Kind} {rule.Rule.Pattern}"));
        foreach ((string, string) line in OfRule(rule.Rule)) yield return line;
        if (rule.Rule.Query.ChangesQuery) yield return ("key and origin see", rule.Rule.Query.Apply(target).ToString());
        if (rule.TagsFor(path, []) is { Length: > 0 } tags) yield return ("tags", string.Join(", ", tags));
        if (string.Join(", ", rule.InvalidatedBy(path, [])) is { Length: > 0 } ended) yield return ("ends after success", ended);
    }

    private static IEnumerable<(string, string)> OfRule(CacheRule rule)
    {
        if (rule.Never) yield return ("never", "neither looked up nor stored");
        if (rule.Body is { } body) yield return ("body", string.Create(CultureInfo.InvariantCulture, $"part of the key{(body.Json ? ", read as JSON" : "")}, up to {body.MaxBytes} bytes; such requests are reads"));
        if (rule.Ttl is { } ttl) yield return ("fresh for", $"{Seconds(ttl)}{(rule.OverridesOrigin ? ", whatever the origin says" : ", where the origin is silent")}");
        if (rule.ErrorTtl is { } errors) yield return ("errors fresh for", Seconds(errors));
        if (rule.StaleWhileRevalidate is { } revalidate) yield return ("stale while revalidated", Seconds(revalidate));
        if (rule.StaleIfError is { } error) yield return ("stale if the origin fails", Seconds(error));
        if (!rule.Heuristics) yield return ("heuristics", "off");
        yield return ("served to", rule.Scope switch
        {
            RuleScope.Private => $"each user its own, by {rule.User?.Name ?? "the program's way"}",
            RuleScope.Public => "everybody, whatever credentials",
            _ => "everybody; with credentials or cookies only what is declared public",
        });
        if (rule.VaryByHeaders.Count > 0) yield return ("differs by headers", string.Join(", ", rule.VaryByHeaders));
        if (rule.VaryByCookies.Count > 0) yield return ("differs by cookies", string.Join(", ", rule.VaryByCookies));
        if (rule.CacheControl is { } sent) yield return ("clients get Cache-Control", sent);
        if (rule.Statuses.Count > 0) yield return ("statuses", string.Join(", ", rule.Statuses));
        if (rule.ContentTypes.Count > 0) yield return ("content types", string.Join(", ", rule.ContentTypes));
        if (rule.MaxBodyBytes is { } most) yield return ("largest body", string.Create(CultureInfo.InvariantCulture, $"{most} bytes"));
        if (rule.Compress is { } compress) yield return ("compressed", compress ? "yes" : "no");
    }

    private static string Seconds(TimeSpan span) => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.###} s");
}
