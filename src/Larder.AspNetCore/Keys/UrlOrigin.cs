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

    /// <summary>An absolute URL that somebody has typed, in the spelling of keys; null where it is none.</summary>
    /// <remarks>What follows the authority stays as it is: keys have it as clients sent it.</remarks>
    public static string? Spelt(string url)
    {
        int end = url.IndexOf("://", StringComparison.Ordinal);
        if (end < 0 || url[..end].ToLowerInvariant() is not (("http" or "https") and var scheme) || url.AsSpan().ContainsAnyInRange('\0', ' ') || url.Contains('#')) return null;
        string rest = url[(end + 3)..];
        int target = rest.AsSpan().IndexOfAny('/', '?');
        string authority = target < 0 ? rest : rest[..target];
        if (authority.Length == 0 || authority.Contains('@')) return null;
        var key = new KeyBuilder(stackalloc char[256]);
        Append(ref key, scheme, authority);
        if (target < 0 || rest[target] == '?') key.Append("/");
        if (target >= 0) key.Append(rest.AsSpan(target));
        string spelt = key.ToString();
        key.Dispose();
        return spelt;
    }

    /// <summary>A URL without what follows a question mark.</summary>
    public static string WithoutQuery(string url)
    {
        int question = url.IndexOf('?', StringComparison.Ordinal);
        return question < 0 ? url : url[..question];
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
