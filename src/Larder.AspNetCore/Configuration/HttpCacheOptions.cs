using Microsoft.AspNetCore.Http;

namespace Larder.AspNetCore;

/// <summary>How HTTP responses are cached.</summary>
public sealed class HttpCacheOptions
{
    /// <summary>Rules in order; the first match wins. Without a rule RFC 9111 alone decides.</summary>
    public IList<CacheRule> Rules { get; } = [];

    /// <summary>Largest body that is stored, in bytes; larger ones pass through. 64 MiB by default.</summary>
    public long MaxBodyBytes { get; set; } = 64L << 20;

    /// <summary>
    /// How long a response is kept beyond its freshness: to be validated, or served while the origin can't be reached
    /// where the response allows it. One hour by default.
    /// </summary>
    public TimeSpan KeepStale { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// Who the user of a request is, for rules with <see cref="RuleScope.Private"/>; null where nobody is known. By
    /// default the name identifier of the authenticated <see cref="HttpContext.User"/>.
    /// </summary>
    public Func<HttpContext, string?>? User { get; set; }

    /// <summary>
    /// Also caches answers such as 400 and 431 that an odd request got (a large or strange header, a range, a private <c>X-</c> field), and which it may have
    /// provoked for all others; off by default. What an ordinary request got is cached as the origin declares in any case.
    /// </summary>
    public bool CacheProvocableErrors { get; set; }

    /// <summary>
    /// The response fields that are for this cache and decide in the place of <c>Cache-Control</c> and <c>Expires</c>, the most specific first (RFC 9213). By default
    /// <c>Larder-Cache-Control</c>, <c>CDN-Cache-Control</c> and <c>Surrogate-Control</c>; without any, <c>Cache-Control</c> alone counts.
    /// </summary>
    public IList<string> CacheControlTargets { get; } = [.. Rfc9111.TargetedCacheControl.DefaultTargets];

    /// <summary>
    /// The response fields whose words, between commas and blanks, are tags. They are taken out of responses before clients get them. By default <c>Surrogate-Key</c>,
    /// <c>Cache-Tag</c>, <c>xkey</c> and <c>Edge-Cache-Tag</c>. <c>Cache-Groups</c> (RFC 9875) counts in any case.
    /// </summary>
    public IList<string> TagHeaders { get; } = [.. ResponseTags.DefaultHeaders];

    /// <summary>Whether an answer without any lifetime may get one by its Last-Modified (RFC 9111 §4.2.2); on by default.</summary>
    public bool Heuristics { get; set; } = true;

    /// <summary>Whether stored bodies are compressed here, where the origin has not done so and it saves more than a tenth; off by default.</summary>
    public bool Compress { get; set; }

    /// <summary>Who may purge by the method <c>PURGE</c>; null, the default, where such requests are the application's, as any other.</summary>
    public PurgeOptions? Purge { get; set; }

    /// <summary>
    /// The header by which clients see their own writes on every node: the answer to a write carries a token in it, and a request that carries
    /// it is not answered with anything older. Off where null, which is the default; <c>Larder-Position</c> is a good name.
    /// </summary>
    /// <remarks>It is taken out of every request and of what the origin answers, and no part of keys.</remarks>
    public string? PositionHeader { get; set; }

    /// <summary>How long a request waits for a position before it is passed on to the origin: 0 to 10 seconds, 100 ms by default.</summary>
    public TimeSpan PositionPatience { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Pages that are put together from fragments (ESI); off by default.</summary>
    public EsiOptions Esi { get; } = new();

    /// <summary>Something in front takes forwarding headers out of requests, so that they need not be part of the key.</summary>
    internal bool ForwardingHeadersAreStripped { get; set; }

    /// <summary>Caches what the path matches, for <paramref name="ttl"/> where the origin does not say.</summary>
    public HttpCacheOptions Cache(string pathTemplate, TimeSpan ttl, RuleScope scope = RuleScope.Shared, params string[] tags)
    {
        Rules.Add(new() { Pattern = RulePattern.Path(pathTemplate), Ttl = ttl, Scope = scope, Tags = tags });
        return this;
    }

    /// <summary>Never caches what the glob matches.</summary>
    public HttpCacheOptions Never(string glob)
    {
        Rules.Add(new() { Pattern = RulePattern.Glob(glob), Never = true });
        return this;
    }

    /// <summary>After a successful request of this method and path, what has one of the tags is no longer served.</summary>
    public HttpCacheOptions Invalidate(string method, string pathTemplate, params string[] tags)
    {
        Rules.Add(new() { Pattern = RulePattern.Path(pathTemplate), Methods = [method], Invalidates = tags });
        return this;
    }
}
