using FsCheck;
using FsCheck.Fluent;
using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;

namespace Larder.Tests.Http.Rfc9111;

public class AgeHeaderTests
{
    [Theory]
    [InlineData("0", 0L)]
    [InlineData(" 7200 ", 7200L)]
    [InlineData("0,7200", 0L)]
    [InlineData("7200,0", 7200L)]
    [InlineData("99999999999999999999999", 2147483648L)]
    public void Usable(string line, long seconds)
    {
        Assert.True(AgeHeader.TryParse(line, out long age));
        Assert.Equal(seconds, age);
        Assert.Equal(seconds, AgeHeader.Read(line));
    }

    [Theory]
    [InlineData("abc")]
    [InlineData("-7200")]
    [InlineData("7200.0")]
    [InlineData("7200;foo=bar")]
    [InlineData("7200;foo=111")]
    [InlineData("0, 0")]
    [InlineData("3600, 3600")]
    [InlineData("")]
    [InlineData(",0")]
    [InlineData("0", "0")]
    [InlineData("0", "7200")]
    [InlineData("7200", "0")]
    public void Unusable_means_as_old_as_can_be(params string[] lines)
    {
        Assert.False(AgeHeader.TryParse(new StringValues(lines), out _));
        Assert.Equal(DeltaSeconds.Max, AgeHeader.Read(new StringValues(lines)));
    }

    [Fact]
    public void Absent_means_new()
    {
        Assert.False(AgeHeader.TryParse(StringValues.Empty, out _));
        Assert.Equal(0, AgeHeader.Read(StringValues.Empty));
    }

    [Fact]
    public void Never_throws_and_stays_in_range()
    {
        static bool InRange(string text) => AgeHeader.Read(text) is >= 0 and <= DeltaSeconds.Max;
        Prop.ForAll<string>(InRange).QuickCheckThrowOnFailure();
        Prop.ForAll(Messages.Hostile, InRange).QuickCheckThrowOnFailure();
    }
}
