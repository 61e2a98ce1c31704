namespace Larder.Gateway.Hosting;

/// <summary>The certificate of the listeners with TLS, in files that are read again when they change.</summary>
public sealed record TlsOptions
{
    /// <summary>A file with the certificate and those that lead from it to the root, as PEM; or PKCS#12, with the key in it.</summary>
    public required string Certificate { get; init; }

    /// <summary>A PEM file with the key; null where it is in the certificate's file.</summary>
    public string? Key { get; init; }

    /// <summary>What the key or the PKCS#12 file is encrypted with; null, the default, for nothing.</summary>
    public string? Password { get; init; }

    /// <summary>A file with the password, whose line ends are not part of it.</summary>
    public string? PasswordFile { get; init; }

    /// <summary>Never shows the password.</summary>
    public override string ToString() => Certificate;
}
