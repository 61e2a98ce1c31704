using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>
/// Conditional requests that a cache may answer itself (RFC 9110 §13, RFC 9111 §4.3.2): GET and HEAD, from a stored
/// response of status 200 that may be reused.
/// </summary>
internal static class Conditionals
{
    /// <summary>
    /// Whether the client has the stored response already: answer 304. <c>If-None-Match</c> decides when it is there
    /// (§13.1.2, weak comparison, lists, <c>*</c>); else <c>If-Modified-Since</c> (§13.1.3; ignored when invalid).
    /// </summary>
    /// <param name="ifNoneMatch">The request's field.</param>
    /// <param name="ifModifiedSince">The request's field.</param>
    /// <param name="etag">The stored entity tag.</param>
    /// <param name="lastModified">The stored <c>Last-Modified</c>.</param>
    /// <param name="date">
    /// The stored <c>Date</c>, or else when the response was received: stands in for a missing
    /// <paramref name="lastModified"/> (RFC 9111 §4.3.2).
    /// </param>
    /// <param name="now">Settles two-digit years.</param>
    public static bool IsNotModified(
        StringValues ifNoneMatch, StringValues ifModifiedSince, string? etag, DateTimeOffset? lastModified,
        DateTimeOffset? date, DateTimeOffset now)
    {
        if (ifNoneMatch.Count > 0) return AnyMatches(ifNoneMatch, etag);
        return HttpDate.TryParse(ifModifiedSince, now, out DateTimeOffset since)
            && (lastModified ?? date) is { } changed && changed <= since;
    }

    /// <summary>
    /// Whether the request carries <c>If-Match</c> or <c>If-Unmodified-Since</c> (RFC 9110 §13.1.1, §13.1.4). These
    /// guard against lost updates; only the origin can evaluate them and answer 412, so the request goes there.
    /// </summary>
    public static bool IsForOrigin(StringValues ifMatch, StringValues ifUnmodifiedSince) =>
        ifMatch.Count > 0 || ifUnmodifiedSince.Count > 0;

    private static bool AnyMatches(StringValues ifNoneMatch, string? etag)
    {
        if (ifNoneMatch.Count == 1 && FieldSyntax.TrimOws(ifNoneMatch[0]) is "*") return true;
        if (etag is null) return false;
        foreach (string? line in ifNoneMatch)
        {
            ReadOnlySpan<char> rest = line;
            while (EntityTag.Next(ref rest, out ReadOnlySpan<char> tag))
            {
                if (EntityTag.WeakEquals(tag, etag)) return true;
            }
        }
        return false;
    }
}
