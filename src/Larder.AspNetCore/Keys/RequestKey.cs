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
/// \ne16:3f0c…                             + the rule, where it is the endpoint's own
/// \nk7:tenant9                           + what a rule's function makes of the request
/// \nb4:POST…64:9f86…                      + method, content fields and the hash of the body, where a rule keys bodies
/// \nu15:LOCAL AUTHORITY3:123             + the user and who vouches for it, for private rules
/// \nv6:accept+9:text/html                 + nominated headers and their values (Vary, and what rules add), cookies each by itself
/// </code>
/// </remarks>
internal static class RequestKey
{
    /// <summary>Longest base key, in characters; Kestrel's own limit for the request line is half of it.</summary>
    public const int MaxLength = 16_384;

    /// <summary>Before the name of a cookie among nominated headers; no header's name has an equals sign.</summary>
    public const string CookiePrefix = "cookie=";

    /// <summary>Headers that change an answer although no Vary names them; see the decision on forwarding headers.</summary>
    private static readonly string[] ForwardingHeaders =
    [
        "Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Scheme", "X-Forwarded-Port", "X-Forwarded-Prefix",
        "X-Forwarded-Server", "X-Forwarded-Ssl", "X-Forwarded-Protocol", "X-Forwarded-Path", "X-Forwarded-Uri", "Front-End-Https",
        "X-Url-Scheme", "X-Host", "X-Original-Host", "X-Original-URL", "X-Rewrite-URL",
        "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",
    ];

    /// <summary>Appends the base key; the part of it that patterns are matched against is the target.</summary>
    /// <param name="context">The request.</param>
    /// <param name="key">Where to.</param>
    /// <param name="withForwardingHeaders">Whether forwarding headers are part of it.</param>
    /// <param name="query">What of the query is part of it.</param>
    /// <param name="target">Where in the key path and query stand.</param>
    /// <returns><see cref="Reason.None"/>, or why the request can't be keyed.</returns>
    public static Reason AppendBase(HttpContext context, ref KeyBuilder key, bool withForwardingHeaders, QueryPolicy query, out Range target)
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
        ReadOnlySpan<char> kept = query.Apply(raw);
        target = key.Length..(key.Length + kept.Length);
        key.Append(kept);
        AppendRewritten(request, raw, query, ref key);
        if (withForwardingHeaders) AppendForwardingHeaders(request.Headers, ref key);
        return Reason.None;
    }

    public static void AppendUser(ref KeyBuilder key, in RequestUser user)
    {
        key.Append("\nu");
        key.AppendPart(user.Issuer);
        key.AppendPart(user.Id);
    }

    public static void AppendEndpoint(ref KeyBuilder key, string mark)
    {
        key.Append("\ne");
        key.AppendPart(mark);
    }

    public static void AppendOwn(ref KeyBuilder key, string text)
    {
        key.Append("\nk");
        key.AppendPart(text);
    }

    public static void AppendBody(ref KeyBuilder key, KeyedBody body)
    {
        key.Append("\nb");
        key.Append(body.Key);
    }

    public static void AppendVariant(ref KeyBuilder key, string[] nominated, IHeaderDictionary headers)
    {
        key.Append("\nv");
        foreach (string name in nominated)
        {
            key.AppendPart(name);
            if (name.StartsWith(CookiePrefix, StringComparison.Ordinal))
            {
                // Each of its values: of a cookie that is there twice some servers take the first and some the last.
                foreach (string cookie in Cookies.All(headers.Cookie, name.AsSpan(CookiePrefix.Length))) key.AppendPart(cookie);
                key.Append('-');
                continue;
            }
            if (Rfc9111.Vary.Normalise(name, headers[name]) is not { } value)
            {
                key.Append('-');
                continue;
            }
            key.Append('+');
            key.AppendPart(value);
        }
    }

    private static void AppendRewritten(HttpRequest request, ReadOnlySpan<char> raw, QueryPolicy policy, ref KeyBuilder key)
    {
        int question = raw.IndexOf('?');
        ReadOnlySpan<char> path = question < 0 ? raw : raw[..question];
        ReadOnlySpan<char> query = question < 0 ? default : raw[question..];
        string seenQuery = request.QueryString.Value ?? "";
        if (!request.PathBase.HasValue && path.SequenceEqual(request.Path.Value) && (query.SequenceEqual(seenQuery) || query is "?" && seenQuery == "")) return;
        key.Append("\np");
        key.AppendPart(request.PathBase.Value);
        key.AppendPart(request.Path.Value);
        key.AppendPart(policy.Apply(seenQuery));
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
