using FsCheck;
using FsCheck.Fluent;
using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;
using static Larder.Tests.Http.Rfc9111.Messages;

namespace Larder.Tests.Http.Rfc9111;

public class ByteRangeTests
{
    [Theory]
    [InlineData("bytes=0-1", 11, 0, 1)]
    [InlineData("bytes=1-", 11, 1, 10)]
    [InlineData("bytes=-1", 11, 10, 10)]
    [InlineData("bytes=-99", 11, 0, 10)]
    [InlineData("bytes=10-10", 11, 10, 10)]
    [InlineData("bytes=5-99999999999999999999999", 11, 5, 10)]
    [InlineData("bytes=-99999999999999999999999", 11, 0, 10)]
    [InlineData("BYTES=000-001", 11, 0, 1)]
    [InlineData(" bytes=0-1 ", 11, 0, 1)]
    [InlineData("bytes=9223372036854775806-9223372036854775806", long.MaxValue, 9223372036854775806, 9223372036854775806)]
    public void One_range(string field, long length, long first, long last) =>
        Assert.Equal(new RangeResult(RangeKind.Satisfiable, first, last), ByteRange.Parse(field, length));

    [Theory]
    [InlineData("bytes=11-", 11)]
    [InlineData("bytes=11-20", 11)]
    [InlineData("bytes=-0", 11)]
    [InlineData("bytes=0-", 0)]
    [InlineData("bytes=0-0", 0)]
    [InlineData("bytes=99999999999999999999-", 11)]
    public void Outside(string field, long length) =>
        Assert.Equal(RangeKind.Unsatisfiable, ByteRange.Parse(field, length).Kind);

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("bytes")]
    [InlineData("bytes=")]
    [InlineData("bytes=-")]
    [InlineData("bytes=5")]
    [InlineData("bytes=5-4")]
    [InlineData("bytes=a-b")]
    [InlineData("bytes=0-1,3-4")]
    [InlineData("bytes=0-1,")]
    [InlineData("bytes=0--1")]
    [InlineData("bytes=--1")]
    [InlineData("bytes =0-1")]
    [InlineData("bytes= 0-1")]
    [InlineData("bytes=0 - 1")]
    [InlineData("lines=0-1")]
    [InlineData("items=0-10")]
    public void Ignored(string? field) => Assert.Equal(default, ByteRange.Parse(field, 11));

    [Fact]
    public void A_suffix_of_nothing_is_ignored() => Assert.Equal(default, ByteRange.Parse("bytes=-5", 0));

    [Fact]
    public void A_satisfiable_range_lies_within_the_whole()
    {
        static bool Within(string text, NonNegativeInt length)
        {
            RangeResult r = ByteRange.Parse(text, length.Get);
            return r.Kind != RangeKind.Satisfiable || (r.First >= 0 && r.First <= r.Last && r.Last < length.Get && r.Length > 0);
        }
        Prop.ForAll<string, NonNegativeInt>(Within).QuickCheckThrowOnFailure();
        Prop.ForAll<long, long, NonNegativeInt>((a, b, n) => Within($"bytes={a}-{b}", n)).QuickCheckThrowOnFailure();
        Prop.ForAll<PositiveInt, PositiveInt, NonNegativeInt>((a, b, n) => Within($"bytes={a.Get}-{b.Get}", n)).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("\"a\"", true)]
    [InlineData("\"b\"", false)]
    [InlineData("W/\"a\"", false)]
    [InlineData("a", false)]
    [InlineData("*", false)]
    [InlineData("", false)]
    public void If_range_with_a_tag(string field, bool honoured) =>
        Assert.Equal(honoured, ByteRange.IfRange(field, "\"a\"", null, Now, Now));

    [Fact]
    public void If_range_with_a_date_needs_the_very_date_and_a_strong_one()
    {
        DateTimeOffset modified = Now.AddSeconds(-60);
        Assert.True(ByteRange.IfRange(Date(-60), null, modified, Now, Now));
        Assert.False(ByteRange.IfRange(Date(-59), null, modified, Now, Now));
        Assert.False(ByteRange.IfRange(Date(-61), null, modified, Now, Now));
        Assert.False(ByteRange.IfRange(Date(0), null, Now, Now, Now));
        Assert.False(ByteRange.IfRange(Date(-60), null, modified, null, Now));
        Assert.False(ByteRange.IfRange(Date(-60), null, null, Now, Now));
        Assert.True(ByteRange.IfRange(StringValues.Empty, null, null, null, Now));
        Assert.False(ByteRange.IfRange(new StringValues(["\"a\"", "\"a\""]), "\"a\"", null, Now, Now));
        Assert.False(ByteRange.IfRange("W/\"a\"", "W/\"a\"", modified, Now, Now));
    }
}
