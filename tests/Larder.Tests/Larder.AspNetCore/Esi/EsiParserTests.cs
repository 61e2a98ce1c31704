using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Larder.AspNetCore;

namespace Larder.Tests.Http.Esi;

public sealed class EsiParserTests
{
    /// <summary>Pieces that parsers trip over: whole markers, halves of them, quotes, bytes beyond ASCII.</summary>
    private static readonly string[] Pieces =
    [
        "<esi:include src=\"/a\"/>", "<esi:include src='/b' alt=\"/c\" onerror=\"continue\" />", "<esi:remove>", "</esi:remove>", "<esi:comment text=\"x > y\"/>", "<!--esi ", "<!--esi", "-->", "--", "-", ">",
        "<", "<e", "<esi", "<esi:", "</", "</esi:", "</esi:include>", "<!--", "<!-", "include src=\"/d\"", " src='/e", "'", "\"", "/>", "&amp;", "&#38;", "&x;", " ", "\n", "text", "\u00e9\u00ff", "\0", "<esi:foo bar='1'>", "<p>",
    ];

    private static readonly Arbitrary<string> Hostile = Gen.Elements(Pieces).ArrayOf().Select(string.Concat).ToArbitrary();

    [Theory]
    [InlineData("a<esi:include src=\"/f\"/>b", "a[/f||False]b")]
    [InlineData("<esi:include src='/f' alt='/g' onerror='continue'/>", "[/f|/g|True]")]
    [InlineData("<esi:include\n\tonerror = \"continue\"\n src = \"/f\" other='x' />", "[/f||True]")]
    [InlineData("<esi:include src=\"/f\">between</esi:include>", "[/f||False]between")]
    [InlineData("<esi:include src=\"/f\" onerror=\"stop\"/>", "[/f||False]")]
    [InlineData("<esi:include src=\" /f?x=1&amp;y=&#50;&#x33;&z&lt;&unknown; \"/>", "[/f?x=1&y=23&z<&unknown;||False]")]
    [InlineData("<esi:include src=\"/\u00e9\"/>", "[/%E9||False]")]
    [InlineData("<esi:include src=\"/&#233;\"/>", "[/%C3%A9||False]")]
    [InlineData("a<esi:remove>b<esi:include src=\"/f\"/><esi:foo/></esi:remove>c", "ac")]
    [InlineData("a<esi:remove>b<esi:remove>c</esi:remove>d</esi:remove>e", "ae")]
    [InlineData("a<esi:remove/>b</esi:remove>c", "abc")]
    [InlineData("a<esi:comment text=\"b > c\"/>d", "ad")]
    [InlineData("a<!--esi b<esi:include src=\"/f\"/>-->c", "a b[/f||False]c")]
    [InlineData("<!--esi<esi:include src=\"/f\"/>--><!-- x -->", "[/f||False]<!-- x -->")]
    [InlineData("<!--esi 1<!--esi 2<!--esi 3<!--esi 4<!--esi 5-->-->-->-->-->-->", " 1 2 3 4 5-->")]
    [InlineData("<!--esi a--b---->c", " a--b--c")]
    [InlineData("<!--esi a<!-->b-->", " a<!b-->")]
    [InlineData("<!--esi <esi:remove>x-->y</esi:remove>z-->", " z-->")]
    [InlineData("<!--esigate --><!--esi", "<!--esigate --><!--esi")]
    [InlineData("a<esi:foo src=\"/f\">b</esi:foo>c", "a[?]b[?]c")]
    [InlineData("<ESI:include src=\"/f\"/><esi :include/><es<esi:comment/>", "<ESI:include src=\"/f\"/><esi :include/><es")]
    [InlineData("a<esi:include src=\"/f\"", "a<esi:include src=\"/f\"")]
    [InlineData("a<esi:include src=\"/f>b", "a<esi:include src=\"/f>b")]
    public void What_is_in_a_page_is_found(string page, string parts) => Assert.Equal(parts, Parsed.Whole(page));

    [Theory]
    [InlineData("<esi:include/>"), InlineData("<esi:include alt=\"/f\"/>"), InlineData("<esi:include src=/f/>"), InlineData("<esi:include src=\"/f\" src=\"/g\"/>")]
    [InlineData("<esi:include src=\"/f\"alt=\"/g\"/>"), InlineData("<esi:include src/>"), InlineData("<esi:include src=\"/a\rb\"/>"), InlineData("<esi:include src=\"/a&#10;b\"/>")]
    [InlineData("<esi:include src=\"/&#0;\"/>"), InlineData("<esi:>"), InlineData("<esi:/>"), InlineData("<esi:includes src=\"/f\"/>"), InlineData("<esi:include \"src\"=\"/f\"/>")]
    public void An_include_that_cannot_be_read_is_left_out(string tag) => Assert.Equal("a[?]b", Parsed.Whole($"a{tag}b"));

    [Fact]
    public void A_tag_that_is_too_long_is_text()
    {
        foreach (int over in new[] { -1, 0, 1, 5000 })
        {
            string tag = "<esi:include src=\"/f\" x=\"" + new string('x', EsiParser.LongestTag - 28 + over) + "\"/>";
            Assert.Equal(EsiParser.LongestTag + over, tag.Length);
            foreach (int piece in new[] { 1, 1000, int.MaxValue })
                Assert.Equal(over > 0 ? tag + "y" : "[/f||False]y", Parsed.In(Encoding.Latin1.GetBytes(tag + "y"), _ => piece));
        }
    }

    [Fact]
    public void What_is_no_marker_is_not_held_back()
    {
        foreach (string text in new[] { "plain", "a < b", "<p>x", "<!-- x", "</e>", "<esI:" })
        {
            ReadOnlyMemory<byte> piece = Encoding.Latin1.GetBytes(text);
            var parser = new EsiParser();
            int handed = 0;
            while (parser.TryRead(ref piece, out EsiPart part)) handed += part.Text.Length;
            Assert.Equal(text.Length, handed);
        }
    }

    [Fact]
    public void However_a_page_is_cut_its_parts_are_the_same()
    {
        Prop.ForAll(Hostile, ArbMap.Default.ArbFor<int>(), (page, seed) =>
        {
            byte[] bytes = Encoding.Latin1.GetBytes(page);
            var random = new Random(seed);
            string whole = Parsed.In(bytes, _ => int.MaxValue);
            return whole == Parsed.In(bytes, _ => 1) && whole == Parsed.In(bytes, _ => random.Next(1, 12));
        }).QuickCheckThrowOnFailure();
        // The control: the property sees a difference where there is one.
        Assert.NotEqual(Parsed.Whole("<esi:comment/>"), Parsed.Whole("<esi:comment/ >x"));
    }

    [Fact]
    public void A_page_without_ESI_passes_unchanged()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), bytes =>
        {
            string text = Encoding.Latin1.GetString(bytes);
            return text.Contains("esi", StringComparison.Ordinal) || Parsed.Whole(text) == text;
        }).QuickCheckThrowOnFailure();
        Prop.ForAll(Hostile, page =>
        {
            string text = page.Replace("esi", "ESI", StringComparison.Ordinal);
            return Parsed.Whole(text) == text;
        }).QuickCheckThrowOnFailure();
    }

    /// <summary>Would the time not be linear, these would not end before anybody's patience does.</summary>
    [Theory]
    [InlineData("<"), InlineData("<esi:"), InlineData("<!--esi "), InlineData("-"), InlineData("<!--esi --"), InlineData("<esi:include src=\""), InlineData("<esi:remove>"), InlineData("<esi:a b='\"'>"), InlineData("<!-")]
    [InlineData("<esi:include src='&#x3")]
    public void A_megabyte_of_anything_takes_linear_time(string piece)
    {
        string page = string.Concat(Enumerable.Repeat(piece, (1 << 20) / piece.Length));
        Assert.Equal(Parsed.Whole(page), Parsed.In(Encoding.Latin1.GetBytes(page), _ => 1));
    }
}
