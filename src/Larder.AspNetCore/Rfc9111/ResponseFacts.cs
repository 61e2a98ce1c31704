using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>What the decisions of RFC 9111 need to know of one response.</summary>
internal readonly record struct ResponseFacts
{
    /// <summary>The status code.</summary>
    public int Status { get; init; }
    /// <summary>The parsed <c>Cache-Control</c> (§5.2), or the field that is for this cache in its place (RFC 9213).</summary>
    public CacheControl CacheControl { get; init; }
    /// <summary>There is a <c>Cache-Control</c> line, whatever it says, or one for this cache.</summary>
    public bool HasCacheControl { get; init; }
    /// <summary><c>Date</c>; null when absent or invalid (RFC 9110 §6.6.1).</summary>
    public DateTimeOffset? Date { get; init; }
    /// <summary>There is an <c>Expires</c> line, whatever it says.</summary>
    public bool HasExpires { get; init; }
    /// <summary><c>Expires</c> (§5.3); null with <see cref="HasExpires"/> means invalid, so already expired.</summary>
    public DateTimeOffset? Expires { get; init; }
    /// <summary><c>Last-Modified</c>; null when absent or invalid (RFC 9110 §8.8.2).</summary>
    public DateTimeOffset? LastModified { get; init; }
    /// <summary><c>Age</c> in seconds (§5.1); 0 when absent or unusable.</summary>
    public long Age { get; init; }
    /// <summary><c>ETag</c> as written (RFC 9110 §8.8.3); null when absent, empty or given twice.</summary>
    public string? ETag { get; init; }
    /// <summary>There is a <c>Set-Cookie</c> line.</summary>
    public bool HasSetCookie { get; init; }
    /// <summary><c>Vary</c> has a member <c>*</c> (§4.1).</summary>
    public bool HasVaryStar { get; init; }
    /// <summary>There is a <c>Content-Range</c> line: no range may be cut from this response (RFC 9110 §14.4).</summary>
    public bool HasContentRange { get; init; }
    /// <summary><c>Pragma: no-cache</c>, and no <c>Cache-Control</c> (§5.4).</summary>
    public bool PragmaNoCache { get; init; }

    /// <summary>There is an <c>ETag</c> or a <c>Last-Modified</c> to validate with (§4.3.1).</summary>
    public bool HasValidator => ETag is not null || LastModified is not null;

    /// <summary>Reads the facts from a message; <paramref name="now"/> settles two-digit years in dates.</summary>
    /// <param name="status">The status code.</param>
    /// <param name="headers">The fields.</param>
    /// <param name="now">The time.</param>
    /// <param name="targets">The fields that are for this cache (<see cref="TargetedCacheControl"/>); none where null.</param>
    public static ResponseFacts From<THeaders>(int status, THeaders headers, DateTimeOffset now, IList<string>? targets = null)
        where THeaders : struct, IHeaderLookup
    {
        StringValues cacheControl = headers["Cache-Control"];
        CacheControl? targeted = Targeted(headers, targets ?? []);
        StringValues expires = targeted is null ? headers["Expires"] : default;
        StringValues etag = headers["ETag"];
        return new ResponseFacts
        {
            Status = status,
            CacheControl = targeted ?? CacheControl.Parse(cacheControl),
            HasCacheControl = targeted is not null || cacheControl.Count > 0,
            Date = DateOrNull(headers["Date"], now),
            HasExpires = expires.Count > 0,
            Expires = DateOrNull(expires, now),
            LastModified = DateOrNull(headers["Last-Modified"], now),
            Age = AgeHeader.Read(headers["Age"]),
            ETag = etag.Count == 1 && !string.IsNullOrWhiteSpace(etag[0]) ? etag[0]!.Trim(' ', '\t') : null,
            HasSetCookie = headers["Set-Cookie"].Count > 0,
            HasVaryStar = Vary.HasStar(headers["Vary"]),
            HasContentRange = headers["Content-Range"].Count > 0,
            PragmaNoCache = targeted is null && cacheControl.Count == 0 && Pragma.IsNoCache(headers["Pragma"]),
        };
    }

    private static CacheControl? Targeted<THeaders>(THeaders headers, IList<string> targets) where THeaders : struct, IHeaderLookup
    {
        foreach (string name in targets)
            if (TargetedCacheControl.Parse(name, headers[name]) is { } targeted) return targeted;
        return null;
    }

    private static DateTimeOffset? DateOrNull(StringValues values, DateTimeOffset now) =>
        HttpDate.TryParse(values, now, out DateTimeOffset date) ? date : null;
}
