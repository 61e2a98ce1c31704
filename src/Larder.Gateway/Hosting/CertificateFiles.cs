using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Larder.Gateway.Hosting;

/// <summary>A certificate with its key, and those that lead to its root.</summary>
internal sealed record ServerCertificate(X509Certificate2 Leaf, X509Certificate2Collection Others);

/// <summary>Reads certificates from files. What is wrong is told in words that never hold a password or a part of a key.</summary>
internal static class CertificateFiles
{
    private const int MaxBytes = 1 << 20;

    /// <summary>Reads a certificate with its key; otherwise says what is wrong with which file.</summary>
    public static ServerCertificate? Read(TlsOptions options, out string? problem)
    {
        problem = null;
        string file = options.Certificate;
        try
        {
            byte[] certificate = Bytes(file);
            string? password = options.Password;
            if (options.PasswordFile is not null) password = Encoding.UTF8.GetString(Bytes(file = options.PasswordFile)).TrimEnd('\r', '\n');
            byte[] key = options.Key is null ? certificate : Bytes(file = options.Key);
            return IsPem(certificate) ? FromPem(Encoding.UTF8.GetString(certificate), Encoding.UTF8.GetString(key), password, options, out problem) : FromPkcs12(certificate, password, options, out problem);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"{file} can't be read: {Reason(e)}";
            return null;
        }
    }

    /// <summary>Reads authorities from a PEM file; otherwise says what is wrong.</summary>
    public static IReadOnlyList<X509Certificate2> ReadAuthorities(string file, out string? problem)
    {
        problem = null;
        var found = new X509Certificate2Collection();
        try
        {
            found.ImportFromPem(Encoding.UTF8.GetString(Bytes(file)));
            if (found.Count == 0) problem = $"{file} holds no certificate; allowed is PEM";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"{file} can't be read: {Reason(e)}";
        }
        catch (CryptographicException)
        {
            problem = $"{file} holds no certificate; allowed is PEM";
        }
        return [.. found];
    }

    private static ServerCertificate? FromPem(string certificates, string key, string? password, TlsOptions options, out string? problem)
    {
        string keyFile = options.Key ?? options.Certificate;
        problem = null;
        var all = new X509Certificate2Collection();
        try
        {
            all.ImportFromPem(certificates);
            if (all.Count == 0) throw new CryptographicException();
        }
        catch (CryptographicException)
        {
            problem = $"{options.Certificate} holds no certificate; allowed is PEM, or PKCS#12 with the key in it";
            return null;
        }
        if (!key.Contains("PRIVATE KEY-----", StringComparison.Ordinal)) problem = $"{keyFile} holds no private key; allowed is PEM, or PKCS#12 for both in one file";
        else if (key.Contains("ENCRYPTED PRIVATE KEY-----", StringComparison.Ordinal) && password is null) problem = $"the key in {keyFile} is encrypted; say password or passwordFile";
        if (problem is not null) return null;
        try
        {
            X509Certificate2 leaf = password is null ? X509Certificate2.CreateFromPem(certificates, key) : X509Certificate2.CreateFromEncryptedPem(certificates, key, password);
            all.RemoveAt(0);
            return new(Usable(leaf), all);
        }
        catch (ArgumentException)
        {
            problem = $"the key in {keyFile} does not belong to the certificate in {options.Certificate}";
        }
        catch (CryptographicException)
        {
            problem = password is null ? $"the key in {keyFile} can't be read, or does not belong to the certificate in {options.Certificate}" : $"the key in {keyFile} can't be read with this password";
        }
        return null;
    }

    private static ServerCertificate? FromPkcs12(byte[] bytes, string? password, TlsOptions options, out string? problem)
    {
        problem = null;
        try
        {
            X509Certificate2Collection all = X509CertificateLoader.LoadPkcs12Collection(bytes, password);
            if (all.FirstOrDefault(certificate => certificate.HasPrivateKey) is { } leaf)
            {
                all.Remove(leaf);
                return new(leaf, all);
            }
            problem = $"{options.Certificate} holds no certificate with a key";
        }
        catch (CryptographicException)
        {
            problem = $"{options.Certificate} is neither PEM nor PKCS#12, or its password is another one";
        }
        return null;
    }

    /// <summary>What has its key in memory only can't be shown by Windows.</summary>
    private static X509Certificate2 Usable(X509Certificate2 certificate)
    {
        if (!OperatingSystem.IsWindows()) return certificate;
        using (certificate) return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }

    private static bool IsPem(ReadOnlySpan<byte> bytes) => bytes.IndexOf("-----BEGIN "u8) >= 0;

    private static byte[] Bytes(string file)
    {
        using FileStream stream = File.OpenRead(file);
        var bytes = new byte[MaxBytes + 1];
        int length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return length <= MaxBytes ? bytes[..length] : throw new IOException("it is larger than 1 MB");
    }

    private static string Reason(Exception e) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException => "there is no such file",
        UnauthorizedAccessException => "access is denied, or it is a directory",
        _ => Configuration.Shown.Sentence(e.Message),
    };
}
