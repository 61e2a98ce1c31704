using FsCheck;
using FsCheck.Fluent;
using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;

namespace Larder.Tests.Http.Rfc9111;

public class CacheControlTests
{
    private static CacheControl Parse(params string[] lines) => CacheControl.Parse(new StringValues(lines));

    [Theory]
    [InlineData("max-age=3600", 3600L)]
    [InlineData("MaX-aGe=3600", 3600L)]
    [InlineData("max-age=\"3600\"", 3600L)]
    [InlineData("max-age=003600", 3600L)]
    [InlineData("foobar, max-age=3600", 3600L)]
    [InlineData(",, ,max-age=3600,,", 3600L)]
    [InlineData("max-age=2147483648", 2147483648L)]
    [InlineData("max-age=99999999999", 2147483648L)]
    [InlineData("max-age=99999999999999999999999999999999999999", 2147483648L)]
    [InlineData("max-age='3600'", 0L)]
    [InlineData("max-age=-3600", 0L)]
    [InlineData("max-age=3600.0", 0L)]
    [InlineData("max-age=3600a", 0L)]
    [InlineData("max-age=a3600", 0L)]
    [InlineData("max-age=", 0L)]
    [InlineData("max-age=\"\"", 0L)]
    [InlineData("max-age=\"36\\00\"", 0L)]
    [InlineData("max-age", 0L)]
    [InlineData("max-age =3600", 0L)]
    [InlineData("max-age= 3600", 0L)]
    [InlineData("max-age=\"3600\"x", 0L)]
    [InlineData("max-age=3600; private", 0L)]
    [InlineData("max-age=1, max-age=1800", 1L)]
    [InlineData("max-age=1800, max-age=1", 1800L)]
    [InlineData("max-age=x, max-age=1800", 0L)]
    [InlineData("extension=\"max-age=3600\", max-age=1", 1L)]
    [InlineData("max-age=1, extension=\"max-age=3600\"", 1L)]
    [InlineData("extension=\"a\\\", max-age=3600, \\\"\", max-age=\"1\"", 1L)]
    [InlineData("s-maxage=5", null)]
    [InlineData("xmax-age=5, max-agex=5", null)]
    [InlineData("", null)]
    public void Max_age(string line, long? seconds) => Assert.Equal(seconds, Parse(line).MaxAge);

    [Fact]
    public void Several_lines_are_one_list_and_the_first_occurrence_counts()
    {
        CacheControl cc = Parse("max-age=3600, public", "max-age=1, s-maxage=7");
        Assert.Equal(3600, cc.MaxAge);
        Assert.Equal(7, cc.SMaxAge);
        Assert.True(cc.Public);
    }

    [Fact]
    public void Every_directive_is_recognised_in_any_case()
    {
        CacheControl cc = Parse("No-Store, NO-CACHE, pRIVATE, Public, Must-Revalidate, Proxy-Revalidate, Must-Understand, "
            + "No-Transform, Immutable, Only-If-Cached, Max-Stale, Min-Fresh=3, Stale-While-Revalidate=4, Stale-If-Error=5");
        Assert.True(cc is { NoStore: true, NoCache: true, Private: true, Public: true, MustRevalidate: true });
        Assert.True(cc is { ProxyRevalidate: true, MustUnderstand: true, NoTransform: true, Immutable: true });
        Assert.True(cc is { OnlyIfCached: true, MaxStale: true, MaxStaleSeconds: null, MinFresh: 3 });
        Assert.True(cc is { StaleWhileRevalidate: 4, StaleIfError: 5, NoCacheFields: null, PrivateFields: null });
    }

    [Fact]
    public void Nothing_is_set_without_a_field() => Assert.Equal(default, CacheControl.Parse(StringValues.Empty));

    [Theory]
    [InlineData("no-cache=\"a, b\"", "a|b", false)]
    [InlineData("no-cache=\"a\"", "a", false)]
    [InlineData("no-cache=a", "a", false)]
    [InlineData("no-cache=\"a\", no-cache=\"b\"", "a|b", false)]
    [InlineData("no-cache=\"a\", no-cache", "a", true)]
    [InlineData("no-cache=\"\"", null, true)]
    [InlineData("no-cache=\" , \"", null, true)]
    [InlineData("no-cache=", null, true)]
    [InlineData("no-cache =\"a\"", null, true)]
    [InlineData("no-cache=\"a b\"", null, true)]
    [InlineData("no-cache=\"\\a\"", null, true)]
    [InlineData("no-cache=\"a", null, true)]
    public void Qualified_form(string line, string? fields, bool whole)
    {
        CacheControl noCache = Parse(line);
        Assert.Equal(fields?.Split('|'), noCache.NoCacheFields);
        Assert.Equal(whole, noCache.NoCache);

        CacheControl @private = Parse(line.Replace("no-cache", "private", StringComparison.Ordinal));
        Assert.Equal(fields?.Split('|'), @private.PrivateFields);
        Assert.Equal(whole, @private.Private);
    }

    [Theory]
    [InlineData("no-store=x")]
    [InlineData("no-store =x")]
    [InlineData("max-age=60, ext=\"unclosed, no-store")]
    [InlineData("ext=\"\\\", no-store")]
    [InlineData("\", no-store")]
    [InlineData("ext \"a, no-store")]
    public void What_restricts_is_honoured_though_malformed(string line) => Assert.True(Parse(line).NoStore);

    [Fact]
    public void A_closed_quoted_string_hides_what_is_in_it() => Assert.False(Parse("ext=\"a, no-store\"").NoStore);

    [Theory]
    [InlineData("max-stale", true, null)]
    [InlineData("max-stale=10", true, 10L)]
    [InlineData("max-stale=x", false, null)]
    [InlineData("max-stale=", false, null)]
    [InlineData("max-stale=5, max-stale", true, 5L)]
    [InlineData("max-stale=x, max-stale", false, null)]
    public void Max_stale(string line, bool given, long? seconds)
    {
        CacheControl cc = Parse(line);
        Assert.Equal(given, cc.MaxStale);
        Assert.Equal(seconds, cc.MaxStaleSeconds);
    }

    [Fact]
    public void An_invalid_window_grants_nothing() =>
        Assert.True(Parse("stale-if-error=x, stale-while-revalidate, min-fresh=-1")
            is { StaleIfError: null, StaleWhileRevalidate: null, MinFresh: null });

    [Fact]
    public void Never_throws_and_lifetimes_stay_in_range()
    {
        static bool InRange(string text)
        {
            CacheControl cc = CacheControl.Parse(text);
            return (cc.MaxAge ?? 0) is >= 0 and <= DeltaSeconds.Max && (cc.SMaxAge ?? 0) is >= 0 and <= DeltaSeconds.Max;
        }
        Prop.ForAll<string>(InRange).QuickCheckThrowOnFailure();
        Prop.ForAll(Messages.Hostile, InRange).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_list_reads_the_same_on_one_line_and_on_several()
    {
        Gen<string[]> lists = Gen.Elements("max-age=5", "max-age=9", "s-maxage=\"7\"", "public", "x=\"a,b\"", "no-store",
            "max-stale", "stale-if-error=3").ArrayOf();
        Prop.ForAll(lists.ToArbitrary(), list => Parse(list) == Parse(string.Join(" , ", list))).QuickCheckThrowOnFailure();
    }
}
