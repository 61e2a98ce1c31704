using FsCheck;
using FsCheck.Fluent;
using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;

namespace Larder.Tests.Http.Rfc9111;

public class AgeHeaderTests
{
    [Theory]
    [InlineData(0, "0")]
    [InlineData(7200, " 7200 ")]
    [InlineData(0, "0,7200")]
    [InlineData(7200, "7200,0")]
    [InlineData(7200, "7200", "0")]
    [InlineData(0, "0", "7200")]
    [InlineData(3600, "3600, 3600")]
    [InlineData(7200, "7200;foo=bar")]
    [InlineData(DeltaSeconds.Max, "99999999999999999999999")]
    public void The_first_of_several_values_counts(long seconds, params string[] lines) => Assert.Equal(seconds, AgeHeader.Read(new StringValues(lines)));

    [Theory]
    [InlineData("abc"), InlineData("-7200"), InlineData("7200.0"), InlineData(""), InlineData(",7200"), InlineData("abc", "7200")]
    public void What_is_no_number_is_ignored(params string[] lines) => Assert.Equal(0, AgeHeader.Read(new StringValues(lines)));

    [Fact]
    public void Absent_means_new() => Assert.Equal(0, AgeHeader.Read(StringValues.Empty));

    [Fact]
    public void Never_throws_and_stays_in_range()
    {
        static bool InRange(string text) => AgeHeader.Read(text) is >= 0 and <= DeltaSeconds.Max;
        Prop.ForAll<string>(InRange).QuickCheckThrowOnFailure();
        Prop.ForAll(Messages.Hostile, InRange).QuickCheckThrowOnFailure();
    }
}
