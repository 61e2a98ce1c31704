using Larder.Gateway.Forwarding;

namespace Larder.Tests.Gateway.Forwarding;

public sealed class HeaderRulesTests
{
    [Theory]
    [InlineData("connection", true)]
    [InlineData("KEEP-ALIVE", true)]
    [InlineData("TE", true)]
    [InlineData("Trailer", true)]
    [InlineData("Transfer-Encoding", true)]
    [InlineData("Upgrade", true)]
    [InlineData("Proxy-Authorization", true)]
    [InlineData("Proxy-Whatever", true)]
    [InlineData("HTTP2-Settings", true)]
    [InlineData("Proxy-Status", false)]
    [InlineData("Authorization", false)]
    [InlineData("X-Te", false)]
    public void Fields_of_one_hop(string name, bool expected) => Assert.Equal(expected, HeaderRules.IsHopByHop(name));

    [Theory]
    [InlineData("Forwarded", true)]
    [InlineData("x-forwarded-anything", true)]
    [InlineData("X_Forwarded_Host", true)]
    [InlineData("X-Forwarded_Host", true)]
    [InlineData("X-Real-Ip", true)]
    [InlineData("X-Host", true)]
    [InlineData("X-Original-URL", true)]
    [InlineData("X-Rewrite-URL", true)]
    [InlineData("X-Original-Host", true)]
    [InlineData("X-HTTP-Method-Override", true)]
    [InlineData("X-HTTP-Method", true)]
    [InlineData("X-Method-Override", true)]
    [InlineData("Proxy", true)]
    [InlineData("X-Request-Id", false)]
    [InlineData("Host", false)]
    public void Fields_that_a_client_may_not_set(string name, bool expected) => Assert.Equal(expected, HeaderRules.IsUntrusted(name));

    [Theory]
    [InlineData("host")]
    [InlineData("Content-Length")]
    [InlineData("Content-Type")]
    [InlineData("Authorization")]
    [InlineData("Cookie")]
    [InlineData("Cache-Control")]
    [InlineData("Age")]
    [InlineData("Via")]
    [InlineData("If-None-Match")]
    [InlineData("Accept")]
    [InlineData("Accept-Encoding")]
    [InlineData("X-Forwarded-For")]
    public void Fields_that_Connection_may_not_name(string name) => Assert.True(HeaderRules.IsProtected(name));

    [Theory]
    [InlineData("close")]
    [InlineData("keep-alive")]
    [InlineData("Upgrade")]
    [InlineData("X-Custom")]
    public void Fields_that_Connection_may_name(string name) => Assert.False(HeaderRules.IsProtected(name));

    [Fact]
    public void Tokens_of_several_lines_are_one_list()
    {
        Assert.Equal(["a", "b", "c"], HeaderRules.Tokens(["a , b,", null, "", ",c"]));
        Assert.True(HeaderRules.HasToken(["gzip", "Trailers , x"], "trailers"));
        Assert.False(HeaderRules.HasToken(["xtrailers"], "trailers"));
    }

    [Theory]
    [InlineData("a\u0001b", true)]
    [InlineData("\u007f", true)]
    [InlineData("a\tb \u00e9", false)]
    [InlineData(null, false)]
    public void Control_characters_are_seen(string? value, bool expected) => Assert.Equal(expected, HeaderRules.HasControl(value));
}
