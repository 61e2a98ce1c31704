using System.Security.Cryptography.X509Certificates;

namespace Larder.Redis;

/// <summary>How the way to Redis is secured. TLS 1.2 or newer; the server's name and chain are checked.</summary>
public sealed class RedisTlsOptions
{
    /// <summary>The name that the server's certificate must have; the endpoint's host when null.</summary>
    public string? ServerName { get; set; }

    /// <summary>A PEM file of certificates to trust instead of the system's. Read anew for each connection.</summary>
    public string? TrustedRootsFile { get; set; }

    /// <summary>Certificates to trust instead of the system's.</summary>
    public X509Certificate2Collection? TrustedRoots { get; set; }

    /// <summary>The SHA-256 of the one certificate that the server may have, in hex (colons allowed). It takes the place of name and chain; validity in time is still checked.</summary>
    public string? PinnedCertificate { get; set; }

    /// <summary>A PEM file of the certificate that this client shows. Read anew for each connection.</summary>
    public string? ClientCertificateFile { get; set; }

    /// <summary>A PEM file of its key; null where it is in the same file.</summary>
    public string? ClientKeyFile { get; set; }

    /// <summary>The certificate that this client shows, with its key.</summary>
    public X509Certificate2? ClientCertificate { get; set; }

    /// <summary>Whether revocation is looked up; off by default.</summary>
    public bool CheckRevocation { get; set; }

    /// <summary>Turns every check of the server's certificate off: anybody on the way can read and change everything. Off by default, and for trying things only.</summary>
    public bool DangerouslyAcceptAnyCertificate { get; set; }
}
