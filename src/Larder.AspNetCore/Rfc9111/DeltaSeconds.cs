namespace Larder.AspNetCore.Rfc9111;

/// <summary><c>delta-seconds</c> (RFC 9111 §1.2.2): digits only; what is greater than 2^31 counts as 2^31.</summary>
internal static class DeltaSeconds
{
    /// <summary>The greatest number of seconds Larder works with: 2^31, the cap RFC 9111 §1.2.2 names (68 years).</summary>
    public const long Max = 2147483648;

    /// <summary><see cref="Max"/> as a span of time: no lifetime and no age is longer.</summary>
    public static readonly TimeSpan MaxSpan = TimeSpan.FromSeconds(Max);

    /// <summary>Reads digits; anything else, and nothing at all, is invalid.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out long seconds)
    {
        seconds = 0;
        if (text.IsEmpty) return false;
        foreach (char c in text)
        {
            if (!char.IsAsciiDigit(c))
            {
                seconds = 0;
                return false;
            }
            seconds = Math.Min(seconds * 10 + (c - '0'), Max);
        }
        return true;
    }

    /// <summary>Seconds as a span of time within 0 … <see cref="Max"/>.</summary>
    public static TimeSpan ToSpan(long seconds) => TimeSpan.FromSeconds(Math.Clamp(seconds, 0, Max));

    /// <summary>A span of time brought into 0 … <see cref="Max"/>, so that sums and differences can't overflow.</summary>
    public static TimeSpan Clamp(TimeSpan span) =>
        span < TimeSpan.Zero ? TimeSpan.Zero : span > MaxSpan ? MaxSpan : span;
}
