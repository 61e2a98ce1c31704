using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>What a <c>Range</c> field comes to.</summary>
internal enum RangeKind : byte
{
    /// <summary>Ignore the field: answer 200 with the whole.</summary>
    None,
    /// <summary>Answer 206 with one range.</summary>
    Satisfiable,
    /// <summary>Answer 416 with <c>Content-Range: bytes */length</c>.</summary>
    Unsatisfiable,
}

/// <summary>What a <c>Range</c> field comes to, given the length of the whole.</summary>
/// <param name="Kind">What to answer with.</param>
/// <param name="First">The first byte, from 0.</param>
/// <param name="Last">The last byte, included.</param>
internal readonly record struct RangeResult(RangeKind Kind, long First = 0, long Last = 0)
{
    /// <summary>How many bytes; 0 unless satisfiable.</summary>
    public long Length => Kind == RangeKind.Satisfiable ? Last - First + 1 : 0;
}

/// <summary>Range requests on a whole stored response (RFC 9110 §14).</summary>
internal static class ByteRange
{
    /// <summary>
    /// Parses the field (§14.1.2, §14.2). Another unit, wrong syntax, more than one range, and a suffix of an empty
    /// body (for which no Content-Range can be written) are ignored: the whole answers them correctly, and cheaply.
    /// </summary>
    public static RangeResult Parse(string? rangeHeader, long length)
    {
        ReadOnlySpan<char> text = FieldSyntax.TrimOws(rangeHeader);
        if (text.Length < 8 || !FieldSyntax.Is(text[..6], "bytes=")) return default;
        text = text[6..];
        int dash = text.IndexOf('-');
        if (dash < 0 || length < 0) return default;

        ReadOnlySpan<char> lastText = text[(dash + 1)..];
        bool hasLast = !lastText.IsEmpty;
        long last = long.MaxValue;
        if (hasLast && !TryPosition(lastText, out last)) return default;
        if (dash == 0) return hasLast ? Suffix(last, length) : default;
        if (!TryPosition(text[..dash], out long first) || first > last) return default;
        if (first >= length) return new(RangeKind.Unsatisfiable);
        return new(RangeKind.Satisfiable, first, Math.Min(last, length - 1));
    }

    /// <summary>
    /// Whether a <c>Range</c> is to be honoured in view of <c>If-Range</c> (§13.1.5): absent, a strong entity tag equal
    /// to the stored one, or exactly the stored Last-Modified where that is a strong validator, which it is when at least
    /// a second older than <c>Date</c> (§8.8.2.2).
    /// </summary>
    public static bool IfRange(
        StringValues ifRange, string? etag, DateTimeOffset? lastModified, DateTimeOffset? date, DateTimeOffset now)
    {
        if (ifRange.Count == 0) return true;
        if (ifRange.Count > 1) return false;
        ReadOnlySpan<char> value = FieldSyntax.TrimOws(ifRange[0]);
        if (value is ['"', ..]) return EntityTag.StrongEquals(value, etag);
        return lastModified is { } modified && date is { } sent && sent - modified >= TimeSpan.FromSeconds(1)
            && HttpDate.TryParse(value, now, out DateTimeOffset wanted) && wanted == modified;
    }

    private static RangeResult Suffix(long count, long length)
    {
        if (count == 0) return new(RangeKind.Unsatisfiable);
        return length == 0 ? default : new(RangeKind.Satisfiable, Math.Max(0, length - count), length - 1);
    }

    /// <summary>Digits; too many count as the greatest position.</summary>
    private static bool TryPosition(ReadOnlySpan<char> digits, out long position)
    {
        position = 0;
        foreach (char c in digits)
        {
            if (!char.IsAsciiDigit(c)) return false;
            int digit = c - '0';
            position = position > (long.MaxValue - digit) / 10 ? long.MaxValue : position * 10 + digit;
        }
        return !digits.IsEmpty;
    }
}
