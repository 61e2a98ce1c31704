using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Larder.Redis;

/// <summary>Opens the way to a server: a socket, with TLS where it is asked for.</summary>
internal static class Transport
{
    private const int KeepAliveSeconds = 5;

    public static async Task<Stream> ConnectAsync(RedisEndpoint endpoint, RedisTlsOptions? tls, CancellationToken cancellationToken)
    {
        Socket socket = endpoint.IsUnix ? new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) : new(SocketType.Stream, ProtocolType.Tcp);
        Stream? stream = null;
        try
        {
            if (!endpoint.IsUnix)
            {
                socket.NoDelay = true;
                socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveSeconds);
                socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 1);
            }
            await socket.ConnectAsync(Address(endpoint), cancellationToken).ConfigureAwait(false);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (tls is null) return stream;
            var secure = new SslStream(stream, leaveInnerStreamOpen: false);
            stream = secure;
            using var authentication = TlsAuthentication.Load(tls);
            await secure.AuthenticateAsClientAsync(authentication.For(endpoint), cancellationToken).ConfigureAwait(false);
            return secure;
        }
        catch
        {
            if (stream is not null) await stream.DisposeAsync().ConfigureAwait(false);
            socket.Dispose();
            throw;
        }
    }

    private static EndPoint Address(RedisEndpoint endpoint) =>
        endpoint.IsUnix ? new UnixDomainSocketEndPoint(endpoint.Host)
        : IPAddress.TryParse(endpoint.Host, out IPAddress? address) ? new IPEndPoint(address, endpoint.Port)
        : new DnsEndPoint(endpoint.Host, endpoint.Port);

    /// <summary>What went wrong, in words that can be logged: nothing that a server sent is among them.</summary>
    public static string Describe(Exception failure) => failure switch
    {
        RespException or RedisHandshakeException => failure.Message,
        AuthenticationException => $"TLS failed: {failure.Message}",
        SocketException socket => $"the network failed ({socket.SocketErrorCode})",
        IOException { InnerException: SocketException socket } => $"the network failed ({socket.SocketErrorCode})",
        OperationCanceledException => "it took too long",
        _ => failure.GetType().Name,
    };
}
