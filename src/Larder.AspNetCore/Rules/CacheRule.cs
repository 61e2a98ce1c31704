using Microsoft.AspNetCore.Http;

namespace Larder.AspNetCore;

/// <summary>Who may be served one stored response.</summary>
public enum RuleScope : byte
{
    /// <summary>Everybody, with the care of RFC 9111: answers to requests with credentials or cookies are shared only if they say so.</summary>
    Shared,
    /// <summary>Everybody: the answer is the same whatever credentials or cookies a request carries.</summary>
    Public,
    /// <summary>Each user has entries of its own; without a known user the request is passed on.</summary>
    Private,
}

/// <summary>What holds for the requests that one pattern matches. Rules are asked in order; the first match wins.</summary>
public sealed record CacheRule
{
    /// <summary>Which paths the rule is for.</summary>
    public required RulePattern Pattern { get; init; }

    /// <summary>Which methods the rule is for; empty means GET and HEAD. Answers to others than these are cached only with a <see cref="Body"/>.</summary>
    public IReadOnlyList<string> Methods { get; init; } = [];

    /// <summary>Which hosts the rule is for, without a port: <c>api.example.com</c>, or <c>*.example.com</c> for all below; empty means all.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>How long answers below 400 are fresh where the origin does not say; null leaves that to RFC 9111 alone.</summary>
    public TimeSpan? Ttl { get; init; }

    /// <summary>How long errors (400 and above) are fresh where the origin does not say; null, the default, keeps only what RFC 9111 does.</summary>
    public TimeSpan? ErrorTtl { get; init; }

    /// <summary>
    /// <see cref="Ttl"/> and <see cref="ErrorTtl"/> hold whatever lifetime the origin gives, <c>no-cache</c> included. What it says about who may be served
    /// (<c>private</c>, <c>no-store</c>, cookies) holds in any case.
    /// </summary>
    public bool OverridesOrigin { get; init; }

    /// <summary>Whether an answer without any lifetime may get one by its Last-Modified (RFC 9111 §4.2.2); on by default.</summary>
    public bool Heuristics { get; init; } = true;

    /// <summary>Who may be served.</summary>
    public RuleScope Scope { get; init; }

    /// <summary>Who the user of a request is, for <see cref="RuleScope.Private"/>; null for <see cref="HttpCacheOptions.User"/>.</summary>
    public UserSource? User { get; init; }

    /// <summary>Nothing is stored or looked up.</summary>
    public bool Never { get; init; }

    /// <summary>What of the query belongs to the key; the origin sees nothing else of it.</summary>
    public QueryPolicy Query { get; init; } = QueryPolicy.AsSent;

    /// <summary>Request headers by which answers differ, beside those that Vary names.</summary>
    public IReadOnlyList<string> VaryByHeaders { get; init; } = [];

    /// <summary>Cookies by which answers differ, one by one; for <see cref="RuleScope.Public"/>, which looks at no others.</summary>
    public IReadOnlyList<string> VaryByCookies { get; init; } = [];

    /// <summary>
    /// What more belongs to the key: a text that the function makes of the request before anything is looked up, or null for nothing. Where it fails, the request is
    /// passed on.
    /// </summary>
    public Func<HttpContext, string?>? VaryBy { get; init; }

    /// <summary>How requests with a body are cached, for methods such as POST and QUERY whose answers depend on it; null for not at all.</summary>
    public BodyKey? Body { get; init; }

    /// <summary>Tags of what is stored; <c>{name}</c> stands for a part of the path: <c>job:{id}</c>.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Tags that a successful request of this rule invalidates; for rules whose methods write.</summary>
    public IReadOnlyList<string> Invalidates { get; init; } = [];

    /// <summary>How long a stale answer may stand in for an error, where the response does not say.</summary>
    public TimeSpan? StaleIfError { get; init; }

    /// <summary>How long a stale answer may be served while a new one is fetched in the background, where the response does not say.</summary>
    public TimeSpan? StaleWhileRevalidate { get; init; }

    /// <summary>The <c>Cache-Control</c> that clients get in the place of the origin's; null leaves that as it is.</summary>
    public string? CacheControl { get; init; }

    /// <summary>The status codes that are stored; empty means all that RFC 9111 and the rule's other members allow.</summary>
    public IReadOnlyList<int> Statuses { get; init; } = [];

    /// <summary>The media types that are stored, without parameters: <c>application/json</c>, <c>text/*</c>; empty means all.</summary>
    public IReadOnlyList<string> ContentTypes { get; init; } = [];

    /// <summary>Whether an answer may be stored, asked when its headers are final; null for yes. What it throws counts as no.</summary>
    public Func<HttpContext, bool>? Condition { get; init; }

    /// <summary>Largest body that is stored, in bytes; null for <see cref="HttpCacheOptions.MaxBodyBytes"/>, which is never exceeded.</summary>
    public long? MaxBodyBytes { get; init; }

    /// <summary>Whether stored bodies are compressed here, where the origin has not done so and it saves more than a tenth; null for <see cref="HttpCacheOptions.Compress"/>.</summary>
    public bool? Compress { get; init; }

    internal bool IsFor(string method)
    {
        if (Methods.Count == 0) return HttpMethods.IsGet(method) || HttpMethods.IsHead(method);
        foreach (string own in Methods)
            if (HttpMethods.Equals(own, method)) return true;
        return false;
    }
}
