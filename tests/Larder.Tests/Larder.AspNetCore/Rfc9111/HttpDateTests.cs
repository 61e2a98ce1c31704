using FsCheck;
using FsCheck.Fluent;
using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;

namespace Larder.Tests.Http.Rfc9111;

public class HttpDateTests
{
    [Theory]
    [InlineData("Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z")]
    [InlineData("Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37Z")]
    [InlineData("Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z")]
    [InlineData("Thu Aug 18 02:01:18 2050", "2050-08-18T02:01:18Z")]
    [InlineData("Thursday, 18-Aug-50 02:01:18 GMT", "2050-08-18T02:01:18Z")]
    [InlineData("THU, 18 Aug 2050 02:01:18 GMT", "2050-08-18T02:01:18Z")]
    [InlineData("Thu, 18 AUG 2050 02:01:18 GMT", "2050-08-18T02:01:18Z")]
    [InlineData("Thu, 18 Aug 2050 02:01:18 gMT", "2050-08-18T02:01:18Z")]
    [InlineData("  Mon, 18 Aug 2050 02:01:18 GMT\t", "2050-08-18T02:01:18Z")]
    [InlineData("Thu Aug  8 02:01:18 2050", "2050-08-08T02:01:18Z")]
    [InlineData("Sat, 31 Dec 2016 23:59:60 GMT", "2016-12-31T23:59:59Z")]
    [InlineData("Thu, 29 Feb 2024 00:00:00 GMT", "2024-02-29T00:00:00Z")]
    [InlineData("Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59Z")]
    [InlineData("Mon, 01 Jan 0001 00:00:00 GMT", "0001-01-01T00:00:00Z")]
    public void Reads_the_three_forms(string text, string expected)
    {
        Assert.True(HttpDate.TryParse(text, Messages.Now, out DateTimeOffset date));
        Assert.Equal(DateTimeOffset.Parse(expected, System.Globalization.CultureInfo.InvariantCulture), date);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("")]
    [InlineData(",")]
    [InlineData("Thu, ")]
    [InlineData("Thu, 18 Aug 2050 02:01:18 UTC")]
    [InlineData("Thu, 18 Aug 2050 02:01:18 AEST")]
    [InlineData("Thu, 18 Aug 2050 02:01:18 +0000")]
    [InlineData("Thu, 18 Aug 2050 02:01:18")]
    [InlineData("Thu, 18 Aug 50 02:01:18 GMT")]
    [InlineData("Thu 18 Aug 2050 02:01:18 GMT")]
    [InlineData("Tue 19 Jan 2038 14:14:08 GMT")]
    [InlineData("Thu, 18  Aug  2050 02:01:18 GMT")]
    [InlineData("Thu, 18-Aug-2050 02:01:18 GMT")]
    [InlineData("Thu, 18 Aug 2050 02.01.18 GMT")]
    [InlineData("Thu, 18 Aug 2050 2:01:18 GMT")]
    [InlineData("Thu, 8 Aug 2050 02:01:18 GMT")]
    [InlineData("Xxx, 18 Aug 2050 02:01:18 GMT")]
    [InlineData("Thu, 18 Xxx 2050 02:01:18 GMT")]
    [InlineData("Thu, 30 Feb 2050 02:01:18 GMT")]
    [InlineData("Thu, 00 Feb 2050 02:01:18 GMT")]
    [InlineData("Thu, 18 Aug 2050 24:00:00 GMT")]
    [InlineData("Thu, 18 Aug 2050 02:60:00 GMT")]
    [InlineData("Thu, 18 Aug 2050 02:01:61 GMT")]
    [InlineData("Thu, 18 Aug 0000 02:01:18 GMT")]
    [InlineData("Thu, 18 Aug 2050 02:01:18 GMT, x")]
    [InlineData("Thu, -8 Aug 2050 02:01:18 GMT")]
    [InlineData("Thu, 1\u0668 Aug 2050 02:01:18 GMT")]
    [InlineData("Thurs, 18-Aug-50 02:01:18 GMT")]
    [InlineData("2050-08-18T02:01:18Z")]
    public void Refuses_everything_else(string text) => Assert.False(HttpDate.TryParse(text, Messages.Now, out _));

    [Fact]
    public void A_field_of_two_lines_is_no_date()
    {
        Assert.False(HttpDate.TryParse(new StringValues([Messages.Date(0), Messages.Date(0)]), Messages.Now, out _));
        Assert.False(HttpDate.TryParse(StringValues.Empty, Messages.Now, out _));
    }

    [Theory]
    [InlineData("2026-03-01", "01-Mar-76", 2076)]
    [InlineData("2026-03-01", "02-Mar-76", 1976)]
    [InlineData("2026-03-01", "31-Dec-75", 2075)]
    [InlineData("2026-03-01", "01-Jan-00", 2000)]
    [InlineData("2090-03-01", "01-Jan-10", 2110)]
    [InlineData("1999-12-31", "01-Jan-00", 2000)]
    public void Two_digit_years_follow_the_fifty_year_rule(string now, string date, int year)
    {
        DateTimeOffset at = DateTimeOffset.Parse(now + "T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture);
        Assert.True(HttpDate.TryParse($"Monday, {date} 00:00:00 GMT", at, out DateTimeOffset parsed));
        Assert.Equal(year, parsed.Year);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(9999)]
    public void Two_digit_years_at_the_ends_of_time_do_not_throw(int year)
    {
        var now = new DateTimeOffset(year, 6, 1, 0, 0, 0, TimeSpan.Zero);
        for (int yy = 0; yy < 100; yy++) HttpDate.TryParse($"Monday, 01-Jan-{yy:00} 00:00:00 GMT", now, out _);
    }

    [Fact]
    public void Round_trips_to_the_second() => Prop.ForAll<DateTimeOffset>(value =>
    {
        DateTimeOffset utc = value.ToUniversalTime();
        DateTimeOffset whole = utc.AddTicks(-(utc.Ticks % TimeSpan.TicksPerSecond));
        return HttpDate.TryParse(HttpDate.Format(value), Messages.Now, out DateTimeOffset parsed) && parsed == whole;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Never_throws()
    {
        static void Try(string? text) => HttpDate.TryParse(text.AsSpan(), Messages.Now, out _);
        Prop.ForAll<string>(Try).QuickCheckThrowOnFailure();
        Prop.ForAll(Messages.Hostile, Try).QuickCheckThrowOnFailure();
        string date = Messages.Date(0);
        for (int cut = 0; cut <= date.Length; cut++)
        {
            Try(date[..cut]);
            Try(date[cut..]);
            Try(date[..cut] + "," + date[cut..]);
        }
    }
}
