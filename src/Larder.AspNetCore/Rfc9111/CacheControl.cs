using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>
/// The <c>Cache-Control</c> field of a request or a response (RFC 9111 §5.2, RFC 5861, RFC 8246), parsed once.
/// </summary>
/// <remarks>
/// Several lines are one list. A directive that occurs twice counts as it was first written (§4.2.1). What restricts is
/// honoured even with a malformed argument; what permits is not.
/// </remarks>
internal readonly record struct CacheControl
{
    /// <summary><c>no-store</c> (§5.2.1.5, §5.2.2.5).</summary>
    public bool NoStore { get; init; }
    /// <summary><c>no-cache</c> without field names (§5.2.1.4, §5.2.2.4).</summary>
    public bool NoCache { get; init; }
    /// <summary><c>private</c> without field names (§5.2.2.7).</summary>
    public bool Private { get; init; }
    /// <summary><c>public</c> (§5.2.2.9).</summary>
    public bool Public { get; init; }
    /// <summary><c>must-revalidate</c> (§5.2.2.2).</summary>
    public bool MustRevalidate { get; init; }
    /// <summary><c>proxy-revalidate</c> (§5.2.2.8).</summary>
    public bool ProxyRevalidate { get; init; }
    /// <summary><c>must-understand</c> (§5.2.2.3).</summary>
    public bool MustUnderstand { get; init; }
    /// <summary><c>no-transform</c> (§5.2.1.6, §5.2.2.6).</summary>
    public bool NoTransform { get; init; }
    /// <summary><c>immutable</c> (RFC 8246).</summary>
    public bool Immutable { get; init; }
    /// <summary><c>only-if-cached</c> (§5.2.1.7).</summary>
    public bool OnlyIfCached { get; init; }

    /// <summary>The fields named by <c>no-cache="…"</c>, as written, or null (§5.2.2.4).</summary>
    public string[]? NoCacheFields { get; init; }
    /// <summary>The fields named by <c>private="…"</c>, as written, or null (§5.2.2.7).</summary>
    public string[]? PrivateFields { get; init; }

    /// <summary><c>max-age</c> in seconds (§5.2.1.1, §5.2.2.1); 0 when the argument is invalid (§4.2.1).</summary>
    public long? MaxAge { get; init; }
    /// <summary><c>s-maxage</c> in seconds (§5.2.2.10); 0 when the argument is invalid (§4.2.1).</summary>
    public long? SMaxAge { get; init; }
    /// <summary><c>min-fresh</c> in seconds (§5.2.1.3); null when absent or invalid.</summary>
    public long? MinFresh { get; init; }
    /// <summary><c>stale-while-revalidate</c> in seconds (RFC 5861 §3); null when absent or invalid.</summary>
    public long? StaleWhileRevalidate { get; init; }
    /// <summary><c>stale-if-error</c> in seconds (RFC 5861 §4); null when absent or invalid.</summary>
    public long? StaleIfError { get; init; }

    /// <summary><c>max-stale</c> is there and valid (§5.2.1.2).</summary>
    public bool MaxStale { get; init; }
    /// <summary>The argument of <c>max-stale</c> in seconds; null means any staleness.</summary>
    public long? MaxStaleSeconds { get; init; }

    /// <summary>Parses all lines of the field. Linear in their length; never throws.</summary>
    public static CacheControl Parse(StringValues values)
    {
        if (values.Count == 0) return default;
        var directives = new CacheControlBuilder();
        foreach (string? line in values)
        {
            foreach (CacheDirective directive in new CacheDirectives(line))
                directives.Add(directive);
        }
        return directives.Build();
    }
}
