using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Larder.Gateway.Hosting;
using Larder.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Larder.Tests.Gateway.Hosting;

public sealed class CertificateFilesTests : IDisposable
{
    private const string Password = "Ca9ary";
    private static readonly DateTimeOffset Now = new ManualTimeProvider().GetUtcNow();

    private readonly string _folder = Directory.CreateTempSubdirectory("larder-tests-").FullName;
    private readonly X509Certificate2 _certificate = Issue(Now.AddDays(30));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void PEM_in_two_files_in_one_and_encrypted()
    {
        string pem = _certificate.ExportCertificatePem(), key = _certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();
        string encrypted = _certificate.GetECDsaPrivateKey()!.ExportEncryptedPkcs8PrivateKeyPem(Password, new(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1000));
        string certificate = Write("a.pem", pem + "\n" + Issue(Now.AddDays(1)).ExportCertificatePem());

        Assert.Single(Read(new() { Certificate = certificate, Key = Write("a.key", key) }).Others);
        Assert.Empty(Read(new() { Certificate = Write("both.pem", key + "\n" + pem) }).Others);
        Read(new() { Certificate = certificate, Key = Write("b.key", encrypted), Password = Password });
        Read(new() { Certificate = certificate, Key = Write("b.key", encrypted), PasswordFile = Write("password", Password + "\r\n") });
    }

    [Fact]
    public void PKCS_12_with_a_password_and_without()
    {
        Read(new() { Certificate = WriteBytes("a.p12", _certificate.Export(X509ContentType.Pkcs12)) });
        Read(new() { Certificate = WriteBytes("b.p12", _certificate.Export(X509ContentType.Pkcs12, Password)), Password = Password });
    }

    [Fact]
    public void Every_mistake_is_told_with_its_file_and_without_secrets()
    {
        string pem = Write("a.pem", _certificate.ExportCertificatePem()), key = Write("a.key", _certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        string others = Write("other.key", Issue(Now).GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        string locked = Write("locked.key", _certificate.GetECDsaPrivateKey()!.ExportEncryptedPkcs8PrivateKeyPem("x", new(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1000)));
        string sealedFile = WriteBytes("a.p12", _certificate.Export(X509ContentType.Pkcs12, "x")), noise = Write("noise", "noise"), absent = Path.Combine(_folder, "absent");

        Assert.Equal($"{absent} can't be read: there is no such file", Problem(new() { Certificate = absent }));
        Assert.Equal($"{absent} can't be read: there is no such file", Problem(new() { Certificate = pem, Key = absent }));
        Assert.Equal($"{absent} can't be read: there is no such file", Problem(new() { Certificate = pem, Key = key, PasswordFile = absent }));
        Assert.Equal($"{_folder} can't be read: access is denied, or it is a directory", Problem(new() { Certificate = _folder }));
        Assert.Equal($"{pem} holds no private key; allowed is PEM, or PKCS#12 for both in one file", Problem(new() { Certificate = pem }));
        Assert.Equal($"{key} holds no certificate; allowed is PEM, or PKCS#12 with the key in it", Problem(new() { Certificate = key }));
        Assert.Contains($"the key in {others} ", Problem(new() { Certificate = pem, Key = others }), StringComparison.Ordinal);
        Assert.Contains("does not belong to the certificate", Problem(new() { Certificate = pem, Key = others }), StringComparison.Ordinal);
        Assert.Equal($"the key in {locked} is encrypted; say password or passwordFile", Problem(new() { Certificate = pem, Key = locked }));
        Assert.Equal($"the key in {locked} can't be read with this password", Problem(new() { Certificate = pem, Key = locked, Password = Password }));
        Assert.Equal($"{sealedFile} is neither PEM nor PKCS#12, or its password is another one", Problem(new() { Certificate = sealedFile, Password = Password }));
        Assert.Equal($"{noise} is neither PEM nor PKCS#12, or its password is another one", Problem(new() { Certificate = noise }));
        Assert.Equal($"{WriteBytes("large", new byte[(1 << 20) + 1])} can't be read: it is larger than 1 MB", Problem(new() { Certificate = Path.Combine(_folder, "large") }));
        Assert.DoesNotContain(Password, new TlsOptions { Certificate = pem, Password = Password }.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Authorities_are_one_or_more()
    {
        string one = _certificate.ExportCertificatePem();
        Assert.Equal(2, CertificateFiles.ReadAuthorities(Write("ca.pem", one + "\n" + one), out string? problem).Count);
        Assert.Null(problem);
        Assert.Empty(CertificateFiles.ReadAuthorities(Write("none.pem", "x"), out problem));
        Assert.EndsWith("holds no certificate; allowed is PEM", problem);
    }

    [Theory]
    [InlineData(30, 0)]
    [InlineData(10, 4017)]
    [InlineData(-1, 4016)]
    public void A_certificate_that_ends_is_warned_of(int days, int warning)
    {
        X509Certificate2 certificate = Issue(Now.AddDays(days));
        var log = new RecordingLogger<ListenerCertificate>();
        string file = WritePair(certificate);

        using var listener = new ListenerCertificate(new() { Certificate = file }, log, new ManualTimeProvider());

        Assert.Equal(warning, log.Lines.Where(line => line.Level >= LogLevel.Warning).Select(line => line.Id).SingleOrDefault());
    }

    [Fact]
    public async Task A_certificate_that_nobody_renews_is_warned_of_each_day()
    {
        var (log, time) = (new RecordingLogger<ListenerCertificate>(), new ManualTimeProvider());
        using var listener = new ListenerCertificate(new() { Certificate = WritePair(Issue(Now.AddDays(15).AddHours(1))) }, log, time);
        await listener.StartAsync(TestContext.Current.CancellationToken);
        await Eventually.True(() => time.Timers == 2);

        foreach (int warnings in (int[])[0, 1, 2])
        {
            time.Advance(ListenerCertificate.Day);
            Assert.Equal(warnings, log.Lines.Count(line => line.Id == 4017));
        }
        time.Advance(TimeSpan.FromDays(13));
        Assert.Single(log.Lines, line => line.Id == 4016);
        await listener.StopAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, time.Timers);
    }

    [Theory]
    [InlineData(20, 4015)]
    [InlineData(-1, 4014)]
    public async Task A_certificate_that_has_ended_replaces_only_one_that_has_ended(int days, int told)
    {
        var (log, time) = (new RecordingLogger<ListenerCertificate>(), new ManualTimeProvider());
        using var listener = new ListenerCertificate(new() { Certificate = WritePair(Issue(Now.AddDays(days))) }, log, time);
        await listener.StartAsync(TestContext.Current.CancellationToken);
        WritePair(Issue(Now.AddDays(-2)));

        await Eventually.True(() =>
        {
            time.Advance(FileWatch.Interval);
            return log.Lines.Any(line => line.Id is 4014 or 4015);
        });

        Assert.Equal(told, Assert.Single(log.Lines, line => line.Id is 4014 or 4015).Id);
        await listener.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public void What_can_not_be_used_stops_the_start() =>
        Assert.Contains("there is no such file", Assert.Throws<OptionsValidationException>(() => new ListenerCertificate(new() { Certificate = Path.Combine(_folder, "absent") }, new RecordingLogger<ListenerCertificate>(), TimeProvider.System)).Message);

    private ServerCertificate Read(TlsOptions options)
    {
        ServerCertificate? read = CertificateFiles.Read(options, out string? problem);
        Assert.Null(problem);
        Assert.Equal(_certificate.Thumbprint, read!.Leaf.Thumbprint);
        Assert.True(read.Leaf.HasPrivateKey);
        return read;
    }

    private static string Problem(TlsOptions options)
    {
        Assert.Null(CertificateFiles.Read(options, out string? problem));
        Assert.DoesNotContain(Password, problem, StringComparison.Ordinal);
        return problem!;
    }

    private static X509Certificate2 Issue(DateTimeOffset end)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("CN=a", key, HashAlgorithmName.SHA256).CreateSelfSigned(end.AddDays(-50), end);
    }

    private string WritePair(X509Certificate2 certificate) => Write("pair.pem", certificate.ExportCertificatePem() + "\n" + certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());

    private string Write(string name, string text) => WriteBytes(name, System.Text.Encoding.UTF8.GetBytes(text));

    private string WriteBytes(string name, byte[] bytes)
    {
        string file = Path.Combine(_folder, name);
        File.WriteAllBytes(file, bytes);
        return file;
    }
}
