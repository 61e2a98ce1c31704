using System.Net.Http;
using System.Net.Sockets;
using Larder.AspNetCore;

namespace Larder.Gateway.Forwarding;

/// <summary>Why no answer came from the origin, in the words of the answer that is given instead.</summary>
internal sealed record OriginFailure(Reason Reason, string Cause) : IOriginFailureFeature
{
    /// <inheritdoc/>
    public bool NothingWasSent { get; init; }

    /// <summary>There was no connection, or it ended before an answer's head was whole: another server may do better.</summary>
    public bool IsBeforeAnswer => NothingWasSent || Reason == Reason.ErrorUnreachable;

    /// <summary>504 if the origin was too slow, else 502.</summary>
    public int Status => Reason == Reason.ErrorTimeout ? 504 : 502;

    /// <summary>The origin sent no response headers in time.</summary>
    public static OriginFailure NoAnswer(TimeSpan timeout) => new(Reason.ErrorTimeout, $"did not answer within {Seconds(timeout)}.");

    /// <summary>The origin broke the protocol.</summary>
    public static OriginFailure Protocol(string cause) => new(Reason.ErrorProtocol, cause);

    /// <summary>What an exception of the handler means; null if it is none that an origin can cause.</summary>
    public static OriginFailure? From(Exception exception, TimeSpan connectTimeout) => exception switch
    {
        OperationCanceledException { InnerException: TimeoutException } =>
            new(Reason.ErrorTimeout, $"did not accept a connection within {Seconds(connectTimeout)}.") { NothingWasSent = true },
        HttpRequestException e => From(e),
        HttpIOException { HttpRequestError: not HttpRequestError.ResponseEnded } => Protocol("broke the HTTP protocol."),
        IOException e => new(Reason.ErrorUnreachable, Socket(e) ?? "closed the connection before answering."),
        _ => null,
    };

    private static OriginFailure From(HttpRequestException e) => e.HttpRequestError switch
    {
        HttpRequestError.NameResolutionError => new(Reason.ErrorUnreachable, "has a name that could not be resolved.") { NothingWasSent = true },
        HttpRequestError.ConnectionError => new(Reason.ErrorUnreachable, Socket(e) ?? "could not be connected to.") { NothingWasSent = true },
        HttpRequestError.SecureConnectionError => new(Reason.ErrorUnreachable, "failed the TLS handshake.") { NothingWasSent = true },
        HttpRequestError.ConfigurationLimitExceeded => Protocol("sent response headers that are too large."),
        HttpRequestError.InvalidResponse or HttpRequestError.HttpProtocolError or HttpRequestError.VersionNegotiationError =>
            Protocol("sent an answer that is not valid HTTP."),
        _ => new(Reason.ErrorUnreachable, Socket(e) ?? "closed the connection before answering."),
    };

    private static string? Socket(Exception? e)
    {
        for (; e is not null; e = e.InnerException)
        {
            if (e is not SocketException socket) continue;
            return socket.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => "refused the connection.",
                SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown => "reset the connection before answering.",
                SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData => "has a name that could not be resolved.",
                SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.HostDown or SocketError.NetworkDown =>
                    "can't be reached over the network.",
                SocketError.TimedOut => "did not answer on the network.",
                _ => "could not be connected to.",
            };
        }
        return null;
    }

    private static string Seconds(TimeSpan time) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.###} s");
}
