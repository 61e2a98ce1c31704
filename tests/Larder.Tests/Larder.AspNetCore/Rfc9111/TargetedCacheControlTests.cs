using Larder.AspNetCore.Rfc9111;

namespace Larder.Tests.Http.Rfc9111;

public class TargetedCacheControlTests
{
    private static ResponseFacts Facts(params (string Name, string Value)[] fields) =>
        ResponseFacts.From(200, new Messages.Lookup(fields), Messages.Now, TargetedCacheControl.DefaultTargets);

    private static TimeSpan LifetimeOf(params (string Name, string Value)[] fields) => Freshness.Lifetime(Facts(fields), Messages.Now, null).Value;

    [Fact]
    public void It_decides_in_the_place_of_Cache_Control_and_Expires()
    {
        Assert.Equal(TimeSpan.FromSeconds(600), LifetimeOf(("Cache-Control", "no-store, max-age=1"), ("CDN-Cache-Control", "max-age=600"), ("Expires", Messages.Date(-50)), ("Pragma", "no-cache")));
        Assert.False(Facts(("Cache-Control", "no-store"), ("CDN-Cache-Control", "max-age=600")).CacheControl.NoStore);
        Assert.True(Facts(("Cache-Control", "max-age=600"), ("CDN-Cache-Control", "no-store")).CacheControl.NoStore);
        Assert.True(Facts(("Cache-Control", "max-age=600"), ("CDN-Cache-Control", "private")).CacheControl.Private);
    }

    [Fact]
    public void The_more_specific_field_wins() =>
        Assert.Equal(TimeSpan.FromSeconds(5), LifetimeOf(("CDN-Cache-Control", "max-age=600"), ("Larder-Cache-Control", "max-age=5")));

    [Theory]
    [InlineData(""), InlineData("max-age=600, &&&"), InlineData("max-age =600"), InlineData("MAX-AGE=600")]
    public void What_is_empty_or_malformed_is_as_if_it_were_not_there(string field)
    {
        Assert.Equal(TimeSpan.FromSeconds(7), LifetimeOf(("Cache-Control", "max-age=7"), ("CDN-Cache-Control", field)));
        Assert.True(Facts(("Cache-Control", "no-store"), ("CDN-Cache-Control", field)).CacheControl.NoStore);
    }

    [Fact]
    public void A_lifetime_of_another_type_is_not_understood_and_a_restriction_holds_with_any()
    {
        Assert.Null(Facts(("CDN-Cache-Control", "max-age=\"600\"")).CacheControl.MaxAge);
        Assert.Null(Facts(("CDN-Cache-Control", "max-age=-1")).CacheControl.MaxAge);
        Assert.True(Facts(("CDN-Cache-Control", "no-store=1")).CacheControl.NoStore);
        Assert.True(Facts(("CDN-Cache-Control", "private=yes")).CacheControl.Private);
        Assert.Equal(["set-cookie"], Facts(("CDN-Cache-Control", "no-cache=\"set-cookie\"")).CacheControl.NoCacheFields!);
    }

    [Fact]
    public void Surrogate_Control_may_name_whom_it_is_for_and_need_not_be_about_caching()
    {
        Assert.Equal(60, Facts(("Surrogate-Control", "max-age=60;larder")).CacheControl.MaxAge);
        Assert.Equal(7, Facts(("Surrogate-Control", "max-age=60;other"), ("Cache-Control", "max-age=7")).CacheControl.MaxAge);
        Assert.Equal(7, Facts(("Surrogate-Control", "content=\"ESI/1.0\""), ("Cache-Control", "max-age=7")).CacheControl.MaxAge);
    }

    [Fact]
    public void Without_targets_Cache_Control_alone_counts() =>
        Assert.Null(ResponseFacts.From(200, new Messages.Lookup([("CDN-Cache-Control", "max-age=60")]), Messages.Now).CacheControl.MaxAge);
}
