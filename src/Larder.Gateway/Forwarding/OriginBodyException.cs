namespace Larder.Gateway.Forwarding;

/// <summary>
/// The origin's body ended early or stalled. If the response had started, the forwarder has already aborted the client's
/// connection; a middleware that records the body must drop it, and may answer otherwise if it had held the response back.
/// <see cref="QuietAborts"/> ends the exception, and the connection with it.
/// </summary>
internal sealed class OriginBodyException(string message, Reason reason, Exception? inner) : IOException(message, inner)
{
    /// <summary>One of the <c>error-…</c> reasons.</summary>
    public Reason Reason { get; } = reason;
}
