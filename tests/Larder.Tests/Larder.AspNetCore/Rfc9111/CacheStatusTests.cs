using Larder.AspNetCore.Rfc9111;

namespace Larder.Tests.Http.Rfc9111;

public class CacheStatusTests
{
    [Fact]
    public void Hits()
    {
        Assert.Equal("larder; hit; ttl=30", CacheStatus.Hit(30));
        Assert.Equal("larder; hit; ttl=-5; detail=stale", CacheStatus.Hit(-5, "stale"));
        Assert.Equal("larder; hit; ttl=-999999999999999", CacheStatus.Hit(long.MinValue));
    }

    [Fact]
    public void Forwards()
    {
        Assert.Equal("larder; fwd=uri-miss", CacheStatus.Forwarded("uri-miss", null, false, false, ""));
        Assert.Equal("larder; fwd=stale; fwd-status=304; stored; collapsed; detail=revalidated",
            CacheStatus.Forwarded("stale", 304, true, true, "revalidated"));
    }

    [Theory]
    [InlineData("a b", "\"a b\"")]
    [InlineData("1st", "\"1st\"")]
    [InlineData("a\"; x=\\", "\"a\\\"; x=\\\\\"")]
    [InlineData("a\r\nSet-Cookie: x\u00fc\u007f", "\"aSet-Cookie: x\"")]
    public void A_detail_that_is_no_token_is_a_string_and_can_split_nothing(string detail, string written) =>
        Assert.Equal("larder; fwd=miss; detail=" + written, CacheStatus.Forwarded("miss", null, false, false, detail));

    [Theory]
    [InlineData(Reason.MissCold, "uri-miss")]
    [InlineData(Reason.MissVary, "vary-miss")]
    [InlineData(Reason.MissExpired, "stale")]
    [InlineData(Reason.MissValidate, "stale")]
    [InlineData(Reason.Revalidated, "stale")]
    [InlineData(Reason.MissInvalidated, "miss")]
    [InlineData(Reason.MissRequest, "request")]
    [InlineData(Reason.BypassMethod, "method")]
    [InlineData(Reason.BypassRule, "bypass")]
    [InlineData(Reason.BypassLimit, "bypass")]
    public void Why_it_was_forwarded(Reason reason, string fwd) => Assert.Equal(fwd, CacheStatus.FwdFor(reason));

    [Fact]
    public void Every_reason_has_one_of_the_registered_words()
    {
        string[] registered = ["bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"];
        Assert.All(Enum.GetValues<Reason>(), reason => Assert.Contains(CacheStatus.FwdFor(reason), registered));
    }
}
