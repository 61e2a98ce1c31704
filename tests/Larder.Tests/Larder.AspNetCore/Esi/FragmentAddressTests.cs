using Larder.AspNetCore;

namespace Larder.Tests.Http.Esi;

public sealed class FragmentAddressTests
{
    [Theory]
    [InlineData("/f", "/f"), InlineData("/f?x=1", "/f?x=1"), InlineData("f", "/a/f"), InlineData("./f", "/a/f"), InlineData("../f", "/f"), InlineData("../../f", "/f"), InlineData("..", "/")]
    [InlineData("?y", "/a/page?y"), InlineData("", "/a/page?q"), InlineData("#x", "/a/page?q"), InlineData("/f#x", "/f"), InlineData("f/./g/../h?a=../b", "/a/f/h?a=../b"), InlineData("/f/..", "/")]
    [InlineData("http://host.example/f", "/f"), InlineData("HTTP://HOST.example:80/f", "/f"), InlineData("//host.example/f", "/f"), InlineData("http://host.example", "/"), InlineData("//host.example?x", "/?x")]
    [InlineData("x?u=http://other.example/", "/a/x?u=http://other.example/"), InlineData("/%C3%A9", "/%C3%A9")]
    public void A_reference_is_resolved_against_the_page(string source, string target) =>
        Assert.Equal(new FragmentAddress(target, null), FragmentAddress.Resolve(source, "http://host.example", "/a/page?q"));

    [Theory]
    [InlineData("https://host.example/f", "https://host.example"), InlineData("//other.example:8080/f", "http://other.example:8080"), InlineData("http://169.254.169.254/f", "http://169.254.169.254")]
    [InlineData("http://[::1]/f", "http://[::1]"), InlineData("http://host.example:81/f", "http://host.example:81"), InlineData("http://host.example./f", "http://host.example.")]
    public void Another_origin_is_told_apart(string source, string other) =>
        Assert.Equal(new FragmentAddress("/f", other), FragmentAddress.Resolve(source, "http://host.example", "/"));

    [Theory]
    [InlineData("file:///etc/passwd"), InlineData("ftp://host.example/f"), InlineData("javascript:alert(1)"), InlineData("data:text/html,x"), InlineData("http:/f"), InlineData("http:f"), InlineData("gopher://x")]
    [InlineData("http://user@host.example/f"), InlineData("http://host.example@evil.example/f"), InlineData("http:///f"), InlineData("//"), InlineData("http://:80/f"), InlineData("\\\\evil.example\\f")]
    [InlineData("/a b"), InlineData("/a\tb"), InlineData("/%2e%2e/f"), InlineData("/a//f"), InlineData("/a;b"), InlineData("/%00"), InlineData("/%2ff"), InlineData("/\u00e9"), InlineData("/<"), InlineData("http://evil\u3002example/")]
    [InlineData("/%"), InlineData("http://host.example%2f@evil.example/f")]
    public void What_leads_nowhere_is_refused(string source) => Assert.Null(FragmentAddress.Resolve(source, "http://host.example", "/"));

    [Fact]
    public void A_URL_that_is_too_long_is_refused()
    {
        Assert.NotNull(FragmentAddress.Resolve("/" + new string('x', 8191), "http://h", "/"));
        Assert.Null(FragmentAddress.Resolve("/" + new string('x', 8192), "http://h", "/"));
        Assert.Null(FragmentAddress.Resolve(new string('x', 8000), "http://h", "/" + new string('y', 8000) + "/z"));
    }

    [Fact]
    public void Other_hosts_are_those_of_the_list()
    {
        Assert.True(FragmentAddress.IsAllowed("http://cdn.example", ["other.example", "CDN.example"]));
        Assert.True(FragmentAddress.IsAllowed("https://cdn.example:8443", ["cdn.example:8443"]));
        Assert.False(FragmentAddress.IsAllowed("http://cdn.example:81", ["cdn.example"]));
        Assert.False(FragmentAddress.IsAllowed("http://cdn.example.evil.example", ["cdn.example"]));
    }
}
