namespace Larder.AspNetCore;

/// <summary>
/// Set on a request by whatever stands for the origin (the gateway's forwarder) when no answer came from it, before
/// its own error answer is written: the cache may then serve a stale response instead, where RFC 9111 §4.2.4 allows.
/// </summary>
public interface IOriginFailureFeature
{
    /// <summary>One of the <c>error-…</c> reasons.</summary>
    Reason Reason { get; }

    /// <summary>
    /// Nothing of the request can have reached the origin: a write has not taken place. False where nobody knows.
    /// </summary>
    bool NothingWasSent => false;
}
