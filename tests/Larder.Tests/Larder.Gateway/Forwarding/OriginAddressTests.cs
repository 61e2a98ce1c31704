using Larder.Gateway.Forwarding;

namespace Larder.Tests.Gateway.Forwarding;

public sealed class OriginAddressTests
{
    [Theory]
    [InlineData("http://127.0.0.1:9", "http://127.0.0.1:9", "")]
    [InlineData("https://user:secret@api.example/v1/", "https://api.example", "/v1")]
    [InlineData("http://[::1]:81/a%2fb", "http://[::1]:81", "/a%2fb")]
    public void An_origin_is_named_without_user_information(string uri, string name, string pathBase)
    {
        var origin = new OriginAddress(new Uri(uri));

        Assert.Equal(name, origin.Name);
        Assert.Equal(pathBase, origin.PathBase, ignoreCase: true);
        Assert.Equal(origin.PathBase + "//x/../y", origin.For("//x/../y").PathAndQuery);
    }

    [Theory]
    [InlineData("ftp://h")]
    [InlineData("http://h/?a=b")]
    [InlineData("http://h/#a")]
    [InlineData("/relative")]
    public void Other_origins_are_refused(string uri) =>
        Assert.Throws<ArgumentException>(() => new OriginAddress(new Uri(uri, UriKind.RelativeOrAbsolute)));
}
