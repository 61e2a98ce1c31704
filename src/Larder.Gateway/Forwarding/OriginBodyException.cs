namespace Larder.Gateway.Forwarding;

/// <summary>
/// The origin's body ended early or stalled after the response had begun. The forwarder has already aborted the
/// connection to the client; a middleware that records the body must drop it. <see cref="QuietAborts"/> ends the exception.
/// </summary>
internal sealed class OriginBodyException(string message, Reason reason, Exception? inner) : IOException(message, inner)
{
    /// <summary>One of the <c>error-…</c> reasons.</summary>
    public Reason Reason { get; } = reason;
}
