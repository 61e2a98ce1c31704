using System.Text;

namespace Larder.AspNetCore;

/// <summary>What a whole tag means.</summary>
internal enum EsiTagKind : byte
{
    Include,
    Remove,
    EndOfRemove,
    /// <summary>Known, and without any effect: a comment, the end tag of something that has no content.</summary>
    Nothing,
    Unknown,
}

/// <summary>
/// Reads one tag, from <c>&lt;esi:</c> or <c>&lt;/esi:</c> to its <c>&gt;</c>. Pure and linear; never throws. Attributes are those of XML: names, an equals
/// sign, a quoted value, none twice; of entities only the five of XML and numbers are known, anything else behind an ampersand stays as it is.
/// </summary>
internal static class EsiTag
{
    public static EsiTagKind Read(ReadOnlySpan<byte> tag, out EsiInclude? include)
    {
        include = null;
        bool isEnd = tag[1] == '/';
        ReadOnlySpan<byte> rest = tag[(isEnd ? "</esi:" : "<esi:").Length..^1];
        bool isEmpty = !isEnd && rest.EndsWith("/"u8);
        if (isEmpty) rest = rest[..^1];
        ReadOnlySpan<byte> name = rest[..LengthOfName(rest)];
        rest = rest[name.Length..];
        if (name.SequenceEqual("remove"u8)) return isEnd ? EsiTagKind.EndOfRemove : isEmpty ? EsiTagKind.Nothing : EsiTagKind.Remove;
        if (name.SequenceEqual("comment"u8) || (isEnd && name.SequenceEqual("include"u8))) return EsiTagKind.Nothing;
        if (isEnd || !name.SequenceEqual("include"u8)) return EsiTagKind.Unknown;
        include = ReadInclude(rest);
        return include is null ? EsiTagKind.Unknown : EsiTagKind.Include;
    }

    private static EsiInclude? ReadInclude(ReadOnlySpan<byte> rest)
    {
        string? source = null, alternative = null, onError = null;
        while (true)
        {
            int gap = rest.Length;
            rest = rest.TrimStart(" \t\r\n"u8);
            if (rest.IsEmpty) break;
            // Between a value and the next name there is white space, too.
            if (rest.Length == gap || !TryTakeAttribute(ref rest, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)) return null;
            if (name.SequenceEqual("src"u8) && (source is not null || (source = TextOf(value)) is null)) return null;
            if (name.SequenceEqual("alt"u8) && (alternative is not null || (alternative = TextOf(value)) is null)) return null;
            if (name.SequenceEqual("onerror"u8) && (onError is not null || (onError = TextOf(value)) is null)) return null;
        }
        return source is null ? null : new(source, alternative, onError == "continue");
    }

    private static bool TryTakeAttribute(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        value = default;
        name = rest[..LengthOfName(rest)];
        rest = rest[name.Length..].TrimStart(" \t\r\n"u8);
        if (name.IsEmpty || rest.IsEmpty || rest[0] != '=') return false;
        rest = rest[1..].TrimStart(" \t\r\n"u8);
        if (rest.IsEmpty || rest[0] is not ((byte)'"' or (byte)'\'')) return false;
        int length = rest[1..].IndexOf(rest[0]);
        if (length < 0) return false;
        value = rest.Slice(1, length);
        rest = rest[(length + 2)..];
        return true;
    }

    private static int LengthOfName(ReadOnlySpan<byte> text)
    {
        int end = text.IndexOfAny(" \t\r\n/=\"'<"u8);
        return end < 0 ? text.Length : end;
    }

    /// <summary>A value as URL text: without white space around it, beyond ASCII percent-encoded. Null where a control character is in it.</summary>
    private static string? TextOf(ReadOnlySpan<byte> value)
    {
        value = value.Trim(" \t\r\n"u8);
        var text = new StringBuilder(value.Length);
        Span<byte> encoded = stackalloc byte[4];
        for (int at = 0; at < value.Length;)
        {
            if (value[at] == '&' && EsiEntity.TryRead(value[at..], out Rune character, out int length))
            {
                Append(text, encoded[..character.EncodeToUtf8(encoded)]);
                at += length;
            }
            else
            {
                Append(text, value.Slice(at++, 1));
            }
        }
        foreach (ReadOnlyMemory<char> chunk in text.GetChunks())
            if (chunk.Span.ContainsAnyInRange('\0', '\u001f') || chunk.Span.Contains('\u007f')) return null;
        return text.ToString();
    }

    private static void Append(StringBuilder text, ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes)
            if (b < 0x80) text.Append((char)b);
            else text.Append('%').Append("0123456789ABCDEF"[b >> 4]).Append("0123456789ABCDEF"[b & 15]);
    }
}
