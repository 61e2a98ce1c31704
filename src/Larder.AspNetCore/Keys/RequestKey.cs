using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>
/// The cache key of a request: injective over everything the origin sees of method, scheme, authority, path and
/// query. GET and HEAD share a key; no other method is cached.
/// </summary>
/// <remarks>
/// A key is the URL as it was sent, so that people can read it, followed by parts that each begin with a line feed,
/// which no URL contains:
/// <code>
/// http://example.com/jobs?page=2          the base key
/// \np3:/v25:/jobs10:?page=2               + path base, path and query, where earlier middleware changed them
/// \nf16:X-Forwarded-Host8:evil.org        + forwarding headers, where an origin may act on them
/// \nu15:LOCAL AUTHORITY3:123             + the user and who vouches for it, for private rules
/// \nv6:accept+9:text/html                 + nominated headers and their values (Vary)
/// </code>
/// </remarks>
internal static class RequestKey
{
    /// <summary>Longest base key, in characters; Kestrel's own limit for the request line is half of it.</summary>
    public const int MaxLength = 16_384;

    /// <summary>Headers that change an answer although no Vary names them; see the decision on forwarding headers.</summary>
    private static readonly string[] ForwardingHeaders =
    [
        "Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Forwarded-Port", "X-Forwarded-Prefix",
        "X-Forwarded-Server", "X-Forwarded-Ssl", "X-Forwarded-Protocol", "X-Forwarded-Path", "X-Forwarded-Uri", "Front-End-Https",
        "X-Url-Scheme", "X-Host", "X-Original-Host", "X-Original-URL", "X-Rewrite-URL",
        "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",
    ];

    /// <summary>Appends the base key; the part of it that patterns are matched against is the target.</summary>
    /// <returns><see cref="Reason.None"/>, or why the request can't be keyed.</returns>
    public static Reason AppendBase(HttpContext context, ref KeyBuilder key, bool withForwardingHeaders, out Range target)
    {
        HttpRequest request = context.Request;
        ReadOnlySpan<char> raw = RequestTarget.Of(context);
        StringValues host = request.Headers.Host;
        target = default;
        if (raw.IsEmpty || host.Count > 1) return Reason.BypassUnkeyed;
        ReadOnlySpan<char> authority = host.Count == 0 ? default : host[0];
        if (authority.Contains('/') || authority.ContainsAnyInRange('\0', ' ') || raw.ContainsAnyInRange('\0', ' ')) return Reason.BypassUnkeyed;
        if (raw.Length + authority.Length > MaxLength) return Reason.BypassLimit;

        UrlOrigin.Append(ref key, request.Scheme, authority);
        target = key.Length..(key.Length + raw.Length);
        key.Append(raw);
        AppendRewritten(request, raw, ref key);
        if (withForwardingHeaders) AppendForwardingHeaders(request.Headers, ref key);
        return Reason.None;
    }

    public static void AppendUser(ref KeyBuilder key, in RequestUser user)
    {
        key.Append("\nu");
        key.AppendPart(user.Issuer);
        key.AppendPart(user.Id);
    }

    public static void AppendVariant(ref KeyBuilder key, string[] nominated, IHeaderDictionary headers)
    {
        key.Append("\nv");
        foreach (string name in nominated)
        {
            key.AppendPart(name);
            if (Rfc9111.Vary.Normalise(name, headers[name]) is not { } value)
            {
                key.Append('-');
                continue;
            }
            key.Append('+');
            key.AppendPart(value);
        }
    }

    private static void AppendRewritten(HttpRequest request, ReadOnlySpan<char> raw, ref KeyBuilder key)
    {
        int question = raw.IndexOf('?');
        ReadOnlySpan<char> path = question < 0 ? raw : raw[..question];
        ReadOnlySpan<char> query = question < 0 ? default : raw[question..];
        string seenQuery = request.QueryString.Value ?? "";
        if (!request.PathBase.HasValue && path.SequenceEqual(request.Path.Value) && (query.SequenceEqual(seenQuery) || query is "?" && seenQuery == "")) return;
        key.Append("\np");
        key.AppendPart(request.PathBase.Value);
        key.AppendPart(request.Path.Value);
        key.AppendPart(seenQuery);
    }

    private static void AppendForwardingHeaders(IHeaderDictionary headers, ref KeyBuilder key)
    {
        foreach (string name in ForwardingHeaders)
        {
            StringValues values = headers[name];
            if (values.Count == 0) continue;
            key.Append("\nf");
            key.AppendPart(name);
            foreach (string? value in values) key.AppendPart(value);
        }
    }
}
