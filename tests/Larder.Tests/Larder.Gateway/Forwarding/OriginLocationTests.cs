using Larder.Gateway.Forwarding;

namespace Larder.Tests.Gateway.Forwarding;

public sealed class OriginLocationTests
{
    private const string Client = "https://shop.example";

    [Theory]
    [InlineData("http://10.0.0.1:8081", "http://10.0.0.1:8081/a?b#c", "https://shop.example/a?b#c")]
    [InlineData("http://10.0.0.1:8081", "http://10.0.0.1:8081", "https://shop.example")]
    [InlineData("http://10.0.0.1:8081", "http://10.0.0.1:8081?q", "https://shop.example?q")]
    [InlineData("http://10.0.0.1:8081", "HTTP://10.0.0.1:8081/%2e%2E//x", "https://shop.example/%2e%2E//x")]
    [InlineData("http://10.0.0.1:8081", "//10.0.0.1:8081/a", "https://shop.example/a")]
    [InlineData("http://Origin", "http://oRIGIN:80/a", "https://shop.example/a")]
    [InlineData("http://origin:80", "http://origin/a", "https://shop.example/a")]
    [InlineData("http://origin", "http://origin:/a", "https://shop.example/a")]
    [InlineData("https://origin", "https://origin:443/a", "https://shop.example/a")]
    [InlineData("http://[::1]:81", "http://[::1]:81/a", "https://shop.example/a")]
    [InlineData("http://origin/base/", "http://origin/base/a", "https://shop.example/a")]
    [InlineData("http://origin/base", "http://origin/base", "https://shop.example")]
    [InlineData("http://origin/base", "http://origin/base?q", "https://shop.example?q")]
    public void A_URL_of_the_origin_becomes_the_clients(string origin, string url, string expected) =>
        Assert.Equal(expected, OriginLocation.ForClient(url, new(new(origin)), Client));

    [Theory]
    [InlineData("http://origin:8081", "http://origin/a")]
    [InlineData("http://origin", "https://origin/a")]
    [InlineData("http://origin", "http://origin.evil.example/a")]
    [InlineData("http://origin", "http://user@origin/a")]
    [InlineData("http://origin", "http://origin:800/a")]
    [InlineData("http://origin", "/a")]
    [InlineData("http://origin", "/a?next=http://origin/b")]
    [InlineData("http://origin", "")]
    [InlineData("http://origin", "urn:x")]
    [InlineData("http://origin/base", "http://origin/other")]
    [InlineData("http://origin/base", "http://origin/basement")]
    public void Any_other_reference_stays(string origin, string url) =>
        Assert.Null(OriginLocation.ForClient(url, new(new(origin)), Client));
}
