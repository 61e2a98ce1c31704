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
            await AuthenticateAsync(secure, authentication.For(endpoint), cancellationToken).ConfigureAwait(false);
            return secure;
        }
        catch
        {
            if (stream is not null) await stream.DisposeAsync().ConfigureAwait(false);
            socket.Dispose();
            throw;
        }
    }

    /// <exception cref="RedisHandshakeException">It may be that the server speaks no TLS.</exception>
    private static async Task AuthenticateAsync(SslStream secure, SslClientAuthenticationOptions options, CancellationToken cancellationToken)
    {
        try
        {
            await secure.AuthenticateAsClientAsync(options, cancellationToken).ConfigureAwait(false);
        }
        // Whoever shows a certificate speaks TLS; a plain server answers with something else, or waits for the end of what it takes for a command.
        catch (Exception e) when (e is IOException or OperationCanceledException || e is AuthenticationException && !e.Message.Contains("certificate", StringComparison.OrdinalIgnoreCase))
        {
            throw new RedisHandshakeException($"{Describe(e)}; does the server speak TLS? Without, it is redis://, or ssl=false");
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
