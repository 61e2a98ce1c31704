using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;

namespace Larder.Tests.Http.Rfc9111;

/// <summary>
/// Every parser reads a hostile megabyte. No time is asserted: what this shows is that none fails or throws, and a quadratic one
/// would take so many minutes that the run's own limit ends it.
/// </summary>
public class LinearTimeTests
{
    private const int Megabyte = 1 << 20;

    [Theory]
    [InlineData("a"), InlineData(","), InlineData("\""), InlineData("\\"), InlineData("\\\""), InlineData(" "), InlineData("=")]
    [InlineData("=\""), InlineData("a=\""), InlineData("a=\","), InlineData("a=\"\\\","), InlineData("W/\""), InlineData("\"a\","), InlineData("1")]
    [InlineData("max-age=1,"), InlineData("private=a,"), InlineData("private=\"a,"), InlineData("\","), InlineData("W/\","), InlineData("-"), InlineData("0,")]
    public void A_megabyte_is_read_to_its_end(string piece)
    {
        string text = string.Concat(Enumerable.Repeat(piece, Megabyte / piece.Length));
        foreach (string field in (string[])[text, "x=\"" + text, "bytes=" + text, "\"" + text, "Thu, " + text])
        {
            var lines = new StringValues([field, "x"]);
            CacheControl.Parse(lines);
            HttpDate.TryParse(field, Messages.Now, out _);
            AgeHeader.Read(field);
            Vary.TryParse(lines, out _);
            Vary.HasStar(lines);
            Vary.Normalise(lines);
            Vary.Normalise("Accept-Language", lines);
            Pragma.IsNoCache(lines);
            HopByHop.ConnectionOptions(lines);
            Conditionals.IsNotModified(lines, StringValues.Empty, "\"z\"", null, null, Messages.Now);
            ByteRange.Parse(field, Megabyte);
            ByteRange.IfRange(field, field, Messages.Now, Messages.Now, Messages.Now);
        }
    }
}
