namespace Larder;

/// <summary>How far this node's events have come, and up to where this node has seen those of others (docs/invalidation.md, R-29 and R-30).</summary>
/// <param name="watch">Null where there are no leases: then nobody can say that an event is everywhere.</param>
internal sealed class RemoteAcknowledgements(LogFollower follower, DoubtedMemory doubted, InvalidationIndex index, LeaseWatch? watch, bool isStrict, TimeProvider time)
{
    /// <summary>More than so many wait for nothing: they are told at once that they can't know.</summary>
    private const int MostWaiting = 1000;

    private readonly Lock _gate = new();
    private Position _newest;
    private int _waiting;

    public bool IsStrict => isStrict;

    /// <summary>The newest local ordinal.</summary>
    public long Settled => index.Settled;

    /// <summary>The newest position that an event of this node was given, in the epoch in which the last one was.</summary>
    public Position Newest
    {
        get
        {
            lock (_gate) return _newest;
        }
    }

    /// <summary>The log has an event of this node.</summary>
    public void Note(Position place)
    {
        lock (_gate)
            if (place.Epoch != _newest.Epoch || place.Ordinal > _newest.Ordinal) _newest = place;
    }

    /// <summary>Waits until all strict nodes have seen a position, for a bounded time.</summary>
    public ValueTask<bool> EverywhereAsync(Position position, CancellationToken cancellationToken) =>
        watch is null ? new(false) : watch.WaitAsync(position, cancellationToken);

    /// <summary>Waits until this node has seen a token's position, for a bounded time.</summary>
    public async ValueTask<bool> CatchUpAsync(PositionToken token, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (follower.Epoch is not (not 0 and var epoch) || !token.IsOf(epoch)) return false;
        var position = new Position(epoch, token.Ordinal);
        if (HasSeen(position)) return !doubted.IsInDoubt;
        if (patience <= TimeSpan.Zero) return false;
        try
        {
            return Interlocked.Increment(ref _waiting) <= MostWaiting
                && await follower.WaitUntilSeenAsync(position, patience, time, cancellationToken).ConfigureAwait(false)
                && !doubted.IsInDoubt;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private bool HasSeen(Position position) => follower.Usable is { } view && view.Epoch == position.Epoch && view.SeenUpTo >= position.Ordinal;
}
