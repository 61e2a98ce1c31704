using FsCheck;
using FsCheck.Fluent;
using Larder.AspNetCore.Rfc9111;
using static Larder.Tests.Http.Rfc9111.Messages;

namespace Larder.Tests.Http.Rfc9111;

public class FreshnessTests
{
    private static readonly TimeSpan Rule = TimeSpan.FromSeconds(77);

    private static void Expect(FreshnessSource source, double seconds, ResponseFacts r, TimeSpan? rule = null) =>
        Assert.Equal(new FreshnessLifetime(TimeSpan.FromSeconds(seconds), source), Freshness.Lifetime(r, Now, rule));

    [Fact]
    public void S_maxage_goes_before_max_age_before_expires_before_the_rule()
    {
        (string, string) expires = ("Expires", Date(30)), date = ("Date", Date(0));
        Expect(FreshnessSource.SMaxAge, 10, Ok(("Cache-Control", "max-age=20, s-maxage=10"), expires, date), Rule);
        Expect(FreshnessSource.SMaxAge, 3600, Ok(("Cache-Control", "max-age=0, s-maxage=3600"), ("Expires", Date(-10))), Rule);
        Expect(FreshnessSource.MaxAge, 20, Ok(("Cache-Control", "max-age=20"), expires, date), Rule);
        Expect(FreshnessSource.MaxAge, 0, Ok(("Cache-Control", "max-age=0"), expires, date), Rule);
        Expect(FreshnessSource.Expires, 30, Ok(expires, date), Rule);
        Expect(FreshnessSource.Rule, 77, Ok(date, ("Last-Modified", Date(-1000))), Rule);
        Expect(FreshnessSource.Heuristic, 100, Ok(date, ("Last-Modified", Date(-1000))));
        Expect(FreshnessSource.None, 0, Ok(date));
    }

    [Fact]
    public void Expires_counts_from_date_and_from_arrival_without_a_valid_one()
    {
        Expect(FreshnessSource.Expires, 0, Ok(("Expires", Date(300)), ("Date", Date(400))));
        Expect(FreshnessSource.Expires, 20, Ok(("Expires", Date(10)), ("Date", Date(-10))));
        Expect(FreshnessSource.Expires, 10, Ok(("Expires", Date(10)), ("Date", "foo")));
        Expect(FreshnessSource.Expires, 10, Ok(("Expires", Date(10))));
        Expect(FreshnessSource.Expires, 0, Ok(("Expires", "0"), ("Date", Date(0))), Rule);
        Expect(FreshnessSource.Expires, 0, Ok(("Expires", ""), ("Date", Date(0))), Rule);
        Expect(FreshnessSource.Expires, 0, Ok(("Expires", Date(9)), ("Expires", Date(9)), ("Date", Date(0))), Rule);
    }

    [Theory]
    [InlineData("no-cache", 0d)]
    [InlineData("no-cache=\"a\"", 77d)]
    [InlineData("must-revalidate", 77d)]
    [InlineData("max-age=x", 0d)]
    public void The_rule_holds_only_where_the_origin_is_silent(string cacheControl, double seconds) =>
        Assert.Equal(seconds, Freshness.Lifetime(Ok(("Cache-Control", cacheControl)), Now, Rule).Value.TotalSeconds);

    [Fact]
    public void Pragma_no_cache_speaks_for_the_origin_if_there_is_no_cache_control()
    {
        Expect(FreshnessSource.None, 0, Ok(("Pragma", "x, No-Cache"), ("Last-Modified", Date(-1000))), Rule);
        Expect(FreshnessSource.Rule, 77, Ok(("Pragma", "no-cache"), ("Cache-Control", "public")), Rule);
        Expect(FreshnessSource.Rule, 77, Ok(("Pragma", "unrecognised")), Rule);
    }

    [Theory]
    [InlineData(200, true), InlineData(203, true), InlineData(204, true), InlineData(300, true), InlineData(301, true)]
    [InlineData(308, true), InlineData(404, true), InlineData(405, true), InlineData(410, true), InlineData(414, true)]
    [InlineData(501, true), InlineData(201, false), InlineData(202, false), InlineData(302, false), InlineData(307, false)]
    [InlineData(403, false), InlineData(502, false), InlineData(503, false), InlineData(504, false), InlineData(599, false)]
    public void Heuristic_and_rule_need_a_status_that_permits_them_or_public(int status, bool permitted)
    {
        (string, string) modified = ("Last-Modified", Date(-86400));
        Assert.Equal(permitted, Freshness.Lifetime(Response(status, modified), Now, null).Value > TimeSpan.Zero);
        // A rule's lifetime for an error is given for errors.
        Assert.Equal(permitted || status >= 400, Freshness.Lifetime(Response(status), Now, Rule).Value > TimeSpan.Zero);
        Assert.True(Freshness.Lifetime(Response(status, modified, ("Cache-Control", "public")), Now, null).Value > TimeSpan.Zero);
    }

    [Fact]
    public void The_heuristic_is_capped_at_a_day_and_needs_a_past_last_modified()
    {
        Expect(FreshnessSource.Heuristic, 86400, Ok(("Last-Modified", "Thu, 01 Jan 1970 00:00:00 GMT")));
        Expect(FreshnessSource.None, 0, Ok(("Last-Modified", Date(10))));
        Expect(FreshnessSource.None, 0, Ok(("Last-Modified", "yesterday")));
    }

    [Theory]
    [InlineData(0, 0, 0, 0d)]
    [InlineData(-7200, 0, 0, 7200d)]
    [InlineData(7200, 0, 0, 0d)]
    [InlineData(-10, 25, 0, 25d)]
    [InlineData(0, 25, 4, 29d)]
    [InlineData(-3, 0, 4, 4d)]
    [InlineData(0, 25, -4, 25d)]
    public void Initial_age(int date, int age, int exchange, double seconds)
    {
        ResponseFacts r = Ok(("Date", Date(date)), ("Age", age.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal(seconds, Freshness.InitialAge(r, Now.AddSeconds(-exchange), Now).TotalSeconds);
    }

    [Fact]
    public void The_greatest_age_makes_every_lifetime_too_short()
    {
        ResponseFacts r = Ok(("Cache-Control", "max-age=99999999999"), ("Age", "99999999999"), ("Date", Date(0)));
        Assert.True(Freshness.InitialAge(r, Now, Now) >= Freshness.Lifetime(r, Now, null).Value);
        Assert.True(Freshness.InitialAge(r, Now, Now) >= Freshness.Lifetime(Ok(), Now, TimeSpan.MaxValue).Value);
    }

    [Fact]
    public void Extreme_instants_saturate() =>
        Prop.ForAll<DateTimeOffset, DateTimeOffset, TimeSpan>((a, b, ttl) =>
        {
            DateTimeOffset[] instants = [DateTimeOffset.MinValue, DateTimeOffset.MaxValue, a, b];
            foreach (DateTimeOffset x in instants)
            foreach (DateTimeOffset y in instants)
            {
                var r = new ResponseFacts { Status = 200, Date = x, HasExpires = true, Expires = y, Age = long.MaxValue };
                var h = new ResponseFacts { Status = 200, Date = x, LastModified = y, Age = long.MinValue };
                TimeSpan[] spans = [Freshness.Lifetime(r, y, ttl).Value, Freshness.Lifetime(h, y, null).Value,
                    Freshness.Lifetime(h, x, ttl).Value, Freshness.InitialAge(r, x, y), Freshness.InitialAge(h, y, x)];
                if (spans.Any(s => s < TimeSpan.Zero || s > DeltaSeconds.MaxSpan)) return false;
            }
            return true;
        }).QuickCheckThrowOnFailure();
}
