using System.Net;
using System.Net.Http;
using Larder.Gateway.Forwarding;
using Larder.Gateway.Hosting;
using Microsoft.Extensions.Logging;

namespace Larder.Gateway.Origins;

/// <summary>One URL of an origin, with its connections and its health. Its connections are closed when no plan holds it any more.</summary>
internal sealed class OriginServer : Counted
{
    private readonly OriginOptions _options;
    private readonly ILogger _logger;
    private readonly HttpMessageInvoker _invoker;

    /// <exception cref="ArgumentException">The URL is not a plain absolute http or https URI.</exception>
    public OriginServer(Uri url, OriginOptions options, TimeSpan connectTimeout, ILogger logger, TimeProvider time)
    {
        _options = options;
        _logger = logger;
        Address = new(url);
        Health = new(time);
        Key = KeyOf(url, options, connectTimeout);
        _invoker = new(OriginConnections.Handler(options, connectTimeout), disposeHandler: true);
    }

    /// <summary>Where it is.</summary>
    public OriginAddress Address { get; }

    /// <summary>Whether it takes requests.</summary>
    public ServerHealth Health { get; }

    /// <summary>How it is checked; null if it isn't.</summary>
    public HealthCheckOptions? Checks => _options.Health;

    /// <summary>Tells it from servers that are spoken to otherwise.</summary>
    public string Key { get; }

    /// <summary>What <see cref="Key"/> would be.</summary>
    public static string KeyOf(Uri url, OriginOptions options, TimeSpan connectTimeout) => string.Join('\n',
        [url.AbsoluteUri, options.Http2?.ToString() ?? "", options.ServerName ?? "", connectTimeout.ToString(), options.Health?.ToString() ?? "", .. options.TrustedRoots.Select(root => root.GetCertHashString(System.Security.Cryptography.HashAlgorithmName.SHA256))]);

    /// <summary>The version of HTTP that a request is sent in. Protocols are switched in HTTP/1.1 only.</summary>
    public (Version Version, HttpVersionPolicy Policy) VersionFor(bool upgrade)
    {
        if (upgrade || _options.Http2 == false) return (HttpVersion.Version11, HttpVersionPolicy.RequestVersionOrLower);
        if (Address.IsSecure) return (HttpVersion.Version20, HttpVersionPolicy.RequestVersionOrLower);
        return _options.Http2 == true ? (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact) : (HttpVersion.Version11, HttpVersionPolicy.RequestVersionOrLower);
    }

    /// <summary>Sends a request; ends with the head of the answer.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        HttpResponseMessage response = await _invoker.SendAsync(request, cancel);
        if (Health.Answered()) Log.TakenBack(_logger, Address.Name);
        return response;
    }

    /// <summary>Sends a check, which by itself says nothing of health.</summary>
    public Task<HttpResponseMessage> CheckAsync(HttpRequestMessage request, CancellationToken cancel) => _invoker.SendAsync(request, cancel);

    /// <summary>It could not be connected to.</summary>
    public void Failed()
    {
        if (Health.Failed() is { } pause) Log.LeftAlone(_logger, Address.Name, pause.TotalSeconds);
    }

    /// <inheritdoc/>
    protected override void End() => _invoker.Dispose();
}
