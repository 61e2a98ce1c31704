using System.Text;

namespace Larder.AspNetCore;

/// <summary>The entities of XML that need no declaration. A page can declare none: there is nothing here that could be expanded.</summary>
internal static class EsiEntity
{
    /// <summary>Ampersand, sign, "x", six hexadecimal digits or seven decimal ones, semicolon: no character needs more.</summary>
    private const int Longest = 10;

    /// <summary>Reads the entity that <paramref name="text"/> begins with; false where it begins with none.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, out Rune character, out int length)
    {
        character = default;
        int end = text[..Math.Min(text.Length, Longest)].IndexOf((byte)';');
        length = end + 1;
        if (end < 2) return false;
        ReadOnlySpan<byte> name = text[1..end];
        if (name[0] == '#') return TryReadNumber(name[1..], out character);
        char named = name switch
        {
            _ when name.SequenceEqual("amp"u8) => '&',
            _ when name.SequenceEqual("lt"u8) => '<',
            _ when name.SequenceEqual("gt"u8) => '>',
            _ when name.SequenceEqual("quot"u8) => '"',
            _ when name.SequenceEqual("apos"u8) => '\'',
            _ => '\0',
        };
        character = new(named);
        return named != '\0';
    }

    private static bool TryReadNumber(ReadOnlySpan<byte> digits, out Rune character)
    {
        character = default;
        bool isHex = digits.Length > 0 && digits[0] == 'x';
        if (isHex) digits = digits[1..];
        if (digits.IsEmpty) return false;
        int value = 0;
        foreach (byte digit in digits)
        {
            if (!(isHex ? char.IsAsciiHexDigit((char)digit) : char.IsAsciiDigit((char)digit))) return false;
            value = value * (isHex ? 16 : 10) + (digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
        }
        return Rune.TryCreate(value, out character);
    }
}
