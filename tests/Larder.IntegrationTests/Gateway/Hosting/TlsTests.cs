using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Larder.Gateway.Hosting;
using Larder.IntegrationTests.Gateway.Forwarding;
using Larder.IntegrationTests.Http;
using Larder.IntegrationTests.RedisServers;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Larder.IntegrationTests.Gateway.Hosting;

/// <summary>TLS towards clients and towards origins, and the versions of HTTP on both sides.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("larder-tests-").FullName;
    private readonly RedisCertificates _certificates = new();

    public TlsTests() => _certificates.ServerArguments(_folder);

    private TlsOptions Files => new() { Certificate = Path.Combine(_folder, "server.pem"), Key = Path.Combine(_folder, "server.key") };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Clients_negotiate_the_version_and_the_cache_works(string version)
    {
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(context =>
        {
            context.Response.Headers.CacheControl = "max-age=100";
            return context.Response.WriteAsync(context.Request.Headers["X-Forwarded-Proto"].ToString());
        });
        await using Gateway gateway = await StartAsync(origin.Address);
        using HttpClient client = Client();

        foreach (string expected in (string[])["MISS", "HIT"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, gateway.Address) { Version = new(version), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            using HttpResponseMessage answer = await client.SendAsync(request);
            Assert.Equal((version, "https", expected), (answer.Version.ToString(), await answer.Content.ReadAsStringAsync(), answer.Headers.GetValues("X-Cache").Single()));
        }
    }

    [Fact]
    public async Task Trailers_and_WebSockets_pass()
    {
        using RawOrigin trailing = RawOrigin.Answering("HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 42\r\n\r\n");
        await using KestrelOrigin sockets = await KestrelOrigin.StartAsync(async context =>
        {
            using WebSocket socket = await context.WebSockets.AcceptWebSocketAsync();
            var buffer = new byte[10];
            var message = await socket.ReceiveAsync(buffer.AsMemory(), default);
            await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, true, default);
        });
        await using Gateway gateway = await Gateway.StartAsync(new()
        {
            Origin = trailing.Address, Origins = [new() { Urls = [sockets.Address], Path = "/socket" }], Urls = ["https://127.0.0.1:0"], Tls = Files,
        });
        using HttpClient client = Client();
        using var request = new HttpRequestMessage(HttpMethod.Get, gateway.Address) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };

        using HttpResponseMessage answer = await client.SendAsync(request);
        Assert.Equal("hi", await answer.Content.ReadAsStringAsync());
        Assert.Equal("42", answer.TrailingHeaders.GetValues("X-Sum").Single());

        using var web = new ClientWebSocket();
        await web.ConnectAsync(new UriBuilder(gateway.Address) { Scheme = "wss", Path = "/socket" }.Uri, client, default);
        await web.SendAsync("hi"u8.ToArray(), WebSocketMessageType.Text, true, default);
        var received = new byte[10];
        Assert.Equal("hi", Encoding.UTF8.GetString(received, 0, (await web.ReceiveAsync(received, default)).Count));
    }

    [Fact]
    public async Task A_new_certificate_is_shown_once_it_is_whole_and_a_broken_one_never()
    {
        var time = new ManualTime();
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(_ => Task.CompletedTask);
        await using Gateway gateway = await StartAsync(origin.Address, time);
        string first = await ShownAsync(gateway);

        await File.WriteAllTextAsync(Files.Key!, "nonsense");
        await LookUntilAsync(gateway, time, 4015);
        Assert.Equal(first, await ShownAsync(gateway));

        var next = new RedisCertificates();
        next.ServerArguments(_folder);
        await LookUntilAsync(gateway, time, 4014);
        Assert.Equal(next.ServerHash, await ShownAsync(gateway));
        Assert.NotEqual(first, next.ServerHash);
    }

    [Fact]
    public async Task Without_TLS_only_a_listener_that_says_so_speaks_HTTP_2()
    {
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(context => context.Response.WriteAsync("ok"));
        string plain = $"http://127.0.0.1:{Cli.Child.FreePort()}", http2 = $"http://127.0.0.1:{Cli.Child.FreePort()}";
        await using Gateway gateway = await Gateway.StartAsync(new() { Origin = origin.Address, Urls = [plain, http2], Http2Urls = [http2] });

        Assert.Equal("ok", await AskAsync(plain, "1.1"));
        Assert.Equal("ok", await AskAsync(http2, "2.0"));
        await Assert.ThrowsAsync<HttpRequestException>(() => AskAsync(plain, "2.0"));

        async Task<string> AskAsync(string url, string version)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, url) { Version = new(version), VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            using HttpResponseMessage answer = await gateway.Client.SendAsync(request);
            return await answer.Content.ReadAsStringAsync();
        }
    }

    [Theory]
    [InlineData(null, null, false)]
    [InlineData(null, "", false)]
    [InlineData("other", "", false)]
    [InlineData("ca", "", true)]
    [InlineData("ca", "api.test", false)]
    [InlineData("ca", "127.0.0.1", true)]
    public async Task Certificates_of_origins_are_verified(string? authority, string? name, bool expected)
    {
        await using KestrelOrigin origin = await SecureOriginAsync(context => context.Response.WriteAsync(context.Request.Protocol), HttpProtocols.Http1AndHttp2);
        new RedisCertificates().ServerArguments(Directory.CreateDirectory(Path.Combine(_folder, "others")).FullName);
        IReadOnlyList<X509Certificate2> roots = authority is null ? [] : CertificateFiles.ReadAuthorities(Path.Combine(_folder, authority == "ca" ? "ca.pem" : "others/ca.pem"), out _);
        await using Gateway gateway = await Gateway.StartAsync(new() { Origins = [new() { Urls = [origin.Address], TrustedRoots = roots, ServerName = name is { Length: > 0 } ? name : null }] });

        (int status, string body, _) = await gateway.GetAsync("/");

        if (expected) Assert.Equal((200, "HTTP/2"), (status, body));
        else Assert.Contains("failed the TLS handshake", body);
        Assert.Equal(expected ? 200 : 502, status);
    }

    [Fact]
    public async Task The_name_that_is_asked_for_is_the_one_that_is_verified()
    {
        var named = new RedisCertificates("api.test");
        named.ServerArguments(_folder);
        string? asked = null;
        await using KestrelOrigin origin = await SecureOriginAsync(context => context.Response.WriteAsync(context.Request.Host.Host), HttpProtocols.Http1, name => asked = name);
        IReadOnlyList<X509Certificate2> roots = CertificateFiles.ReadAuthorities(Path.Combine(_folder, "ca.pem"), out _);
        await using Gateway gateway = await Gateway.StartAsync(new() { Origins = [new() { Urls = [origin.Address], TrustedRoots = roots, ServerName = "api.test" }] });

        Assert.Equal((200, "127.0.0.1"), ((await gateway.GetAsync("/")) is var answer ? (answer.Status, answer.Body) : default));
        Assert.Equal("api.test", asked);
    }

    [Theory]
    [InlineData(null, HttpProtocols.Http1AndHttp2, "HTTP/2")]
    [InlineData(true, HttpProtocols.Http1AndHttp2, "HTTP/2")]
    [InlineData(false, HttpProtocols.Http1AndHttp2, "HTTP/1.1")]
    [InlineData(true, HttpProtocols.Http1, "HTTP/1.1")]
    public async Task With_TLS_the_version_is_negotiated_with_the_origin(bool? http2, HttpProtocols spoken, string expected)
    {
        await using KestrelOrigin origin = await SecureOriginAsync(context => context.Response.WriteAsync(context.Request.Protocol), spoken);
        IReadOnlyList<X509Certificate2> roots = CertificateFiles.ReadAuthorities(Path.Combine(_folder, "ca.pem"), out _);
        await using Gateway gateway = await Gateway.StartAsync(new() { Origins = [new() { Urls = [origin.Address], TrustedRoots = roots, Http2 = http2 }] });

        Assert.Equal(expected, (await gateway.GetAsync("/")).Body);
    }

    [Theory]
    [InlineData(null, HttpProtocols.Http1, "HTTP/1.1")]
    [InlineData(false, HttpProtocols.Http1, "HTTP/1.1")]
    [InlineData(true, HttpProtocols.Http2, "HTTP/2")]
    public async Task Without_TLS_the_origin_is_spoken_to_as_the_configuration_says(bool? http2, HttpProtocols spoken, string expected)
    {
        await using KestrelOrigin origin = await KestrelOrigin.StartAsync(
            async context => await context.Response.WriteAsync($"{context.Request.Protocol} {await new StreamReader(context.Request.Body).ReadToEndAsync()}"),
            configure: listen => listen.Protocols = spoken);
        await using Gateway gateway = await Gateway.StartAsync(new() { Origins = [new() { Urls = [origin.Address], Http2 = http2 }] });

        using HttpResponseMessage answer = await gateway.Client.PostAsync(gateway.Address, new StringContent("body"));
        Assert.Equal($"{expected} body", await answer.Content.ReadAsStringAsync());
    }

    private Task<Gateway> StartAsync(Uri origin, TimeProvider? time = null) =>
        Gateway.StartAsync(new() { Origin = origin, Urls = ["https://127.0.0.1:0"], Tls = Files }, time);

    private Task<KestrelOrigin> SecureOriginAsync(RequestDelegate handler, HttpProtocols protocols, Action<string?>? asked = null)
    {
        ServerCertificate certificate = CertificateFiles.Read(Files, out _)!;
        return KestrelOrigin.StartAsync(handler, configure: listen =>
        {
            listen.Protocols = protocols;
            listen.UseHttps(new HttpsConnectionAdapterOptions
            {
                ServerCertificateSelector = (_, name) =>
                {
                    asked?.Invoke(name);
                    return certificate.Leaf;
                },
            });
        });
    }

    private HttpClient Client()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        foreach (X509Certificate2 root in CertificateFiles.ReadAuthorities(Path.Combine(_folder, "ca.pem"), out _)) policy.CustomTrustStore.Add(root);
        return new(new SocketsHttpHandler { UseProxy = false, SslOptions = { CertificateChainPolicy = policy } });
    }

    private static async Task<string> ShownAsync(Gateway gateway)
    {
        string shown = "";
        using var client = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                {
                    shown = certificate!.GetCertHashString(System.Security.Cryptography.HashAlgorithmName.SHA256);
                    return true;
                },
            },
        });
        using HttpResponseMessage answer = await client.GetAsync(gateway.Address);
        return shown;
    }

    private static async Task LookUntilAsync(Gateway gateway, ManualTime time, int id)
    {
        for (int turn = 0; !gateway.Logs.Any(line => line.Id == id); turn++)
        {
            Assert.True(turn < 3000, $"{id} was never logged");
            if (time.Waiting(FileWatch.Interval) > 0) time.Advance(1);
            await Task.Delay(10);
        }
    }
}
