namespace Larder.Gateway.Forwarding;

/// <summary>
/// One try to send a request to a server of HTTP/1.1. Within it the handler may write the request, lose the connection and fail to make another: the last
/// failure then says nothing of what the server has seen. So the connection itself notes here that it was written to (<see cref="InterimStream"/>).
/// A request that HTTP/2 repeats has not been processed, as the server says itself.
/// </summary>
internal sealed class Attempt
{
    private static readonly AsyncLocal<Attempt?> Own = new();
    private volatile bool _hasWritten;

    /// <summary>The try that this flow is part of; null where nobody asks.</summary>
    public static Attempt? Current => Own.Value;

    /// <summary>Whether the server may have seen anything of the request.</summary>
    public bool HasWritten => _hasWritten;

    /// <summary>Begins one, for all that the caller calls from now on.</summary>
    public static Attempt Begin() => Own.Value = new();

    /// <summary>Bytes are about to be written: whether they arrive, nobody knows.</summary>
    public void Writes() => _hasWritten = true;
}
