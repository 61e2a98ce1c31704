using System.Globalization;
using System.Text;
using Larder.AspNetCore;

namespace Larder.Tests.Http.Esi;

/// <summary>Pages that were damaged, and bytes that never were one. LARDER_FUZZ says how many; LARDER_FUZZ_SEED repeats a run.</summary>
public sealed class EsiFuzzTests(ITestOutputHelper output)
{
    private const int InCi = 100_000;

    private static readonly byte[][] Pages =
    [
        "<html><esi:include src=\"/a?x=1&amp;y=2\" alt=\"/b\" onerror=\"continue\"/><p>text</p></html>"u8.ToArray(),
        "<!--esi <esi:remove>gone<esi:include src='/c'/></esi:remove><esi:comment text=\"n\"/>-->rest"u8.ToArray(),
        "<esi:try><esi:attempt>x</esi:attempt></esi:try>&#x41;&lt;<esi:include src='&#47;d'/>"u8.ToArray(),
    ];

    private static readonly byte[] Interesting = [.. "<>!-/:\"'=&;#x esi\r\n\0\u00e9"u8];

    [Fact]
    public void Any_bytes_in_any_pieces_give_the_same_parts_and_no_more_bytes_than_came()
    {
        int count = int.TryParse(Environment.GetEnvironmentVariable("LARDER_FUZZ"), NumberStyles.None, CultureInfo.InvariantCulture, out int asked) ? asked : InCi;
        int seed = int.TryParse(Environment.GetEnvironmentVariable("LARDER_FUZZ_SEED"), NumberStyles.None, CultureInfo.InvariantCulture, out int given) ? given : Random.Shared.Next();
        output.WriteLine($"LARDER_FUZZ_SEED={seed}");
        var random = new Random(seed);
        int changed = 0;
        for (int i = 0; i < count; i++)
        {
            byte[] page = Next(random);
            string whole = Parsed.In(page, _ => int.MaxValue);
            Assert.True(whole == Parsed.In(page, _ => random.Next(1, 9)), $"seed {seed}, page {i}: {Convert.ToHexString(page)}");
            if (whole != Encoding.Latin1.GetString(page)) changed++;
        }
        // The control: neither did everything pass, nor was something found in everything.
        Assert.InRange(changed, count / 10, count - count / 10);
    }

    private static byte[] Next(Random random)
    {
        var page = new List<byte>(Pages[random.Next(Pages.Length)]);
        for (int changes = random.Next(1, 12); changes > 0; changes--)
        {
            int at = random.Next(page.Count);
            byte b = random.Next(4) == 0 ? (byte)random.Next(256) : Interesting[random.Next(Interesting.Length)];
            switch (random.Next(4))
            {
                case 0: page[at] = b; break;
                case 1: page.Insert(at, b); break;
                case 2 when page.Count > 1: page.RemoveAt(at); break;
                default: page.InsertRange(at, page.GetRange(at, random.Next(page.Count - at))); break;
            }
            if (page.Count > 1000) page.RemoveRange(1000, page.Count - 1000);
        }
        return [.. page];
    }
}
