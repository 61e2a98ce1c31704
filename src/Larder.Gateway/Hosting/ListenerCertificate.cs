using System.Net.Security;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Larder.Gateway.Hosting;

/// <summary>
/// The certificate that listeners show, which follows its files. Files that can't be used change nothing: the last good
/// certificate stays, and connections that stand keep the one that they began with.
/// </summary>
internal sealed class ListenerCertificate : BackgroundService
{
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
    }

    /// <summary>What a listener needs to shake hands.</summary>
    public TlsHandshakeCallbackOptions Callback(HttpProtocols protocols)
    {
        List<SslApplicationProtocol> spoken = protocols == HttpProtocols.Http1 ? [SslApplicationProtocol.Http11] : [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];
        return new() { OnConnection = _ => new(new SslServerAuthenticationOptions { ServerCertificateContext = _context, ApplicationProtocols = spoken }) };
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => _watch.RunAsync(Reload, stoppingToken);

    private void Reload()
    {
        if (Read(out string? problem) is { } context)
        {
            _context = context;
            Log.CertificateRead(_logger, context.TargetCertificate.NotAfter.ToUniversalTime());
        }
        else
        {
            Log.CertificateRefused(_logger, problem!);
        }
    }

    private SslStreamCertificateContext? Read(out string? problem)
    {
        if (CertificateFiles.Read(_options, out problem) is not { } read) return null;
        DateTime now = _time.GetUtcNow().UtcDateTime, end = read.Leaf.NotAfter.ToUniversalTime();
        if (end <= now || read.Leaf.NotBefore.ToUniversalTime() > now) Log.CertificateNotValid(_logger, _options.Certificate, read.Leaf.NotBefore.ToUniversalTime(), end);
        else if (end - now < Soon) Log.CertificateEnds(_logger, _options.Certificate, end);
        return SslStreamCertificateContext.Create(read.Leaf, read.Others, offline: true);
    }
}
