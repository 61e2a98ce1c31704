using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>Who may be spoken to, and who may not.</summary>
public sealed class TlsTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    private static CancellationToken Soon => new CancellationTokenSource(Long).Token;

    private static async Task ConnectsAsync(RedisServer server, RedisTlsOptions tls)
    {
        await using var link = new RedisLink(server.Options(o => o.Tls = tls));
        await link.WhenConnectedAsync(Soon);
        Assert.True((await link.SendAsync(["SET", "k", new byte[200_000]], Long)).IsOk);
        Assert.Equal(200_000, (await link.SendAsync(["GET", "k"], Long)).Value.Bytes!.Length);
    }

    private static async Task IsRefusedAsync(RedisServer server, RedisTlsOptions? tls, string why)
    {
        await using var link = new RedisLink(server.Options(o => o.Tls = tls));
        await LinkTests.Until(() => link.Status.Why is not null);
        Assert.Contains(why, link.Status.Why, StringComparison.Ordinal);
        Assert.Null(link.Current);
    }

    [Fact]
    public async Task A_server_of_the_right_name_and_authority()
    {
        var certificates = new RedisCertificates();
        await using RedisServer server = await RedisServer.StartAsync(certificates);
        await ConnectsAsync(server, certificates.Options());
        await ConnectsAsync(server, new() { TrustedRootsFile = Path.Combine(server.Folder, "ca.pem") });
        await ConnectsAsync(server, new() { PinnedCertificate = certificates.ServerHash });
        await ConnectsAsync(server, new() { DangerouslyAcceptAnyCertificate = true });
        await IsRefusedAsync(server, new(), "errors in the certificate chain");
        await IsRefusedAsync(server, new RedisCertificates().Options(), "errors in the certificate chain");
        await IsRefusedAsync(server, new() { PinnedCertificate = new string('0', 64) }, "TLS failed");
        await IsRefusedAsync(server, certificates.Options(tls => tls.ServerName = "elsewhere.example"), "RemoteCertificateNameMismatch");
        await IsRefusedAsync(server, new() { TrustedRootsFile = Path.Combine(server.Folder, "none.pem") }, "a certificate file can't be used (FileNotFoundException)");
        // What is spoken on one side only.
        await IsRefusedAsync(server, null, "does the server want TLS? Then it is rediss://, or ssl=true");
        await using RedisServer plain = await RedisServer.StartAsync();
        await using var link = new RedisLink(plain.Options(o => (o.Tls, o.ConnectTimeout) = (new(), TimeSpan.FromMilliseconds(500))));
        await LinkTests.Until(() => link.Status.Why is not null);
        Assert.Contains("does the server speak TLS? Without, it is redis://, or ssl=false", link.Status.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_of_another_name()
    {
        var certificates = new RedisCertificates("cache.example");
        await using RedisServer server = await RedisServer.StartAsync(certificates);
        await IsRefusedAsync(server, certificates.Options(), "RemoteCertificateNameMismatch");
        await ConnectsAsync(server, certificates.Options(tls => tls.ServerName = "cache.example"));
    }

    [Fact]
    public async Task A_certificate_of_yesterday()
    {
        var certificates = new RedisCertificates(isExpired: true);
        await using RedisServer server = await RedisServer.StartAsync(certificates);
        await IsRefusedAsync(server, certificates.Options(), "NotTimeValid");
        await IsRefusedAsync(server, new() { PinnedCertificate = certificates.ServerHash }, "TLS failed");
        await ConnectsAsync(server, new() { DangerouslyAcceptAnyCertificate = true });
    }

    [Fact]
    public async Task A_server_that_asks_who_one_is()
    {
        var certificates = new RedisCertificates(asksClients: true);
        await using RedisServer server = await RedisServer.StartAsync(certificates);
        await ConnectsAsync(server, certificates.Options());
        string File(string name) => Path.Combine(server.Folder, name);
        await ConnectsAsync(server, new() { TrustedRootsFile = File("ca.pem"), ClientCertificateFile = File("client.pem"), ClientKeyFile = File("client.key") });
        await using var link = new RedisLink(server.Options(o => o.Tls = certificates.Options(tls => tls.ClientCertificate = null)));
        await LinkTests.Until(() => link.Status.Why is not null);
        Assert.Null(link.Current);
    }
}
