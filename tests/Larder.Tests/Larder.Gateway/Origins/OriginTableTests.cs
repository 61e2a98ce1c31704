using Larder.Gateway.Forwarding;
using Larder.Gateway.Hosting;
using Larder.Gateway.Origins;
using Microsoft.Extensions.Logging.Abstractions;

namespace Larder.Tests.Gateway.Origins;

public sealed class OriginTableTests
{
    private static readonly OriginTable Table = Of(
        Route("exact", "shop.example.com"), Route("exact-api", "shop.example.com", "/api"), Route("exact-api-v2", "shop.example.com", "/api/v2"),
        Route("below", "*.example.com"), Route("deep", "*.eu.example.com"), Route("only-docs", "docs.example.com", "/docs"),
        Route("admin", null, "/admin"), Route("internal", null, "/@internal"), Route("rest", null));

    [Theory]
    [InlineData("shop.example.com", "/", "exact")]
    [InlineData("SHOP.example.com:8080", "/", "exact")]
    [InlineData("shop.example.com.", "/", "exact")]
    [InlineData("shop.example.com", "/api", "exact-api")]
    [InlineData("shop.example.com", "/api?x=/api/v2", "exact-api")]
    [InlineData("shop.example.com", "/api/", "exact-api")]
    [InlineData("shop.example.com", "/api/v2/x", "exact-api-v2")]
    [InlineData("shop.example.com", "/api/v20", "exact-api")]
    [InlineData("shop.example.com", "/apis", "exact")]
    [InlineData("shop.example.com", "/API", "exact")]
    [InlineData("shop.example.com", "/admin", "exact")]
    [InlineData("other.example.com", "/", "below")]
    [InlineData("a.b.example.com", "/", "below")]
    [InlineData("a.eu.example.com", "/", "deep")]
    [InlineData("example.com", "/", "rest")]
    [InlineData("notexample.com", "/", "rest")]
    [InlineData("docs.example.com", "/docs/a", "only-docs")]
    [InlineData("docs.example.com", "/a", "below")]
    [InlineData("", "/admin/x", "admin")]
    [InlineData("[::1]:80", "/x", "rest")]
    public void The_most_specific_host_goes_first_and_then_the_longest_path(string host, string target, string expected)
    {
        Assert.Null(Table.Find(host, target, out Origin? origin));
        Assert.Equal(expected, origin!.Name);
    }

    [Theory]
    [InlineData("//admin/x")]
    [InlineData("/%61dmin")]
    [InlineData("/admin%2fx")]
    [InlineData("/admin;a=b/x")]
    [InlineData("/public/..%2fadmin")]
    [InlineData("/public/../admin")]
    [InlineData("/public/%252e%252e/admin")]
    [InlineData("/admin/../public")]
    [InlineData("/admin/..;/public")]
    [InlineData("/admin/../x/%2e%2e/admin")]
    [InlineData("/./admin")]
    [InlineData("/admin%00")]
    [InlineData("/%40internal/x")]
    [InlineData("/@internal%20")]
    public void A_path_that_could_be_another_origins_is_refused(string target)
    {
        Assert.Equal(400, Table.Find("a", target, out Origin? origin)!.Status);
        Assert.Null(origin);
    }

    [Theory]
    [InlineData("a", "/admin//x", "admin")]
    [InlineData("a", "/x%2fy", "rest")]
    [InlineData("a", "/x%20y/%c3%a9", "rest")]
    [InlineData("a", "/@internal/%40x", "internal")]
    [InlineData("a", "/x//y;z", "rest")]
    public void A_path_that_all_read_as_one_origins_passes(string host, string target, string expected)
    {
        Assert.Null(Table.Find(host, target, out Origin? origin));
        Assert.Equal(expected, origin!.Name);
    }

    [Fact]
    public void Where_paths_have_no_say_every_path_passes()
    {
        OriginTable table = Of(Route("a", "a.example"), Route("b", null));
        foreach (string target in (string[])["//x/../y", "/..%2f", "*x"])
        {
            Assert.Null(table.Find("a.example", target, out Origin? origin));
            Assert.Equal("a", origin!.Name);
        }
    }

    [Fact]
    public void A_request_that_no_origin_is_for_is_refused()
    {
        Assert.Equal(404, Of(Route("a", "a.example", "/x")).Find("a.example", "/y", out _)!.Status);
        Assert.Equal(404, Of(Route("a", "a.example")).Find("b.example", "/", out _)!.Status);
    }

    private static OriginOptions Route(string name, string? host, string path = "") =>
        new() { Name = name, Urls = [new($"http://{name}.test")], Hosts = host is null ? [] : [host], Path = path };

    private static OriginTable Of(params OriginOptions[] origins) =>
        new ForwardingPlan(new() { Origins = origins }, new(), null, NullLogger.Instance, TimeProvider.System).Table;
}
