using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>Whether a response's headers let its body be compressed on its way (RFC 9110 §7.7).</summary>
internal static class Compressibility
{
    private static readonly string[] Types =
    [
        "application/json", "application/javascript", "application/xml", "application/x-ndjson", "application/wasm", "application/manifest+json", "image/svg+xml", "image/bmp", "font/ttf", "font/otf",
    ];

    /// <summary>Not what is coded already, is a part, has a digest of its bytes, or must not be transformed; and only types that gain by it.</summary>
    public static bool MayCompress(List<KeyValuePair<string, StringValues>> headers)
    {
        var fields = new StoredHeaderLookup(headers);
        foreach (string name in (ReadOnlySpan<string>)["Content-Encoding", "Content-Range", "Content-Digest", "Content-MD5", "Digest"])
            if (fields[name].Count > 0) return false;
        return !CacheControl.Parse(fields["Cache-Control"]).NoTransform && IsText(fields["Content-Type"].ToString());
    }

    private static bool IsText(string contentType)
    {
        int parameters = contentType.IndexOf(';', StringComparison.Ordinal);
        ReadOnlySpan<char> type = FieldSyntax.TrimOws(parameters < 0 ? contentType : contentType.AsSpan(0, parameters));
        if (type.StartsWith("text/", StringComparison.OrdinalIgnoreCase)) return !FieldSyntax.Is(type, "text/event-stream");
        if (type.EndsWith("+json", StringComparison.OrdinalIgnoreCase) || type.EndsWith("+xml", StringComparison.OrdinalIgnoreCase)) return true;
        foreach (string own in Types)
            if (FieldSyntax.Is(type, own)) return true;
        return false;
    }
}
