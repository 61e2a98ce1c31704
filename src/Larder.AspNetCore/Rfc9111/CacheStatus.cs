using System.Globalization;
using System.Text;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>Writes one member of the <c>Cache-Status</c> field (RFC 9211 §2).</summary>
internal static class CacheStatus
{
    private const string Name = "larder";

    /// <summary>Answered from the cache; <paramref name="ttlSeconds"/> is negative when the response is stale (§2.4).</summary>
    public static string Hit(long ttlSeconds) =>
        string.Create(CultureInfo.InvariantCulture, $"{Name}; hit; ttl={InRange(ttlSeconds)}");

    /// <summary>As <see cref="Hit(long)"/>, with a detail (§2.8).</summary>
    public static string Hit(long ttlSeconds, string detail) => AppendDetail(new StringBuilder(Hit(ttlSeconds)), detail);

    /// <summary>Went to the origin.</summary>
    /// <param name="fwd">Why (§2.2), see <see cref="FwdFor"/>.</param>
    /// <param name="fwdStatus">What the origin answered, where that differs from what the client gets or is of interest (§2.3).</param>
    /// <param name="stored">The answer was stored (§2.5).</param>
    /// <param name="collapsed">The request waited for another's answer (§2.6).</param>
    /// <param name="detail">The <see cref="Reason"/>'s written form, or another word; none when empty (§2.8).</param>
    public static string Forwarded(string fwd, int? fwdStatus, bool stored, bool collapsed, string detail)
    {
        var text = new StringBuilder(Name, 96).Append("; fwd=").Append(fwd);
        if (fwdStatus is { } status) text.Append(CultureInfo.InvariantCulture, $"; fwd-status={status}");
        if (stored) text.Append("; stored");
        if (collapsed) text.Append("; collapsed");
        return AppendDetail(text, detail);
    }

    /// <summary>The token that says why a request was forwarded (§2.2).</summary>
    public static string FwdFor(Reason reason) => reason switch
    {
        Reason.BypassMethod => "method",
        >= Reason.BypassMethod and <= Reason.BypassLimit => "bypass",
        Reason.MissCold or Reason.MissEvicted => "uri-miss",
        Reason.MissVary => "vary-miss",
        Reason.MissRequest => "request",
        Reason.MissExpired or Reason.MissValidate or Reason.Revalidated or Reason.Stale or Reason.StaleError => "stale",
        _ => "miss",
    };

    /// <summary>An Integer of Structured Fields has at most 15 digits (RFC 9651 §3.3.1).</summary>
    private static long InRange(long value) => Math.Clamp(value, -999_999_999_999_999, 999_999_999_999_999);

    /// <summary>Adds a Token, or a String without whatever a String can't hold (RFC 9651 §3.3.3, §3.3.4).</summary>
    private static string AppendDetail(StringBuilder text, string detail)
    {
        if (string.IsNullOrEmpty(detail)) return text.ToString();
        text.Append("; detail=");
        if (FieldSyntax.IsToken(detail) && (char.IsAsciiLetter(detail[0]) || detail[0] == '*')) return text.Append(detail).ToString();
        text.Append('"');
        foreach (char c in detail)
        {
            if (c is < ' ' or > '~') continue;
            if (c is '"' or '\\') text.Append('\\');
            text.Append(c);
        }
        return text.Append('"').ToString();
    }
}
