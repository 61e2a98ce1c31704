using FsCheck;
using FsCheck.Fluent;
using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;

namespace Larder.Tests.Http.Rfc9111;

public class ContentCodingsTests
{
    [Theory]
    [InlineData("gzip, br", "br"), InlineData("gzip", "gzip"), InlineData("x-gzip", "gzip"), InlineData("br;q=0.5, gzip", "gzip"), InlineData("br;q=0.5, gzip;q=0.5", "br"), InlineData("deflate", "identity")]
    [InlineData("*", "br"), InlineData("*;q=0", "identity"), InlineData("br;q=0, *", "gzip"), InlineData("gzip;q=0.5, identity", "identity"), InlineData("gzip;q=0, br;q=0", "identity")]
    [InlineData("identity;q=0, br;q=0.001", "br"), InlineData("GZIP;Q=1.0", "gzip"), InlineData("br;q=2", "identity"), InlineData("br;q=x, gzip", "gzip"), InlineData("br;q=0.1234", "identity"), InlineData("", "identity")]
    public void The_best_liked_one_that_there_is(string field, string coding) => Assert.Equal(coding, ContentCodings.Choose(field, hasBrotli: true, hasGzip: true));

    [Fact]
    public void What_is_not_there_is_not_chosen()
    {
        Assert.Equal("gzip", ContentCodings.Choose("br, gzip", hasBrotli: false, hasGzip: true));
        Assert.Equal("identity", ContentCodings.Choose("br", hasBrotli: false, hasGzip: true));
        Assert.Equal("identity", ContentCodings.Choose(StringValues.Empty, hasBrotli: true, hasGzip: true));
        Assert.Equal("gzip", ContentCodings.Choose(new StringValues(["br;q=0.1", "gzip;q=0.2"]), hasBrotli: true, hasGzip: true));
    }

    [Fact]
    public void Never_throws() => Prop.ForAll(Messages.Hostile, static text => ContentCodings.Choose(text, true, true) is "br" or "gzip" or "identity").QuickCheckThrowOnFailure();
}
