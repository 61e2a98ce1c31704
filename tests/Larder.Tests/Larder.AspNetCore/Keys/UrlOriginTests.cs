using Larder.AspNetCore;

namespace Larder.Tests.AspNetCore.Keys;

/// <summary>URLs that somebody types, in the spelling of keys.</summary>
public sealed class UrlOriginTests
{
    [Theory]
    [InlineData("http://a", "http://a/")]
    [InlineData("HTTP://API.Example:80/Zones/%7e?b=2&a=1", "http://api.example/Zones/%7e?b=2&a=1")]
    [InlineData("https://a:443?x", "https://a/?x")]
    [InlineData("http://a:8080//x", "http://a:8080//x")]
    [InlineData("ftp://a", null)]
    [InlineData("/zones", null)]
    [InlineData("http://", null)]
    [InlineData("http://u:p@a/", null)]
    [InlineData("http://a/#f", null)]
    [InlineData("http://a/b c", null)]
    public void Scheme_and_host_have_one_spelling_and_the_rest_stays(string typed, string? spelt) => Assert.Equal(spelt, UrlOrigin.Spelt(typed));
}
