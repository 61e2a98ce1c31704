using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Larder.AspNetCore;

/// <summary>The rule that an endpoint's own metadata says, compiled once.</summary>
internal static class EndpointRule
{
    private const int MarkLength = 16;

    private static readonly ConditionalWeakTable<Endpoint, Compiled> All = [];

    /// <summary>One that can't work caches nothing; the check at the start has told so.</summary>
    private static readonly CompiledRule Unusable = new(new() { Pattern = RulePattern.Endpoint, Never = true }) { EndpointMark = "" };

    private sealed record Compiled(CompiledRule Rule, string? Problem);

    /// <summary>The rule of the request's endpoint; null where there is none for such a request, or routing has not taken place yet.</summary>
    public static CompiledRule? Of(HttpContext context)
    {
        if (context.GetEndpoint() is not { } endpoint || endpoint.Metadata.GetMetadata<ICacheRuleMetadata>() is null) return null;
        CompiledRule rule = Find(endpoint).Rule;
        return rule.Rule.IsFor(context.Request.Method) && rule.IsForHost(RuleSubject.HostOf(context.Request.Headers.Host.ToString())) ? rule : null;
    }

    /// <summary>What is wrong with an endpoint's rule or its invalidations; null for nothing.</summary>
    public static string? ProblemOf(Endpoint endpoint)
    {
        if (endpoint.Metadata.GetMetadata<ICacheRuleMetadata>() is not null && Find(endpoint).Problem is { } problem) return problem;
        foreach (IInvalidationMetadata metadata in endpoint.Metadata.GetOrderedMetadata<IInvalidationMetadata>())
            if (InvalidationProblem(metadata, endpoint) is { } wrong) return wrong;
        return null;
    }

    /// <summary>The tags that a successful request of the endpoint ends.</summary>
    public static IEnumerable<string> InvalidatedBy(HttpContext context)
    {
        if (context.GetEndpoint() is not { } endpoint) yield break;
        foreach (IInvalidationMetadata metadata in endpoint.Metadata.GetOrderedMetadata<IInvalidationMetadata>())
        {
            if (InvalidationProblem(metadata, endpoint) is not null) continue;
            foreach (string text in metadata.Tags)
                if (new TagTemplate(text, RulePattern.Endpoint).For(name => ValueOf(name, context.Request.RouteValues)) is { Length: > 0 } tag && TagRules.Problem(tag) is null) yield return tag;
        }
    }

    public static bool Invalidates(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<IInvalidationMetadata>() is not null;

    public static string? ValueOf(string name, RouteValueDictionary route) =>
        Convert.ToString(route.GetValueOrDefault(name), System.Globalization.CultureInfo.InvariantCulture);

    private static Compiled Find(Endpoint endpoint) => All.GetValue(endpoint, static endpoint =>
    {
        try
        {
            CacheRule rule = endpoint.Metadata.GetMetadata<ICacheRuleMetadata>()!.RuleFor(endpoint) with { Pattern = RulePattern.Endpoint };
            if ((RuleProblems.Of(rule) ?? UnknownName(rule.Tags, endpoint)) is { } problem) return new(Unusable, problem);
            return new(new(rule) { EndpointMark = MarkOf(endpoint, rule) }, null);
        }
        catch (Exception e)
        {
            return new(Unusable, e.Message);
        }
    });

    /// <summary>Two endpoints may share a URL (versions by a header), and a rule.</summary>
    private static string MarkOf(Endpoint endpoint, CacheRule rule)
    {
        string route = endpoint is RouteEndpoint { RoutePattern.RawText: var text, Order: var order } ? $"{text} {order}" : "";
        byte[] named = System.Text.Encoding.UTF8.GetBytes($"{endpoint.DisplayName} {route} {Convert.ToHexString(RulesFingerprint.Of(rule))}");
        return Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(named))[..MarkLength];
    }

    private static string? InvalidationProblem(IInvalidationMetadata metadata, Endpoint endpoint)
    {
        try
        {
            foreach (string tag in metadata.Tags) _ = new TagTemplate(tag, RulePattern.Endpoint);
            return UnknownName(metadata.Tags, endpoint);
        }
        catch (ArgumentException e)
        {
            return e.Message;
        }
    }

    /// <summary>A placeholder that the route does not have would leave its tag without what it is about.</summary>
    private static string? UnknownName(IReadOnlyList<string> tags, Endpoint endpoint)
    {
        if (endpoint is not RouteEndpoint { RoutePattern: { } pattern }) return null;
        foreach (string tag in tags)
        {
            foreach (string name in new TagTemplate(tag, RulePattern.Endpoint).Names)
                if (pattern.GetParameter(name) is null && !pattern.RequiredValues.ContainsKey(name)) return $"The tag '{tag}' names '{{{name}}}', which the route '{pattern.RawText}' has not.";
        }
        return null;
    }
}
