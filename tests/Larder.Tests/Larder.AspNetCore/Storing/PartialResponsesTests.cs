using FsCheck;
using FsCheck.Fluent;
using Larder.AspNetCore;
using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;

namespace Larder.Tests.Http;

public sealed class PartialResponsesTests
{
    private static readonly RuleSet Rules = new([]);
    private static readonly byte[] Whole = [.. Enumerable.Range(0, 40).Select(i => (byte)i)];

    private static StoredResponse Part(int first, int length, string? etag = "\"e\"", int total = 40, RuleSet? rules = null) => new(rules ?? Rules, new(new() { Status = 200, ETag = etag }, TimeSpan.FromMinutes(1)))
    {
        Status = 200, Headers = [], Body = new([Whole.AsMemory(first, length)]), Part = new(first, length, total), InitialAge = default, ReceivedAt = 0, ReceivedTime = default,
    };

    private static byte[] BytesOf(StoredResponse response) => [.. response.Body.Segments.SelectMany(segment => segment.ToArray())];

    [Theory]
    [InlineData("bytes 0-4/10", 0L, 5L, 10L), InlineData("BYTES 5-9/10", 5L, 5L, 10L), InlineData("bytes 9-9/10", 9L, 1L, 10L)]
    public void A_range_of_a_known_whole_is_read(string field, long first, long length, long total) => Assert.Equal(new(first, length, total), ContentRange.Parse(field));

    [Theory]
    [InlineData(""), InlineData("bytes 0-4/*"), InlineData("bytes */10"), InlineData("bytes 5-4/10"), InlineData("bytes 0-10/10"), InlineData("bytes -5/10"), InlineData("bytes 0-/10"), InlineData("items 0-4/10")]
    [InlineData("bytes 0-4"), InlineData("bytes 0-4/99999999999999999999"), InlineData("bytes 0 - 4/10"), InlineData("bytes +0-4/10")]
    public void Anything_else_is_no_part(string field)
    {
        Assert.Null(ContentRange.Parse(field));
        Assert.Null(ContentRange.Parse(new StringValues(["bytes 0-4/10", "bytes 0-4/10"])));
    }

    [Fact]
    public void Whatever_parts_come_in_whatever_order_the_bytes_are_those_of_the_whole()
    {
        Prop.ForAll<(int, int)[]>(parts =>
        {
            StoredResponse? stored = null;
            foreach ((int a, int b) in parts)
            {
                int first = Math.Abs(a % 39), length = 1 + Math.Abs(b % (39 - first + 1));
                if (length == 40) continue;
                stored = PartialResponses.Join(stored?.Part is null ? null : stored, Part(first, length), 1000);
                ContentRange part = stored.Part ?? new(0, 40, 40);
                if (!BytesOf(stored).AsSpan().SequenceEqual(Whole.AsSpan((int)part.First, (int)part.Length)) || part.Length != stored.Body.Length || part.First > first || part.End < first + length) return false;
            }
            return true;
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Parts_that_are_the_whole_together_are_no_part_any_more()
    {
        StoredResponse joined = PartialResponses.Join(Part(0, 25), Part(20, 20), 1000);
        Assert.Null(joined.Part);
        Assert.Equal(Whole, BytesOf(joined));
    }

    [Fact]
    public void What_is_not_surely_of_one_representation_is_not_joined()
    {
        StoredResponse newer = Part(10, 10);
        foreach (StoredResponse old in new[] { Part(0, 10, "\"f\""), Part(0, 9), Part(0, 10, total: 41), Part(0, 10, rules: new([])) }) Assert.Same(newer, PartialResponses.Join(old, newer, 1000));
        foreach (string? tag in new[] { null, "W/\"e\"" })
        {
            StoredResponse weak = Part(10, 10, tag);
            Assert.Same(weak, PartialResponses.Join(Part(0, 10, tag), weak, 1000));
        }
        Assert.Same(newer, PartialResponses.Join(Part(0, 10), newer, 19));
        Assert.Same(newer, PartialResponses.Join(null, newer, 1000));
    }

    [Theory]
    [InlineData("bytes=10-19", true), InlineData("bytes=12-13", true), InlineData("bytes=9-13", false), InlineData("bytes=15-20", false), InlineData("bytes=15-", false), InlineData("bytes=-5", false)]
    [InlineData("bytes=10-11,12-13", false), InlineData("", false), InlineData("bytes=50-", false)]
    public void A_part_serves_the_ranges_that_lie_within_it(string range, bool covers)
    {
        Assert.Equal(covers, PartialResponses.Covers(Part(10, 10), range, StringValues.Empty, default));
        Assert.Equal(covers, PartialResponses.Covers(Part(10, 10), range, "\"e\"", default));
        Assert.False(PartialResponses.Covers(Part(10, 10), range, "\"f\"", default));
    }
}
