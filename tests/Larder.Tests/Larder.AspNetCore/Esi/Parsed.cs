using System.Text;
using Larder.AspNetCore;

namespace Larder.Tests.Http.Esi;

/// <summary>Everything the parser finds, as one line of text; neighbouring literals are one, since where they are cut does not matter.</summary>
internal static class Parsed
{
    public static string Whole(string page) => In(Encoding.Latin1.GetBytes(page), _ => int.MaxValue);

    /// <param name="next">How long the piece that begins at a byte is.</param>
    public static string In(ReadOnlyMemory<byte> page, Func<int, int> next)
    {
        var parser = new EsiParser();
        var found = new StringBuilder();
        for (int at = 0; at < page.Length;)
        {
            int length = Math.Min(next(at), page.Length - at);
            ReadOnlyMemory<byte> piece = page.Slice(at, length);
            while (parser.TryRead(ref piece, out EsiPart part)) Add(found, part);
            Assert.True(piece.IsEmpty);
            at += length;
        }
        return found.Append(Encoding.Latin1.GetString(parser.End().Span)).ToString();
    }

    private static void Add(StringBuilder found, EsiPart part)
    {
        if (part.Include is { } include) found.Append(FormattableString.Invariant($"[{include.Source}|{include.Alternative}|{include.MayFail}]"));
        else if (part.Kind == EsiPartKind.Unknown) found.Append("[?]");
        else found.Append(Encoding.Latin1.GetString(part.Text.Span));
    }
}
