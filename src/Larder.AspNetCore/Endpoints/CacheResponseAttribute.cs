using Microsoft.AspNetCore.Http;

namespace Larder.AspNetCore;

/// <summary>Found among an endpoint's metadata: how its responses are cached. Where there are several, the last one counts.</summary>
public interface ICacheRuleMetadata
{
    /// <summary>The rule; its pattern is <see cref="RulePattern.Endpoint"/>, whose tags may name route values.</summary>
    /// <param name="endpoint">The endpoint that it is for.</param>
    CacheRule RuleFor(Endpoint endpoint);
}

/// <summary>Found among an endpoint's metadata: what a successful request of it ends.</summary>
public interface IInvalidationMetadata
{
    /// <summary>Tags; <c>{name}</c> stands for a route value.</summary>
    IReadOnlyList<string> Tags { get; }
}

/// <summary>
/// Caches the responses of an action, a controller or a handler, on the lines of a <see cref="CacheRule"/>. What takes code, a key or a condition, is said by a
/// derived attribute.
/// </summary>
/// <param name="seconds">How long a response is fresh where it does not say itself; 0 leaves that to its own headers.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public class CacheResponseAttribute(int seconds = 0) : Attribute, ICacheRuleMetadata
{
    /// <summary>How long a response is fresh, in seconds, where it does not say itself; 0 for not said.</summary>
    public int Seconds { get; } = seconds;

    /// <summary>Whom a response is for.</summary>
    public RuleScope Scope { get; init; }

    /// <summary>Tags; <c>{name}</c> stands for a route value.</summary>
    public string[] Tags { get; init; } = [];

    /// <summary>The only parameters of the query that belong to the key, and that the endpoint sees; null for the whole query. None where empty.</summary>
    public string[]? Query { get; init; }

    /// <summary>Request headers by which responses differ.</summary>
    public string[] VaryByHeaders { get; init; } = [];

    /// <summary>Cookies by which responses differ, for <see cref="RuleScope.Public"/>.</summary>
    public string[] VaryByCookies { get; init; } = [];

    /// <summary>How long a stale response is served while a new one is made, in seconds.</summary>
    public int StaleWhileRevalidateSeconds { get; init; }

    /// <summary>How long a stale response stands in for an error, in seconds.</summary>
    public int StaleIfErrorSeconds { get; init; }

    /// <inheritdoc/>
    public virtual CacheRule RuleFor(Endpoint endpoint) => new()
    {
        Pattern = RulePattern.Endpoint,
        Ttl = Seconds == 0 ? null : TimeSpan.FromSeconds(Seconds),
        Scope = Scope,
        Tags = Tags,
        Query = Query is null ? QueryPolicy.AsSent : QueryPolicy.Only(Query),
        VaryByHeaders = VaryByHeaders,
        VaryByCookies = VaryByCookies,
        StaleWhileRevalidate = StaleWhileRevalidateSeconds == 0 ? null : TimeSpan.FromSeconds(StaleWhileRevalidateSeconds),
        StaleIfError = StaleIfErrorSeconds == 0 ? null : TimeSpan.FromSeconds(StaleIfErrorSeconds),
        VaryBy = KeyOf,
        Condition = MayStore,
    };

    /// <summary>What more belongs to the key; nothing unless overridden.</summary>
    protected virtual string? KeyOf(HttpContext context) => null;

    /// <summary>Whether a response may be stored, asked when its headers are final; yes unless overridden.</summary>
    protected virtual bool MayStore(HttpContext context) => true;
}

/// <summary>After a successful request of the endpoint, what has one of the tags is no longer served. It ends before the response leaves.</summary>
/// <param name="tags">Tags; <c>{name}</c> stands for a route value.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method, AllowMultiple = true)]
public sealed class InvalidatesCacheAttribute(params string[] tags) : Attribute, IInvalidationMetadata
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Tags { get; } = tags;
}
