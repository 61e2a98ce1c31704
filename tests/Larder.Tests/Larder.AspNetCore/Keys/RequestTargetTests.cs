using Larder.AspNetCore;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Larder.Tests.Http.Keys;

public sealed class RequestTargetTests
{
    [Theory]
    [InlineData("/"), InlineData("/a/b"), InlineData("/a.b/c-d_e~f"), InlineData("/a%20b"), InlineData("/caf%C3%A9"), InlineData("/a?x=/../;%2f//"), InlineData("/a/")]
    [InlineData("/...") , InlineData("/.a"), InlineData("/a..b"), InlineData("/a%3A%40b"), InlineData("/a%22b"), InlineData("/?"), InlineData("/a=b,c+d")]
    public void Plain(string target) => Assert.True(RequestTarget.IsPlain(target));

    [Theory]
    [InlineData(""), InlineData("a"), InlineData("?a"), InlineData("//"), InlineData("//a"), InlineData("/a//b"), InlineData("/a//")]
    [InlineData("/."), InlineData("/.."), InlineData("/./a"), InlineData("/../a"), InlineData("/a/."), InlineData("/a/.."), InlineData("/a/./b"), InlineData("/a/../b")]
    [InlineData("/a\\b"), InlineData("/a;b"), InlineData("/a;"), InlineData("/a#b")]
    [InlineData("/a%2fb"), InlineData("/a%2Fb"), InlineData("/%2e%2e/a"), InlineData("/%2E/a"), InlineData("/a%5cb"), InlineData("/a%3bb"), InlineData("/a%25b")]
    [InlineData("/a%00"), InlineData("/a%0a"), InlineData("/a%0d"), InlineData("/a%1f"), InlineData("/a%7f"), InlineData("/%61"), InlineData("/%5f"), InlineData("/%7e"), InlineData("/%2d")]
    [InlineData("/a%3fb"), InlineData("/a%23b"), InlineData("/a%26b"), InlineData("/a%c0%afb"), InlineData("/a%C1%9C"), InlineData("/a%ff")]
    [InlineData("/a%"), InlineData("/a%2"), InlineData("/a%zz"), InlineData("/a%2g"), InlineData("/ok%20/%2e")]
    public void Not_plain(string target) => Assert.False(RequestTarget.IsPlain(target));

    [Theory]
    [InlineData("/a?b", "/a?b"), InlineData("//a", "//a"), InlineData("http://h/a?b", "/a?b"), InlineData("HTTP://h", "/"), InlineData("http://h/", "/")]
    [InlineData("*", ""), InlineData("host:443", "")]
    public void The_target_as_sent(string raw, string target)
    {
        var context = new DefaultHttpContext();
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = raw;
        Assert.Equal(target, RequestTarget.Of(context).ToString());
    }

    [Fact]
    public void A_server_that_does_not_tell_it()
    {
        var context = new DefaultHttpContext { Request = { PathBase = "/b", Path = "/p", QueryString = new("?q") } };
        Assert.Equal("/b/p?q", RequestTarget.Of(context).ToString());
    }

    [Theory]
    [InlineData("/a/b", "/a/b"), InlineData("//a///b/", "/a/b"), InlineData("/a/./b/../c", "/a/c"), InlineData("/../../a", "/a"), InlineData("/a;x/b;y", "/a/b")]
    [InlineData("/a%2fb", "/a/b"), InlineData("/a%252fb", "/a/b"), InlineData(@"\a\b", "/a/b"), InlineData("/a%3fb", "/a"), InlineData("/a#b", "/a"), InlineData("/a%00.css", "/a")]
    [InlineData("/a%20/b", "/a/b"), InlineData("", "/")]
    public void The_most_lenient_reading(string path, string reading) => Assert.Equal(reading, RequestTarget.MostLenient(path));
}
