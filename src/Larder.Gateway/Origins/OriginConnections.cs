using System.Net;
using System.Net.Http;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Larder.Gateway.Forwarding;
using Larder.Gateway.Hosting;

namespace Larder.Gateway.Origins;

/// <summary>How connections to an origin are made: nothing is followed, decoded or remembered on the way, and certificates are verified.</summary>
internal static class OriginConnections
{
    /// <summary>A handler with a pool of its own.</summary>
    public static SocketsHttpHandler Handler(OriginOptions options, TimeSpan connectTimeout)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            AutomaticDecompression = DecompressionMethods.None,
            ActivityHeadersPropagator = null,
            EnableMultipleHttp2Connections = true,
            ConnectTimeout = connectTimeout,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60),
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            MaxResponseHeadersLength = 64,
            RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
            ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
            PlaintextStreamFilter = static (context, _) => new(context.NegotiatedHttpVersion.Major == 1 ? new InterimStream(context.PlaintextStream) : context.PlaintextStream),
        };
        if (Trusting(options.TrustedRoots) is { } policy) handler.SslOptions.CertificateChainPolicy = policy;
        if (options.ServerName is { } name)
            handler.ConnectCallback = (context, cancel) => ConnectAsync(context, name, options, cancel);
        return handler;
    }

    private static X509ChainPolicy? Trusting(IReadOnlyList<X509Certificate2> roots)
    {
        if (roots.Count == 0) return null;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        foreach (X509Certificate2 root in roots) policy.CustomTrustStore.Add(root);
        return policy;
    }

    /// <summary>The handler asks for the URL's host in the handshake; where another name is wanted, the handshake is made here.</summary>
    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, string name, OriginOptions options, CancellationToken cancel)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancel);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (context.InitialRequestMessage.RequestUri?.Scheme != Uri.UriSchemeHttps) return stream;
            var secure = new SslStream(stream);
            stream = secure;
            bool http2 = context.InitialRequestMessage.Version.Major >= 2;
            await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = name,
                CertificateChainPolicy = Trusting(options.TrustedRoots),
                ApplicationProtocols = http2 ? [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11] : [SslApplicationProtocol.Http11],
            }, cancel);
            return secure;
        }
        catch
        {
            if (stream is not null) await stream.DisposeAsync();
            else socket.Dispose();
            throw;
        }
    }
}
