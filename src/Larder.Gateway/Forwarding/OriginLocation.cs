using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Larder.Gateway.Forwarding;

/// <summary>
/// Makes absolute URLs of the origin in <c>Location</c> and <c>Content-Location</c> the client's: the origin gets its own
/// Host, so it names itself by an authority that clients may not reach. The rest of the URL stays as it was sent, without
/// the origin's path base; what lies outside the path base, or belongs to another authority, is not touched.
/// </summary>
internal static class OriginLocation
{
    private const StringComparison IgnoreCase = StringComparison.OrdinalIgnoreCase;

    /// <summary>Rewrites the fields of a response whose head has been copied.</summary>
    public static void Rewrite(HttpContext context, OriginAddress origin)
    {
        IHeaderDictionary headers = context.Response.Headers;
        if (headers.Location.Count == 0 && headers.ContentLocation.Count == 0) return;
        if (context.Request.Headers.Host is not [{ Length: > 0 } host]) return;

        string client = $"{context.Request.Scheme}://{host}";
        headers.Location = Rewritten(headers.Location, origin, client);
        headers.ContentLocation = Rewritten(headers.ContentLocation, origin, client);
    }

    /// <summary>The URL as clients reach it; null if it is none of the origin's.</summary>
    public static string? ForClient(string url, OriginAddress origin, string client)
    {
        int slashes = url.IndexOf("//", StringComparison.Ordinal);
        string ownScheme = origin.IsSecure ? "https:" : "http:";
        if (slashes < 0 || !(slashes == 0 || url.AsSpan(0, slashes).Equals(ownScheme, IgnoreCase))) return null;

        ReadOnlySpan<char> rest = url.AsSpan(slashes + 2);
        int end = rest.IndexOfAny("/?#\\");
        ReadOnlySpan<char> authority = end < 0 ? rest : rest[..end];
        ReadOnlySpan<char> target = end < 0 ? default : rest[end..];
        if (!WithoutDefaultPort(authority, origin.IsSecure).Equals(origin.Name.AsSpan(ownScheme.Length + 2), IgnoreCase)) return null;

        if (origin.PathBase.Length == 0) return string.Concat(client, target);
        if (!target.StartsWith(origin.PathBase, StringComparison.Ordinal)) return null;
        target = target[origin.PathBase.Length..];
        return target.IsEmpty || target[0] is '/' or '?' or '#' ? string.Concat(client, target) : null;
    }

    private static StringValues Rewritten(StringValues values, OriginAddress origin, string client) =>
        values is [{ } url] && ForClient(url, origin, client) is { } rewritten ? rewritten : values;

    private static ReadOnlySpan<char> WithoutDefaultPort(ReadOnlySpan<char> authority, bool secure)
    {
        ReadOnlySpan<char> port = secure ? ":443" : ":80";
        if (authority.EndsWith(port, StringComparison.Ordinal)) return authority[..^port.Length];
        return authority.EndsWith(':') ? authority[..^1] : authority;
    }
}
