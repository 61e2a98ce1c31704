namespace Larder.AspNetCore;

/// <summary>What some bytes begin with.</summary>
internal enum EsiMatch : byte
{
    /// <summary>Text.</summary>
    Nothing,
    /// <summary>All of them are the beginning of a marker: more are needed.</summary>
    Beginning,
    Tag,
    CommentBegins,
    CommentEnds,
}

/// <summary>The few byte strings that are looked for in pages.</summary>
internal static class EsiMarker
{
    public static ReadOnlySpan<byte> CommentBegins => "<!--esi"u8;
    public static ReadOnlySpan<byte> CommentEnds => "-->"u8;
    private static ReadOnlySpan<byte> Tag => "<esi:"u8;
    private static ReadOnlySpan<byte> EndTag => "</esi:"u8;

    /// <summary>Where the first marker, or what may become one, begins; the length of the text where there is none.</summary>
    public static (int At, EsiMatch Match) Find(ReadOnlySpan<byte> text, bool inComment)
    {
        for (int from = 0; ;)
        {
            int at = inComment ? text[from..].IndexOfAny((byte)'<', (byte)'-') : text[from..].IndexOf((byte)'<');
            if (at < 0) return (text.Length, EsiMatch.Nothing);
            from += at;
            EsiMatch match = Match(text[from..], inComment);
            if (match != EsiMatch.Nothing) return (from, match);
            from++;
        }
    }

    /// <summary>What the text begins with. The end of a comment counts only inside of one.</summary>
    public static EsiMatch Match(ReadOnlySpan<byte> text, bool inComment)
    {
        if (text[0] == '-')
        {
            if (!inComment) return EsiMatch.Nothing;
            return text.StartsWith(CommentEnds) ? EsiMatch.CommentEnds : Begins(text, CommentEnds);
        }
        if (text[0] != '<') return EsiMatch.Nothing;
        if (text.StartsWith(Tag) || text.StartsWith(EndTag)) return EsiMatch.Tag;
        if (text.StartsWith(CommentBegins))
        {
            // A comment that only begins with these letters is the page's own.
            if (text.Length == CommentBegins.Length) return EsiMatch.Beginning;
            return " \t\r\n<"u8.Contains(text[CommentBegins.Length]) ? EsiMatch.CommentBegins : EsiMatch.Nothing;
        }
        EsiMatch tag = Begins(text, Tag), endTag = Begins(text, EndTag);
        return tag != EsiMatch.Nothing ? tag : endTag != EsiMatch.Nothing ? endTag : Begins(text, CommentBegins);
    }

    /// <summary>The length up to the angle bracket that closes a tag, outside of quotes; 0 where it is not there. Goes on in the quotes it has left.</summary>
    public static int EndOfTag(ReadOnlySpan<byte> text, ref byte quote)
    {
        for (int from = 0; from < text.Length;)
        {
            ReadOnlySpan<byte> rest = text[from..];
            int at = quote != 0 ? rest.IndexOf(quote) : rest.IndexOfAny((byte)'"', (byte)'\'', (byte)'>');
            if (at < 0) return 0;
            from += at + 1;
            if (quote != 0) quote = 0;
            else if (rest[at] == '>') return from;
            else quote = rest[at];
        }
        return 0;
    }

    private static EsiMatch Begins(ReadOnlySpan<byte> text, ReadOnlySpan<byte> marker) => marker.StartsWith(text) ? EsiMatch.Beginning : EsiMatch.Nothing;
}
