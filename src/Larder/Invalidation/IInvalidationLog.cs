namespace Larder;

/// <summary>
/// Where invalidations are sequenced. In one process it is a counter; with Redis it will be a stream that every node
/// tails. Whatever it is, it hands each event to <see cref="IInvalidationReceiver"/> in the order of its positions.
/// </summary>
internal interface IInvalidationLog
{
    /// <summary>Gives the event its position and applies it on this node before the task ends.</summary>
    ValueTask<Position> AppendAsync(Invalidation invalidation, CancellationToken cancellationToken);
}

/// <summary>The part of a cache that makes an event effective on this node.</summary>
internal interface IInvalidationReceiver
{
    /// <summary>Makes the event effective and returns its local ordinal; from then on no reader is handed what it covers.</summary>
    long Apply(Invalidation invalidation);
}

/// <summary>The log of a cache that lives in one process alone: the local ordinal is the position.</summary>
internal sealed class InProcessLog(IInvalidationReceiver receiver) : IInvalidationLog
{
    private readonly ulong _epoch = (ulong)Random.Shared.NextInt64();

    public ValueTask<Position> AppendAsync(Invalidation invalidation, CancellationToken cancellationToken) =>
        new(new Position(_epoch, receiver.Apply(invalidation)));
}
