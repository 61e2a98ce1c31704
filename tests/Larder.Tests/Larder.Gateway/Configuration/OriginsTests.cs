using Larder.Cli.Configuration;
using Larder.Gateway.Hosting;

namespace Larder.Tests.Gateway.Configuration;

/// <summary>Origins by host and path, headers and the certificate, as documents say them.</summary>
public sealed class OriginsTests
{
    private const string Url = "an absolute http or https URL such as http://127.0.0.1:8081";
    private const string Host = "a host such as \"api.example.com\", or \"*.example.com\" for all below it";
    private const string Path = "a path such as \"/api\", of whole segments that need no encoding, without a slash at its end; leave it out for every path";
    private const string Header = "the name of a header such as \"X-Team\"";
    private const string Owned = $"{Header}: this one can't be changed, the gateway itself sets or needs it";

    [Fact]
    public void All_can_be_said_of_an_origin()
    {
        GatewayOptions options = ConfigFile.Parse("""
            origin: http://rest.test
            retries: 3
            forwarded: both
            headers: { request: { set: { X-A: "1" }, remove: X-B }, response: { remove: [Server, X-C] } }
            origins:
              - name: shop
                urls: [http://a.test/v1, https://b.test/v1/]
                hosts: [shop.example.com, "*.shop.example.com"]
                path: /api
                http2: true
                retries: 0
                tls: { serverName: shop.test }
                health: { path: /ready?x, every: 2.5, timeout: 1 }
                headers: { response: { set: { Vary: Accept } } }
              - url: http://c.test
                path: /c
            """, "larder.yaml").Options!;

        Assert.Equal((3, ForwardingForm.Both, "http://rest.test/"), (options.Retries, options.Forwarding, options.Origin!.AbsoluteUri));
        Assert.Equal(("1", "X-B", 0, 2), (options.Headers.Request.Set["x-a"], options.Headers.Request.Remove.Single(), options.Headers.Response.Set.Count, options.Headers.Response.Remove.Count));
        OriginOptions shop = options.Origins[0];
        Assert.Equal(("shop", "/api", true, 0, "shop.test"), (shop.Name, shop.Path, shop.Http2, shop.Retries, shop.ServerName));
        Assert.Equal(["shop.example.com", "*.shop.example.com"], shop.Hosts);
        Assert.Equal(["http://a.test/v1", "https://b.test/v1/"], shop.Urls.Select(url => url.AbsoluteUri));
        Assert.Equal(new() { Path = "/ready?x", Every = TimeSpan.FromSeconds(2.5), Timeout = TimeSpan.FromSeconds(1) }, shop.Health);
        Assert.Equal("Accept", shop.Headers.Response.Set["Vary"]);
        Assert.Equal((null, "/c", null, null), (options.Origins[1].Name, options.Origins[1].Path, options.Origins[1].Http2, options.Origins[1].Health));
    }

    [Fact]
    public void Origins_alone_are_enough() => Assert.NotNull(ConfigFile.Parse("""{"origins":[{"url":"http://a","hosts":"a.example"}]}""", "a.json").Options);

    [Theory]
    [InlineData("{}", "origins[0]: one of url and urls is missing")]
    [InlineData("5", "origins[0]: 5 is not allowed; an object with name, url, urls, hosts, path, http2, tls, health, retries, headers")]
    [InlineData("""{"url":"http://a","urls":"http://b"}""", "origins[0]: only one of url and urls is allowed")]
    [InlineData("""{"url":"ftp://a"}""", $"origins[0].url: \"ftp://a\" is not allowed; {Url}")]
    [InlineData("""{"urls":[]}""", $"origins[0].urls: an empty list is not allowed; {Url}")]
    [InlineData("""{"urls":["http://a","http://A/"]}""", "origins[0].urls[1]: \"http://A/\" is not allowed; each URL once")]
    [InlineData("""{"urls":["http://a/x","http://b/y"]}""", "origins[0].urls[1]: \"http://b/y\" is not allowed; the same path as in the origin's other URLs")]
    [InlineData("""{"url":"http://u:secret@a"}""", "origins[0].url: \"http://***@a\" is not allowed; a URL without user and password")]
    [InlineData("""{"url":"http://a","hosts":"a:80"}""", $"origins[0].hosts: \"a:80\" is not allowed; {Host}")]
    [InlineData("""{"url":"http://a","hosts":["a.*"]}""", $"origins[0].hosts[0]: \"a.*\" is not allowed; {Host}")]
    [InlineData("""{"url":"http://a","hosts":["*."]}""", $"origins[0].hosts[0]: \"*.\" is not allowed; {Host}")]
    [InlineData("""{"url":"http://a","hosts":["a","A"]}""", "origins[0].hosts[1]: \"A\" is not allowed; each host once")]
    [InlineData("""{"url":"http://a","path":"api"}""", $"origins[0].path: \"api\" is not allowed; {Path}")]
    [InlineData("""{"url":"http://a","path":"/api/"}""", $"origins[0].path: \"/api/\" is not allowed; {Path}")]
    [InlineData("""{"url":"http://a","path":"/"}""", $"origins[0].path: \"/\" is not allowed; {Path}")]
    [InlineData("""{"url":"http://a","path":"/a/../b"}""", $"origins[0].path: \"/a/../b\" is not allowed; {Path}")]
    [InlineData("""{"url":"http://a","path":"/a%20b"}""", $"origins[0].path: \"/a%20b\" is not allowed; {Path}")]
    [InlineData("""{"url":"http://a","path":"/a?b"}""", $"origins[0].path: \"/a?b\" is not allowed; {Path}")]
    [InlineData("""{"url":"http://a","name":"a b"}""", "origins[0].name: \"a b\" is not allowed; a name of 1 to 60 letters, digits, '-', '_' and '.'")]
    [InlineData("""{"url":"http://a","retries":4}""", "origins[0].retries: 4 is not allowed; a whole number from 0 to 3")]
    [InlineData("""{"url":"http://a","http2":"yes"}""", "origins[0].http2: \"yes\" is not allowed; true or false")]
    [InlineData("""{"url":"http://a","health":{}}""", "origins[0].health: path is missing: a path such as \"/ready\"")]
    [InlineData("""{"url":"http://a","health":{"path":"ready"}}""", "origins[0].health.path: \"ready\" is not allowed; a path such as \"/ready\"")]
    [InlineData("""{"url":"http://a","health":{"path":"/a","every":0.5}}""", "origins[0].health.every: 0.5 is not allowed; a number of seconds from 1 to 3600")]
    [InlineData("""{"url":"http://a","health":{"path":"/a","timeout":61}}""", "origins[0].health.timeout: 61 is not allowed; a number of seconds from 0.1 to 60")]
    [InlineData("""{"url":"http://a","tls":{"serverName":"b"}}""", "origins[0].tls: it is for origins whose URL begins with https")]
    [InlineData("""{"url":"https://a","tls":{"serverName":"*.b"}}""", "origins[0].tls.serverName: \"*.b\" is not allowed; a name such as \"api.example.com\"")]
    [InlineData("""{"url":"https://a","tls":{"ca":"/no/such.pem"}}""", "origins[0].tls.ca: /no/such.pem can't be read: there is no such file")]
    [InlineData("""{"url":"http://a","headers":{"request":{"set":{"Host":"x"}}}}""", $"origins[0].headers.request.set.Host: \"Host\" is not allowed; {Owned}")]
    public void Mistakes_in_an_origin(string origin, string message) => Assert.Equal([message], Documents.Messages($$"""{"origins":[{{origin}}]}"""));

    [Theory]
    [InlineData("""{"retries":1.5}""", "retries: 1.5 is not allowed; a whole number from 0 to 3")]
    [InlineData("""{"forwarded":"yes"}""", "forwarded: \"yes\" is not allowed; one of xForwarded, forwarded, both and none")]
    [InlineData("""{"headers":{"request":{"set":{"X-A":"a\r\nb"}}}}""", "headers.request.set.X-A: \"a\\r\\nb\" is not allowed; a text of 1 to 4096 characters of Latin-1 without line breaks and without spaces around it")]
    [InlineData("""{"headers":{"request":{"set":{"X A":"a"}}}}""", $"headers.request.set[\"X A\"]: \"X A\" is not allowed; {Header}")]
    [InlineData("""{"headers":{"request":{"set":[]}}}""", "headers.request.set: a list is not allowed; an object")]
    [InlineData("""{"headers":{"request":{"set":{"X-A":"a","x-a":"b"}}}}""", "headers.request.set.x-a: it is given twice")]
    [InlineData("""{"headers":{"response":{"remove":["Via"]}}}""", $"headers.response.remove[0]: \"Via\" is not allowed; {Owned}")]
    [InlineData("""{"headers":{"response":{"remove":"Connection"}}}""", $"headers.response.remove: \"Connection\" is not allowed; {Header}: this one can't be changed, it belongs to one connection")]
    [InlineData("""{"headers":{"response":{"set":{"X-A":"a"},"remove":["x-a"]}}}""", "headers.response.remove[0]: \"x-a\" is not allowed; what is set here replaces what was there; it need not be removed")]
    [InlineData("""{"tls":{}}""", "tls: certificate is missing: the name of a PEM or PKCS#12 file")]
    [InlineData("""{"tls":{"certificate":"/no/such.pem"}}""", "tls: /no/such.pem can't be read: there is no such file")]
    [InlineData("""{"tls":{"certificate":"/no/such.pem","password":12345}}""", "tls.password: this is not allowed; a text", "tls: /no/such.pem can't be read: there is no such file")]
    [InlineData("""{"urls":[{"http2":true}]}""", "urls[0]: url is missing")]
    [InlineData("""{"urls":[{"url":"https://a","http2":true}]}""", "urls[0]: http2 is for URLs that begin with http; with https it is negotiated")]
    [InlineData("""{"urls":[{"url":"http://127.0.0.1:0","http2":true}]}""", "urls[0]: a URL with http2 needs a port of its own")]
    [InlineData("""{"origins":[{"url":"http://a"},{"url":"http://b"}]}""", "origins[1]: another origin is for the same host (every host) and path already")]
    [InlineData("""{"origins":[{"url":"http://a","hosts":"x","path":"/a"},{"url":"http://b","hosts":["y","X"],"path":"/a"}]}""", "origins[1]: another origin is for the same host (X) and path already")]
    [InlineData("""{"origin":"http://a","origins":[{"url":"http://b"}]}""", "origin: \"http://a\" and \"http://b\" would both be for every host and path; give one of them hosts or a path")]
    [InlineData("""{"urls":"http://127.0.0.1:1","origins":[{"url":"http://127.0.0.1:1","path":"/a"}]}""", "origin: \"http://127.0.0.1:1\" is where larder itself listens (http://127.0.0.1:1); every request would go round in circles")]
    public void Mistakes_beside_them(string json, params string[] messages) => Assert.Equal(messages.Order(), Documents.Messages(json).Order());

    [Fact]
    public void There_are_limits()
    {
        string origins = string.Join(',', Enumerable.Range(0, 101).Select(i => $$"""{"url":"http://a{{i}}","path":"/a{{i}}"}"""));
        Assert.Equal(["origins[100]: this is one too many; allowed are 100 origins"], Documents.Messages($$"""{"origins":[{{origins}}]}"""));
        string urls = string.Join(',', Enumerable.Range(0, 33).Select(i => $"\"http://a{i}\""));
        Assert.Equal(["origins[0]: it has 33 urls; allowed are 32"], Documents.Messages($$"""{"origins":[{"urls":[{{urls}}]}]}"""));
        string hosts = string.Join(',', Enumerable.Range(0, 101).Select(i => $"\"a{i}\""));
        Assert.Equal(["origins[0]: it has 101 hosts; allowed are 100"], Documents.Messages($$"""{"origins":[{"url":"http://a","hosts":[{{hosts}}]}]}"""));
        string fields = string.Join(',', Enumerable.Range(0, 51).Select(i => $"\"X-{i}\":\"a\""));
        Assert.Equal(["headers.request: it sets 51 and removes 0 headers; allowed are 50 of each"], Documents.Messages("""{"headers":{"request":{"set":{""" + fields + "}}}}"));
    }

    [Fact]
    public void Only_a_URL_that_says_so_speaks_HTTP_2_without_TLS()
    {
        GatewayOptions options = ConfigFile.Parse("""{"origin":"http://a","urls":["http://b:1",{"url":"http://b:2","http2":true},{"url":"http://b:3"}]}""", "a.json").Options!;
        Assert.Equal(["http://b:1", "http://b:2", "http://b:3"], options.Urls);
        Assert.Equal(["http://b:2"], options.Http2Urls);
    }
}
