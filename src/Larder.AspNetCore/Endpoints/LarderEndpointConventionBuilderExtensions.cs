using Larder.AspNetCore;
using Microsoft.AspNetCore.Http;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Says at an endpoint, or for a group of them, how responses are cached.</summary>
public static class LarderEndpointConventionBuilderExtensions
{
    /// <summary>Caches the responses of the endpoint, for <paramref name="ttl"/> where they do not say themselves.</summary>
    /// <param name="builder">The endpoint, or a group of them.</param>
    /// <param name="ttl">How long a response is fresh: 1 second to 365 days.</param>
    /// <param name="tags">Tags; <c>{name}</c> stands for a route value.</param>
    /// <exception cref="ArgumentException">The lifetime or a tag is not allowed.</exception>
    public static TBuilder CacheResponse<TBuilder>(this TBuilder builder, TimeSpan ttl, params string[] tags) where TBuilder : IEndpointConventionBuilder =>
        builder.CacheResponse(rule => rule with { Ttl = ttl, Tags = tags });

    /// <summary>Caches the responses of the endpoint by a rule.</summary>
    /// <param name="builder">The endpoint, or a group of them.</param>
    /// <param name="configure">The rule, made from one that leaves all to the response's own headers: <c>rule => rule with { … }</c>.</param>
    /// <exception cref="ArgumentException">The rule can't work; the message says why.</exception>
    public static TBuilder CacheResponse<TBuilder>(this TBuilder builder, Func<CacheRule, CacheRule> configure) where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(configure);
        CacheRule rule = configure(new() { Pattern = RulePattern.Endpoint }) with { Pattern = RulePattern.Endpoint };
        if (RuleProblems.Of(rule) is { } problem) throw new ArgumentException($"The rule can't work: {problem}", nameof(configure));
        _ = new CompiledRule(rule);
        return builder.WithMetadata(new CacheRuleMetadata(rule));
    }

    /// <summary>After a successful request of the endpoint, what has one of the tags is no longer served. It ends before the response leaves.</summary>
    /// <param name="builder">The endpoint, or a group of them.</param>
    /// <param name="tags">Tags; <c>{name}</c> stands for a route value.</param>
    /// <exception cref="ArgumentException">A tag is not allowed.</exception>
    public static TBuilder InvalidatesCache<TBuilder>(this TBuilder builder, params string[] tags) where TBuilder : IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(tags);
        foreach (string tag in tags) _ = new TagTemplate(tag, RulePattern.Endpoint);
        return builder.WithMetadata(new InvalidatesCacheAttribute(tags));
    }

    private sealed class CacheRuleMetadata(CacheRule rule) : ICacheRuleMetadata
    {
        public CacheRule RuleFor(Endpoint endpoint) => rule;
    }
}
