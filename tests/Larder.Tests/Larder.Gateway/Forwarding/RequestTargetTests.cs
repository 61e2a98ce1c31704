using Larder.Gateway.Forwarding;

namespace Larder.Tests.Gateway.Forwarding;

public sealed class RequestTargetTests
{
    [Theory]
    [InlineData("/")]
    [InlineData("/a%2fb/%2e%2e/.././/c?x=%zz&y=a|b\"<>^`{}")]
    [InlineData("//evil.example/x")]
    [InlineData("/?")]
    [InlineData("/%00%0d%0a")]
    [InlineData("/a?b=/../c")]
    public void An_origin_form_is_kept_byte_for_byte(string raw)
    {
        RequestTarget target = RequestTarget.Parse(raw);

        Assert.Null(target.Refusal);
        Assert.Equal(raw, target.PathAndQuery);
        Uri uri = new OriginAddress(new Uri("http://127.0.0.1:9/")).For(target.PathAndQuery!);
        Assert.Equal(raw, uri.PathAndQuery);
        Assert.Equal("127.0.0.1", uri.Host);
    }

    [Theory]
    [InlineData("http://h", "/")]
    [InlineData("HTTP://h:80/a%2Fb?c", "/a%2Fb?c")]
    [InlineData("https://h?x=/y", "/?x=/y")]
    [InlineData("http://h//a/../b", "//a/../b")]
    [InlineData("*", "*")]
    public void The_absolute_form_loses_its_authority(string raw, string expected) =>
        Assert.Equal(expected, RequestTarget.Parse(raw).PathAndQuery);

    [Theory]
    [InlineData("/a#b")]
    [InlineData("/a\\b")]
    [InlineData("/a b")]
    [InlineData("/a\tb")]
    [InlineData("/a\u0001")]
    [InlineData("/\u007f")]
    [InlineData("/\u00e4")]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("host:443")]
    [InlineData("http:///a")]
    [InlineData("ftp://h/a")]
    public void What_cannot_arrive_as_sent_is_refused(string raw)
    {
        RequestTarget target = RequestTarget.Parse(raw);

        Assert.Null(target.PathAndQuery);
        Assert.Equal(400, target.Refusal!.Status);
    }

    [Theory]
    [InlineData("/../x")]
    [InlineData("/a/%2e%2E/x")]
    [InlineData("/a%2f..%2fx")]
    [InlineData("/..%5cx")]
    [InlineData("/..;/x")]
    public void A_path_base_cannot_be_left(string target)
    {
        Assert.NotNull(RequestTarget.LeavingBase("/base", target));
        Assert.Null(RequestTarget.LeavingBase("", target));
    }

    [Theory]
    [InlineData("/a/..b/x")]
    [InlineData("/a?b=/../c")]
    [InlineData("/./a")]
    public void Other_dots_stay_in_the_path_base(string target) => Assert.Null(RequestTarget.LeavingBase("/base", target));
}
