using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>An authority of its own, a server's certificate from it and a client's.</summary>
internal sealed class RedisCertificates
{
    private readonly X509Certificate2 _authority;
    private readonly X509Certificate2 _server;
    private readonly bool _asksClients;

    /// <param name="name">Whom the server's certificate is for.</param>
    /// <param name="isExpired">Whether it ended yesterday.</param>
    /// <param name="asksClients">Whether clients need a certificate.</param>
    public RedisCertificates(string name = "127.0.0.1", bool isExpired = false, bool asksClients = false)
    {
        _asksClients = asksClients;
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Larder's test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = request.CreateSelfSigned(now.AddDays(-10), now.AddDays(10));
        _server = Issue(name, isExpired ? now.AddDays(-1) : now.AddDays(5));
        Client = Issue("client", now.AddDays(5));
    }

    public X509Certificate2 Client { get; }

    public string ServerHash => Convert.ToHexString(_server.GetCertHash(HashAlgorithmName.SHA256));

    /// <summary>What a client needs that is let in.</summary>
    public RedisTlsOptions Options(Action<RedisTlsOptions>? change = null)
    {
        var options = new RedisTlsOptions { TrustedRoots = [_authority], ClientCertificate = _asksClients ? Client : null };
        change?.Invoke(options);
        return options;
    }

    /// <summary>Writes the files into the folder: <c>ca.pem</c>, <c>server.pem</c>, <c>server.key</c>, <c>client.pem</c>, <c>client.key</c>.</summary>
    public string[] ServerArguments(string folder)
    {
        Write("ca", _authority, hasKey: false);
        Write("server", _server);
        Write("client", Client);
        return
        [
            "--tls-cert-file", Path.Combine(folder, "server.pem"), "--tls-key-file", Path.Combine(folder, "server.key"), "--tls-ca-cert-file", Path.Combine(folder, "ca.pem"),
            "--tls-auth-clients", _asksClients ? "yes" : "no",
        ];

        void Write(string name, X509Certificate2 certificate, bool hasKey = true)
        {
            File.WriteAllText(Path.Combine(folder, name + ".pem"), certificate.ExportCertificatePem());
            if (hasKey) File.WriteAllText(Path.Combine(folder, name + ".key"), certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        }
    }

    private X509Certificate2 Issue(string name, DateTimeOffset end)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (IPAddress.TryParse(name, out IPAddress? address)) names.AddIpAddress(address);
        else names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 issued = request.Create(_authority, end.AddDays(-8), end, RandomNumberGenerator.GetBytes(8));
        using X509Certificate2 whole = issued.CopyWithPrivateKey(key);
        // What has its key in memory only can't be shown by every platform's TLS.
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }
}
