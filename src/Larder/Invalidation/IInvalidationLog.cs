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
    /// <param name="reach">How far it is to have come when the task ends, if that can be.</param>
    ValueTask<InvalidationResult> AppendAsync(Invalidation invalidation, bool count, InvalidationReach reach, CancellationToken cancellationToken);

    /// <summary>Whether callers are to be told as an error that the log does not have an event yet.</summary>
    bool IsStrict { get; }

    /// <summary>A position that is not before any event of this node whose call has ended; the default while there was none.</summary>
    Position Newest { get; }

    /// <summary>Waits until this node has seen what the token stands for, for a bounded time.</summary>
    /// <returns>Whether what is read from now on is not older; false where that can't be known.</returns>
    ValueTask<bool> CatchUpAsync(PositionToken token, TimeSpan patience, CancellationToken cancellationToken);
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
internal sealed class InProcessLog(IInvalidationReceiver receiver, Ordinals ordinals) : IInvalidationLog
{
    // Tokens are signed with it.
    public ulong Epoch { get; } = PositionToken.NewKey();

    public bool IsStrict => false;

    public Position Newest => ordinals.Last is > 0 and var last ? new(Epoch, last) : default;

    public ValueTask<bool> CatchUpAsync(PositionToken token, TimeSpan patience, CancellationToken cancellationToken) => new(token.IsOf(Epoch));

    public ValueTask<InvalidationResult> AppendAsync(Invalidation invalidation, bool count, InvalidationReach reach, CancellationToken cancellationToken)
    {
        (long ordinal, int? removed) = receiver.Apply(invalidation, count, cancellationToken);
        return new(new InvalidationResult(new(Epoch, ordinal), removed, InvalidationStatus.Acknowledged, reach == InvalidationReach.Everywhere ? reach : InvalidationReach.Logged));
    }
}
