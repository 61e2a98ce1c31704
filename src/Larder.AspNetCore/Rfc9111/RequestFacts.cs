using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>What the decisions of RFC 9111 need to know of one request.</summary>
internal readonly record struct RequestFacts
{
    /// <summary>The parsed <c>Cache-Control</c> (§5.2.1).</summary>
    public CacheControl CacheControl { get; init; }
    /// <summary>There is an <c>Authorization</c> line (§3.5).</summary>
    public bool HasAuthorization { get; init; }
    /// <summary>There is a <c>Cookie</c> line.</summary>
    public bool HasCookie { get; init; }
    /// <summary>The method is HEAD.</summary>
    public bool IsHead { get; init; }
    /// <summary><c>Pragma: no-cache</c>, and no <c>Cache-Control</c> (§5.4).</summary>
    public bool PragmaNoCache { get; init; }

    /// <summary>Reads the facts from a message.</summary>
    public static RequestFacts From<THeaders>(bool isHead, THeaders headers) where THeaders : struct, IHeaderLookup
    {
        StringValues cacheControl = headers["Cache-Control"];
        return new RequestFacts
        {
            CacheControl = CacheControl.Parse(cacheControl),
            HasAuthorization = headers["Authorization"].Count > 0,
            HasCookie = headers["Cookie"].Count > 0,
            IsHead = isHead,
            PragmaNoCache = cacheControl.Count == 0 && Pragma.IsNoCache(headers["Pragma"]),
        };
    }
}
