using System.Buffers;
using System.Collections.Frozen;

namespace Larder.Gateway.Forwarding;

/// <summary>Which header fields stay on one hop, which are not believed, and which no <c>Connection</c> field may remove.</summary>
internal static class HeaderRules
{
    private const StringComparison IgnoreCase = StringComparison.OrdinalIgnoreCase;

    private static readonly FrozenSet<string> HopByHop = Set(
        "Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "HTTP2-Settings");

    private static readonly FrozenSet<string> Untrusted = Set(
        "Forwarded", "Proxy", "X-Real-IP", "X-Host", "X-Original-URL", "X-Rewrite-URL", "X-Original-Host",
        "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override");

    private static readonly FrozenSet<string> Protected = Set(
        "Host", "Authorization", "Cookie", "Set-Cookie", "Cache-Control", "CDN-Cache-Control", "Surrogate-Control", "Surrogate-Key",
        "Cache-Tag", "Cache-Status", "Pragma", "Age", "Via", "Date", "Expires", "Vary", "ETag", "Last-Modified", "Location",
        "Range", "Origin", "Referer", "User-Agent", "Expect", "Max-Forwards", "Forwarded", "X-Real-IP", "WWW-Authenticate",
        "Authentication-Info", "Retry-After", "Allow", "Link", "Strict-Transport-Security", "Clear-Site-Data", "Server", "Traceparent", "Tracestate");

    private static readonly string[] ProtectedPrefixes = ["Content-", "If-", "Accept", "Access-Control-", "X-Forwarded-", "Sec-"];

    private static readonly SearchValues<char> Controls = SearchValues.Create(
        Enumerable.Range(0, 0x20).Append(0x7F).Select(c => (char)c).Where(c => c != '\t').ToArray());

    /// <summary>Whether a field belongs to one connection only. <c>Proxy-Status</c> (RFC 9209) is for everyone.</summary>
    public static bool IsHopByHop(string name) =>
        HopByHop.Contains(name) || (name.StartsWith("Proxy-", IgnoreCase) && !name.Equals("Proxy-Status", IgnoreCase));

    /// <summary>
    /// Whether a request field tells the origin something that only a trusted proxy may tell. An underscore counts as a
    /// hyphen, because CGI and its kin do not tell them apart.
    /// </summary>
    public static bool IsUntrusted(string name)
    {
        if (name.Contains('_', StringComparison.Ordinal)) name = name.Replace('_', '-');
        return Untrusted.Contains(name) || name.StartsWith("X-Forwarded-", IgnoreCase);
    }

    /// <summary>Whether a field is meant for every recipient, so that naming it in <c>Connection</c> is an attack or an error.</summary>
    public static bool IsProtected(string name)
    {
        if (Protected.Contains(name)) return true;
        foreach (string prefix in ProtectedPrefixes)
        {
            if (name.StartsWith(prefix, IgnoreCase)) return true;
        }
        return false;
    }

    /// <summary>Whether a value contains a control character other than a tab.</summary>
    public static bool HasControl(string? value) => value is not null && value.AsSpan().ContainsAny(Controls);

    /// <summary>The members of a comma-separated list of tokens over all its lines, without parameters and white space.</summary>
    public static IEnumerable<string> Tokens(IEnumerable<string?> lines)
    {
        foreach (string? line in lines)
        {
            if (line is null) continue;
            foreach (string member in line.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                yield return member;
        }
    }

    /// <summary>Whether a comma-separated list has a member, whatever its case.</summary>
    public static bool HasToken(IEnumerable<string?> lines, string token)
    {
        foreach (string member in Tokens(lines))
        {
            if (member.Equals(token, IgnoreCase)) return true;
        }
        return false;
    }

    private static FrozenSet<string> Set(params string[] names) => names.ToFrozenSet(StringComparer.OrdinalIgnoreCase);
}
