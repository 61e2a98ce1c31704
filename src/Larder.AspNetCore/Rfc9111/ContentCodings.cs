using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>Which content coding a client gets (RFC 9110 §12.5.3).</summary>
internal static class ContentCodings
{
    public const string Brotli = "br", Gzip = "gzip", Identity = "identity";

    /// <summary>
    /// The coding that the client likes best among those there are; Brotli before gzip before none where it likes them alike. Without the field, or where it takes
    /// none of them, <see cref="Identity"/>: an answer that was not asked for is better than none (§12.5.3).
    /// </summary>
    public static string Choose(StringValues acceptEncoding, bool hasBrotli, bool hasGzip)
    {
        if (acceptEncoding.Count == 0) return Identity;
        int brotli = -1, gzip = -1, identity = -1, any = -1;
        foreach (string? line in acceptEncoding)
        {
            ReadOnlySpan<char> rest = line;
            while (FieldSyntax.NextMember(ref rest, out ReadOnlySpan<char> member))
            {
                int quality = Weight(ref member);
                if (FieldSyntax.Is(member, Brotli)) brotli = quality;
                else if (FieldSyntax.Is(member, Gzip) || FieldSyntax.Is(member, "x-gzip")) gzip = quality;
                else if (FieldSyntax.Is(member, Identity)) identity = quality;
                else if (member is "*") any = quality;
            }
        }
        if (brotli < 0) brotli = any;
        if (gzip < 0) gzip = any;
        // What is not named is taken where nothing better is there (§12.5.3), so it is liked least.
        if (identity < 0) identity = any < 0 ? 0 : any;
        if (hasBrotli && brotli > 0 && brotli >= gzip && brotli >= identity) return Brotli;
        return hasGzip && gzip > 0 && gzip >= identity ? Gzip : Identity;
    }

    /// <summary>The quality in thousandths, taken off the member; 1,000 where there is none, 0 where it is malformed.</summary>
    private static int Weight(ref ReadOnlySpan<char> member)
    {
        int semicolon = member.IndexOf(';');
        if (semicolon < 0) return 1000;
        ReadOnlySpan<char> weight = FieldSyntax.TrimOws(member[(semicolon + 1)..]);
        member = FieldSyntax.TrimOws(member[..semicolon]);
        if (weight is not ['q' or 'Q', '=', '0' or '1', ..] || weight.Length > 7) return 0;
        int quality = (weight[2] - '0') * 1000, unit = 100;
        if (weight.Length == 3) return quality;
        if (weight[3] != '.') return 0;
        foreach (char c in weight[4..])
        {
            if (!char.IsAsciiDigit(c)) return 0;
            quality += (c - '0') * unit;
            unit /= 10;
        }
        return Math.Min(quality, 1000);
    }
}
