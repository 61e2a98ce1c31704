using System.Globalization;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>Which part of a representation a 206 holds (RFC 9110 §14.4).</summary>
/// <param name="First">The first byte, from 0.</param>
/// <param name="Length">How many bytes.</param>
/// <param name="Total">How many bytes the whole has.</param>
internal readonly record struct ContentRange(long First, long Length, long Total)
{
    public long End => First + Length;

    public bool IsWhole => First == 0 && Length == Total;

    /// <summary>Reads the field; null for what is no range of bytes of a whole whose length is known.</summary>
    public static ContentRange? Parse(StringValues field)
    {
        if (field.Count != 1 || field[0] is not { } text || !text.StartsWith("bytes ", StringComparison.OrdinalIgnoreCase)) return null;
        ReadOnlySpan<char> range = FieldSyntax.TrimOws(text.AsSpan(6));
        int dash = range.IndexOf('-'), slash = range.IndexOf('/');
        if (dash < 0 || slash < dash || !TryNumber(range[..dash], out long first) || !TryNumber(range[(dash + 1)..slash], out long last) || !TryNumber(range[(slash + 1)..], out long total)) return null;
        return first <= last && last < total ? new(first, last - first + 1, total) : null;
    }

    /// <summary>Whether the two overlap or follow each other, so that they are one part together.</summary>
    public bool Touches(ContentRange other) => Total == other.Total && First <= other.End && other.First <= End;

    private static bool TryNumber(ReadOnlySpan<char> text, out long number) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
