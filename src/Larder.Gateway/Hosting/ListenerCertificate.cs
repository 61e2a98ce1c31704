using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Larder.Gateway.Hosting;

/// <summary>
/// The certificate that listeners show, which follows its files. Files that can't be used change nothing: the last good
/// certificate stays, as it does where the files hold one that has ended; connections that stand keep the one that they began with.
/// </summary>
internal sealed class ListenerCertificate : BackgroundService
{
    /// <summary>The time between two looks at the calendar.</summary>
    public static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private static readonly TimeSpan Soon = TimeSpan.FromDays(14);

    private readonly TlsOptions _options;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly FileWatch _watch;
    private volatile SslStreamCertificateContext _context;

    /// <exception cref="OptionsValidationException">The files can't be used.</exception>
    public ListenerCertificate(TlsOptions options, ILogger<ListenerCertificate> logger, TimeProvider time)
    {
        _options = options;
        _logger = logger;
        _time = time;
        // Looks before it reads: a change in between is seen later, not lost.
        _watch = new([.. new[] { options.Certificate, options.Key, options.PasswordFile }.OfType<string>()], time);
        _context = Read(out string? problem) ?? throw new OptionsValidationException("tls", typeof(TlsOptions), [$"tls: {problem}"]);
        WarnOfEnd();
    }

    /// <summary>What a listener needs to shake hands.</summary>
    public TlsHandshakeCallbackOptions Callback(HttpProtocols protocols)
    {
        List<SslApplicationProtocol> spoken = protocols == HttpProtocols.Http1 ? [SslApplicationProtocol.Http11] : [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];
        return new() { OnConnection = _ => new(new SslServerAuthenticationOptions { ServerCertificateContext = _context, ApplicationProtocols = spoken }) };
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Files that nobody renews do not change: the calendar does.
        await using ITimer daily = _time.CreateTimer(static self => ((ListenerCertificate)self!).WarnOfEnd(), this, Day, Day);
        await _watch.RunAsync(Reload, stoppingToken);
    }

    private void Reload()
    {
        if (Read(out string? problem) is not { } context)
        {
            Log.CertificateRefused(_logger, problem!);
        }
        else if (HasEnded(context) && !HasEnded(_context))
        {
            Log.CertificateRefused(_logger, string.Create(CultureInfo.InvariantCulture, $"the one in {_options.Certificate} ended {EndOf(context):u}"));
        }
        else
        {
            _context = context;
            Log.CertificateRead(_logger, EndOf(context));
            WarnOfEnd();
        }
    }

    private SslStreamCertificateContext? Read(out string? problem) =>
        CertificateFiles.Read(_options, out problem) is { } read ? SslStreamCertificateContext.Create(read.Leaf, read.Others, offline: true) : null;

    private void WarnOfEnd()
    {
        X509Certificate2 shown = _context.TargetCertificate;
        DateTime now = _time.GetUtcNow().UtcDateTime, begin = shown.NotBefore.ToUniversalTime(), end = shown.NotAfter.ToUniversalTime();
        if (end <= now || begin > now) Log.CertificateNotValid(_logger, _options.Certificate, begin, end);
        else if (end - now < Soon) Log.CertificateEnds(_logger, _options.Certificate, end);
    }

    private bool HasEnded(SslStreamCertificateContext context) => EndOf(context) <= _time.GetUtcNow().UtcDateTime;

    private static DateTime EndOf(SslStreamCertificateContext context) => context.TargetCertificate.NotAfter.ToUniversalTime();
}
