using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>How a 304 brings a stored response up to date (RFC 9111 §3.2, §4.3.4).</summary>
internal static class Freshening
{
    /// <summary>
    /// Whether the field of a 304 replaces the stored one. Not so: what belongs to the stored body (its length, coding,
    /// range, digests, entity tag), hop-by-hop fields, and cookies, which are the asking client's alone.
    /// </summary>
    /// <remarks>Content-Type is replaced: it may be corrected without the body changing.</remarks>
    public static bool MayUpdate(string headerName) => !HopByHop.IsHopByHop(headerName) && headerName.Length switch
    {
        4 => !FieldSyntax.Is(headerName, "ETag"),
        6 => !FieldSyntax.Is(headerName, "Digest"),
        10 => !FieldSyntax.Is(headerName, "Set-Cookie"),
        11 => !FieldSyntax.Is(headerName, "Content-MD5") && !FieldSyntax.Is(headerName, "Repr-Digest"),
        13 => !FieldSyntax.Is(headerName, "Content-Range"),
        14 => !FieldSyntax.Is(headerName, "Content-Length") && !FieldSyntax.Is(headerName, "Content-Digest"),
        16 => !FieldSyntax.Is(headerName, "Content-Encoding"),
        _ => true,
    };

    /// <summary>
    /// Whether a 304 nominates other headers than the stored response does (§4.1): the stored response then sits under
    /// the wrong key and must be dropped, not freshened. A 304 without <c>Vary</c> changes nothing.
    /// </summary>
    public static bool ChangesVary(StringValues stored, StringValues received)
    {
        if (received.Count == 0) return false;
        return !Vary.TryParse(received, out string[] now) || !Vary.TryParse(stored, out string[] before)
            || !now.AsSpan().SequenceEqual(before);
    }
}
