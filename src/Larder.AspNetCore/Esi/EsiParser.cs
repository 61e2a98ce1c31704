namespace Larder.AspNetCore;

/// <summary>
/// Finds the ESI in a page that comes in any pieces: bytes in, literals and includes out. No I/O, never throws, linear in the bytes.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. How the bytes are cut into pieces changes nothing but where literals are cut.
/// 2. Nothing is held back but what may be the beginning of a tag or marker, and of that at most <see cref="LongestTag"/> bytes.
/// 3. All that is looked for is ASCII and begins with a byte that no multi-byte character of UTF-8 contains, so the encoding of the page does not matter as
///    long as ASCII is part of it. The page's own syntax does not matter either: a tag in a comment or script is a tag.
/// Markers nest as deep as they like: all there is to a level is a number.
/// </remarks>
internal sealed class EsiParser
{
    /// <summary>Longer ones pass as text: no URL that a server takes needs more, and it is what may be held back.</summary>
    public const int LongestTag = 8 * 1024;

    private byte[] _held = [];
    private int _heldLength;
    private bool _heldIsTag;
    private byte _quote;
    private int _comments;
    private int _removing;

    /// <summary>Takes bytes off the front of <paramref name="input"/>; false when all of it is taken and there is nothing to hand out yet.</summary>
    public bool TryRead(ref ReadOnlyMemory<byte> input, out EsiPart part)
    {
        while (_heldLength > 0 || !input.IsEmpty)
        {
            if (_heldLength > 0 ? ReadHeld(ref input, out part) : ReadText(ref input, out part)) return true;
            if (input.IsEmpty && (_heldLength == 0 || IsUnfinished())) break;
        }
        part = default;
        return false;
    }

    /// <summary>The page has ended: what was held back is text after all.</summary>
    public ReadOnlyMemory<byte> End()
    {
        ReadOnlyMemory<byte> left = _removing > 0 ? default : _held.AsMemory(0, _heldLength).ToArray();
        _heldLength = 0;
        _heldIsTag = false;
        return left;
    }

    private ReadOnlySpan<byte> Held => _held.AsSpan(0, _heldLength);

    private bool IsUnfinished() => _heldIsTag || EsiMarker.Match(Held, _comments > 0) == EsiMatch.Beginning;

    /// <summary>Nothing is held: text up to what may be a marker passes as it is, without being copied.</summary>
    private bool ReadText(ref ReadOnlyMemory<byte> input, out EsiPart part)
    {
        (int at, EsiMatch match) = EsiMarker.Find(input.Span, _comments > 0);
        if (at > 0) return Hand(Take(ref input, at), out part);
        part = default;
        switch (match)
        {
            case EsiMatch.Tag:
                _quote = 0;
                int end = EsiMarker.EndOfTag(input.Span[..Math.Min(input.Length, LongestTag)], ref _quote);
                if (end > 0) return Read(Take(ref input, end).Span, out part);
                if (input.Length >= LongestTag) return Hand(Take(ref input, LongestTag), out part);
                _heldIsTag = true;
                Hold(Take(ref input, input.Length).Span);
                return false;
            case EsiMatch.Beginning:
                Hold(Take(ref input, input.Length).Span);
                return false;
            default:
                Take(ref input, Pass(match));
                return false;
        }
    }

    /// <summary>Something is held: it grows byte by byte until it is a marker or can't become one, and at once to the end of a tag.</summary>
    private bool ReadHeld(ref ReadOnlyMemory<byte> input, out EsiPart part)
    {
        part = default;
        if (_heldIsTag) return ReadHeldTag(ref input, out part);
        EsiMatch match = EsiMarker.Match(Held, _comments > 0);
        if (match == EsiMatch.Beginning && !input.IsEmpty)
        {
            Hold(Take(ref input, 1).Span);
            match = EsiMarker.Match(Held, _comments > 0);
        }
        switch (match)
        {
            case EsiMatch.Beginning:
                return false;
            case EsiMatch.Tag:
                _heldIsTag = true;
                _quote = 0;
                return false;
            case EsiMatch.Nothing:
                int next = EsiMarker.Find(Held[1..], _comments > 0).At + 1;
                return Hand(Release(next), out part);
            default:
                Release(Pass(match));
                return false;
        }
    }

    private bool ReadHeldTag(ref ReadOnlyMemory<byte> input, out EsiPart part)
    {
        part = default;
        if (input.IsEmpty) return false;
        int most = Math.Min(input.Length, LongestTag - _heldLength);
        int end = EsiMarker.EndOfTag(input.Span[..most], ref _quote);
        Hold(Take(ref input, end > 0 ? end : most).Span);
        if (end <= 0 && _heldLength < LongestTag) return false;
        _heldIsTag = false;
        ReadOnlyMemory<byte> tag = Release(_heldLength);
        return end > 0 ? Read(tag.Span, out part) : Hand(tag, out part);
    }

    /// <summary>The marker of a comment; how long it is.</summary>
    private int Pass(EsiMatch match)
    {
        _comments += match == EsiMatch.CommentBegins ? 1 : -1;
        return match == EsiMatch.CommentBegins ? EsiMarker.CommentBegins.Length : EsiMarker.CommentEnds.Length;
    }

    private bool Read(ReadOnlySpan<byte> tag, out EsiPart part)
    {
        part = default;
        EsiTagKind kind = EsiTag.Read(tag, out EsiInclude? include);
        if (kind == EsiTagKind.Remove) _removing++;
        else if (kind == EsiTagKind.EndOfRemove && _removing > 0) _removing--;
        if (_removing > 0 || kind is not (EsiTagKind.Include or EsiTagKind.Unknown)) return false;
        part = include is null ? EsiPart.Unknown : EsiPart.Of(include);
        return true;
    }

    private bool Hand(ReadOnlyMemory<byte> text, out EsiPart part)
    {
        part = EsiPart.Literal(text);
        return _removing == 0;
    }

    private static ReadOnlyMemory<byte> Take(ref ReadOnlyMemory<byte> input, int length)
    {
        ReadOnlyMemory<byte> taken = input[..length];
        input = input[length..];
        return taken;
    }

    private void Hold(ReadOnlySpan<byte> bytes)
    {
        int needed = _heldLength + bytes.Length;
        if (needed > _held.Length) Array.Resize(ref _held, Math.Min(LongestTag, Math.Max(needed, 2 * _held.Length)));
        bytes.CopyTo(_held.AsSpan(_heldLength));
        _heldLength = needed;
    }

    /// <summary>Takes bytes off the front of what is held, which is short unless all of it goes.</summary>
    private ReadOnlyMemory<byte> Release(int length)
    {
        byte[] released = Held[..length].ToArray();
        Held[length..].CopyTo(_held);
        _heldLength -= length;
        return released;
    }
}
