namespace Larder;

/// <summary>
/// Where invalidations are sequenced. In one process it is a counter; with Redis it will be a stream that every node
/// tails. Whatever it is, it hands each event to <see cref="IInvalidationReceiver"/> in the order of its positions.
/// </summary>
internal interface IInvalidationLog
{
    /// <summary>Which life of the log positions are of now.</summary>
    ulong Epoch { get; }

    /// <summary>Applies the event on this node before the task ends, and gives it its position or says that it is pending.</summary>
    /// <param name="invalidation">The event.</param>
    /// <param name="count">Whether to count what it ended on this node.</param>
    ValueTask<InvalidationResult> AppendAsync(Invalidation invalidation, bool count, CancellationToken cancellationToken);
}

/// <summary>The part of a cache that makes an event effective on this node.</summary>
internal interface IInvalidationReceiver
{
    /// <summary>Makes the event effective; from then on no reader is handed what it covers as fresh.</summary>
    /// <returns>Its local ordinal and, where it was asked for and could be counted, how many entries it ended.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled before the event was made effective, and nothing happened. Afterwards that ends the counting only.</exception>
    (long Ordinal, int? Removed) Apply(Invalidation invalidation, bool count, CancellationToken cancellationToken);
}

/// <summary>The log of a cache that lives in one process alone: the local ordinal is the position.</summary>
internal sealed class InProcessLog(IInvalidationReceiver receiver) : IInvalidationLog
{
    public ulong Epoch { get; } = (ulong)Random.Shared.NextInt64();

    public ValueTask<InvalidationResult> AppendAsync(Invalidation invalidation, bool count, CancellationToken cancellationToken)
    {
        (long ordinal, int? removed) = receiver.Apply(invalidation, count, cancellationToken);
        return new(new InvalidationResult(new(Epoch, ordinal), removed, InvalidationStatus.Acknowledged, InvalidationReach.Logged));
    }
}
