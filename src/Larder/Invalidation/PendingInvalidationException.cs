namespace Larder;

/// <summary>
/// On a strict node of the Redis tier: an event holds on this node, and the log does not have it yet. It is sent when Redis is
/// there; until then other nodes may hand out what it covers, strict ones for as long as their leases live.
/// </summary>
public sealed class PendingInvalidationException : Exception
{
    /// <summary>Made by the cache.</summary>
    public PendingInvalidationException()
    {
    }

    /// <inheritdoc cref="PendingInvalidationException()"/>
    public PendingInvalidationException(string message) : base(message)
    {
    }

    /// <inheritdoc cref="PendingInvalidationException()"/>
    public PendingInvalidationException(string message, Exception inner) : base(message, inner)
    {
    }

    /// <summary>What became of the event: pending, and how far it reaches.</summary>
    public InvalidationResult Result { get; private init; }

    internal static PendingInvalidationException Of(in InvalidationResult result) =>
        new("The event holds on this node, but Redis has not acknowledged it: other nodes may still hand out what it covers. It is sent as soon as Redis is there.") { Result = result };

    internal static PendingInvalidationException Of(Position position) => Of(new InvalidationResult(position, null, InvalidationStatus.Pending, InvalidationReach.Local));
}
