using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Larder.Redis;

/// <summary>What a TLS handshake needs. Files are read anew for each connection, so that certificates can be renewed while the program runs.</summary>
internal sealed class TlsAuthentication : IDisposable
{
    private readonly RedisTlsOptions _options;
    private readonly X509Certificate2Collection _roots = [];
    private readonly List<X509Certificate2> _loaded = [];
    private X509Certificate2? _client;

    private TlsAuthentication(RedisTlsOptions options) => _options = options;

    /// <exception cref="AuthenticationException">A file can't be read.</exception>
    public static TlsAuthentication Load(RedisTlsOptions options)
    {
        var authentication = new TlsAuthentication(options);
        try
        {
            authentication.Read();
            return authentication;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            authentication.Dispose();
            throw new AuthenticationException($"a certificate file can't be used ({e.GetType().Name})", e);
        }
    }

    private void Read()
    {
        if (_options.TrustedRoots is { } roots) _roots.AddRange(roots);
        if (_options.TrustedRootsFile is { } file)
        {
            var read = new X509Certificate2Collection();
            read.ImportFromPemFile(file);
            _loaded.AddRange(read);
            _roots.AddRange(read);
            if (read.Count == 0) throw new AuthenticationException($"{nameof(RedisTlsOptions.TrustedRootsFile)} has no certificate");
        }
        _client = _options.ClientCertificate;
        if (_options.ClientCertificateFile is { } certificate)
        {
            _client = X509Certificate2.CreateFromPemFile(certificate, _options.ClientKeyFile);
            _loaded.Add(_client);
        }
    }

    public SslClientAuthenticationOptions For(RedisEndpoint endpoint)
    {
        var authentication = new SslClientAuthenticationOptions
        {
            TargetHost = _options.ServerName ?? endpoint.Host,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            CertificateRevocationCheckMode = _options.CheckRevocation ? X509RevocationMode.Online : X509RevocationMode.NoCheck,
        };
        // Without one of its own, the platform says what is wrong.
        if (_options.PinnedCertificate is not null || _options.DangerouslyAcceptAnyCertificate) authentication.RemoteCertificateValidationCallback = IsTrusted;
        if (_roots.Count > 0)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = authentication.CertificateRevocationCheckMode };
            policy.CustomTrustStore.AddRange(_roots);
            authentication.CertificateChainPolicy = policy;
        }
        if (_client is not null) authentication.ClientCertificateContext = SslStreamCertificateContext.Create(_client, additionalCertificates: null, offline: true);
        return authentication;
    }

    /// <summary>A pinned certificate needs neither chain nor name, as it is known byte for byte; but it has to be valid today.</summary>
    private bool IsTrusted(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (_options.DangerouslyAcceptAnyCertificate) return true;
        if (certificate is not X509Certificate2 shown || _options.PinnedCertificate is null) return false;
        // The validity of a certificate is a matter of the world's time, as it is for the chain.
        DateTime now = DateTime.Now;
        byte[] pinned = Convert.FromHexString(_options.PinnedCertificate.Replace(":", "", StringComparison.Ordinal));
        return CryptographicOperations.FixedTimeEquals(shown.GetCertHash(HashAlgorithmName.SHA256), pinned) && shown.NotBefore <= now && now <= shown.NotAfter;
    }

    public void Dispose()
    {
        foreach (X509Certificate2 certificate in _loaded) certificate.Dispose();
    }
}
