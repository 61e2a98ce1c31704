using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;

namespace Larder.AspNetCore;

/// <summary>A rule with its tags parsed and its lists ready to be asked.</summary>
internal sealed class CompiledRule(CacheRule rule)
{
    private readonly TagTemplate[] _tags = [.. rule.Tags.Select(tag => new TagTemplate(tag, rule.Pattern))];
    private readonly TagTemplate[] _invalidates = [.. rule.Invalidates.Select(tag => new TagTemplate(tag, rule.Pattern))];

    public CacheRule Rule => rule;

    public bool IsPrivate => rule.Scope == RuleScope.Private;

    public bool IsPublic => rule.Scope == RuleScope.Public;

    /// <summary>What responses differ by, beside Vary: in lower case and sorted; a cookie as <see cref="RequestKey.CookiePrefix"/> and its name.</summary>
    public string[] Nominated { get; } =
        [.. rule.VaryByHeaders.Select(static name => name.ToLowerInvariant()).Concat(rule.VaryByCookies.Select(static name => RequestKey.CookiePrefix + name)).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>The lifetime it gives to a status; null where it gives none.</summary>
    public TimeSpan? TtlFor(int status) => status < 400 ? rule.Ttl : rule.ErrorTtl;

    /// <summary>What the key holds of it where the rule is an endpoint's own, which may become another without its URL changing; null for rules of the set.</summary>
    public string? EndpointMark { get; init; }

    /// <param name="path">The path that the rule matches.</param>
    /// <param name="route">What routing found in it, for an endpoint's own rule.</param>
    public string[] TagsFor(string path, RouteValueDictionary route) => [.. Filled(_tags, path, route)];

    /// <remarks>Nothing is stored with a tag that is none, as one of many long values may be.</remarks>
    public IEnumerable<string> InvalidatedBy(string path, RouteValueDictionary route) => Filled(_invalidates, path, route).Where(static tag => TagRules.Problem(tag) is null);

    public bool IsFor(in RuleSubject subject) => rule.IsFor(subject.Method) && IsForHost(subject.Host) && rule.Pattern.IsMatch(subject.Path);

    public bool IsForHost(ReadOnlySpan<char> host)
    {
        if (rule.Hosts.Count == 0) return true;
        foreach (string own in rule.Hosts)
        {
            if (own.StartsWith("*.", StringComparison.Ordinal) ? host.EndsWith(own.AsSpan(1), StringComparison.OrdinalIgnoreCase) : host.Equals(own, StringComparison.OrdinalIgnoreCase)) return true;
        }
        return false;
    }

    /// <summary>Whether the rule lets a response be stored whose headers are final.</summary>
    public bool Accepts(HttpContext context)
    {
        HttpResponse response = context.Response;
        if (rule.Statuses.Count > 0 && !rule.Statuses.Contains(response.StatusCode)) return false;
        if (rule.ContentTypes.Count > 0 && !IsAccepted(response.ContentType)) return false;
        return rule.Condition is not { } condition || condition(context);
    }

    private bool IsAccepted(string? contentType)
    {
        if (!MediaTypeHeaderValue.TryParse(contentType, out MediaTypeHeaderValue? type) || type.MediaType.Value is not { } media) return false;
        foreach (string own in rule.ContentTypes)
            if (own.EndsWith("/*", StringComparison.Ordinal) ? media.StartsWith(own[..^1], StringComparison.OrdinalIgnoreCase) : media.Equals(own, StringComparison.OrdinalIgnoreCase)) return true;
        return false;
    }

    /// <summary>A tag that a path leaves empty names nothing.</summary>
    private IEnumerable<string> Filled(TagTemplate[] templates, string path, RouteValueDictionary route) =>
        templates.Select(tag => tag.For(name => ValueOf(name, path, route))).Where(static tag => tag.Length > 0);

    private string? ValueOf(string name, string path, RouteValueDictionary route) => EndpointMark is null
        ? rule.Pattern.Capture(path, name)
        : EndpointRule.ValueOf(name, route);
}
