using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;

namespace Larder.Tests.Http.Rfc9111;

/// <summary>Which fields are hop-by-hop, and which a 304 replaces.</summary>
public class FieldRulesTests
{
    public static TheoryData<string> HopByHopNames =>
    [
        "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Authorization",
        "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
    ];

    [Theory, MemberData(nameof(HopByHopNames))]
    public void Hop_by_hop(string name)
    {
        Assert.True(HopByHop.IsHopByHop(name));
        Assert.True(HopByHop.IsHopByHop(name.ToUpperInvariant()));
        Assert.False(Freshening.MayUpdate(name));
        Assert.False(HopByHop.IsHopByHop(name + "x"));
        Assert.False(HopByHop.IsHopByHop("x" + name[1..]));
    }

    [Theory]
    [InlineData("Test-Header"), InlineData("X-Test-Header"), InlineData("Content-Foo"), InlineData("X-Content-Foo")]
    [InlineData("Cache-Control"), InlineData("Content-Location"), InlineData("Content-Security-Policy"), InlineData("Date")]
    [InlineData("Content-Type"), InlineData("Clear-Site-Data"), InlineData("Expires"), InlineData("Public-Key-Pins")]
    [InlineData("Set-Cookie2"), InlineData("X-Frame-Options"), InlineData("X-XSS-Protection"), InlineData("Last-Modified")]
    public void A_304_replaces(string name)
    {
        Assert.True(Freshening.MayUpdate(name));
        Assert.False(HopByHop.IsHopByHop(name));
    }

    [Theory]
    [InlineData("Content-Encoding"), InlineData("Content-Length"), InlineData("Content-MD5"), InlineData("Content-Range")]
    [InlineData("ETag"), InlineData("Set-Cookie"), InlineData("Digest"), InlineData("Content-Digest"), InlineData("Repr-Digest")]
    public void A_304_does_not_replace(string name)
    {
        Assert.False(Freshening.MayUpdate(name));
        Assert.False(Freshening.MayUpdate(name.ToLowerInvariant()));
    }

    [Fact]
    public void Connection_options()
    {
        Assert.Null(HopByHop.ConnectionOptions(StringValues.Empty));
        Assert.Null(HopByHop.ConnectionOptions(" , ,not a token"));
        HashSet<string>? options = HopByHop.ConnectionOptions(new StringValues(["a, B", "close"]));
        Assert.NotNull(options);
        Assert.True(options.SetEquals(["A", "b", "Close"]));
    }

    [Theory]
    [InlineData("Foo, Bar", "bar,foo", false)]
    [InlineData("Foo", null, false)]
    [InlineData(null, null, false)]
    [InlineData(null, "Foo", true)]
    [InlineData("Foo", "Foo, Cookie", true)]
    [InlineData("Foo", "", true)]
    [InlineData("Foo", "*", true)]
    [InlineData(null, "", false)]
    public void A_304_with_another_vary_is_noticed(string? stored, string? received, bool changed) =>
        Assert.Equal(changed, Freshening.ChangesVary(
            stored is null ? StringValues.Empty : stored, received is null ? StringValues.Empty : received));
}
