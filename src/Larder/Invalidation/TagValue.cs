using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Larder;

/// <summary>Writes a value that comes from outside as a part of a tag.</summary>
internal static class TagValue
{
    /// <summary>Longest written form: values that would be longer are replaced by their hash, so that nobody can make tags without bound.</summary>
    public const int MaxLength = 80;

    /// <summary>
    /// The value so that it can neither add a level to the tag's hierarchy nor begin an exact tag, and that no two values are
    /// written alike. A percent sign never stands for itself, so that what begins with one can mean something else.
    /// </summary>
    public static string Write(string? value)
    {
        if (value is null) return "%null";
        if (value.Length == 0) return "%empty";
        if (value.Length > MaxLength) return Hash(value);
        if (!value.Any(NeedsEscape)) return value;
        var safe = new StringBuilder(value.Length + 8);
        foreach (char c in value)
        {
            if (NeedsEscape(c)) safe.Append(CultureInfo.InvariantCulture, $"%{(int)c:X2}");
            else safe.Append(c);
        }
        return safe.Length <= MaxLength ? safe.ToString() : Hash(value);
    }

    private static bool NeedsEscape(char c) => c is ':' or '%' or '=' || char.IsControl(c);

    private static string Hash(string value) => "%sha256-" + Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(value.AsSpan())));
}
