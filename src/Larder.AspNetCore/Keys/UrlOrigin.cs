using Microsoft.AspNetCore.Http;

namespace Larder.AspNetCore;

/// <summary>
/// Scheme and authority in the one spelling under which reads are keyed and writes invalidate: the host in lower case,
/// without the scheme's own port (RFC 9110 §4.2.3).
/// </summary>
internal static class UrlOrigin
{
    public static void Append(ref KeyBuilder key, string scheme, ReadOnlySpan<char> authority)
    {
        key.Append(scheme);
        key.Append("://");
        if (scheme == "http" && authority.EndsWith(":80", StringComparison.Ordinal)) authority = authority[..^3];
        else if (scheme == "https" && authority.EndsWith(":443", StringComparison.Ordinal)) authority = authority[..^4];
        foreach (char c in authority) key.Append(char.ToLowerInvariant(c));
    }

    public static string Of(HttpRequest request)
    {
        var key = new KeyBuilder(stackalloc char[128]);
        Append(ref key, request.Scheme, request.Headers.Host.ToString());
        string origin = key.ToString();
        key.Dispose();
        return origin;
    }
}
