namespace Larder;

/// <summary>Makes invalidations effective in this process: key events in the store, group events in the index.</summary>
internal sealed class LocalReceiver(MemoryStore memory, InvalidationIndex index, MissNotes misses, CacheClock clock, Upkeep upkeep) : IInvalidationReceiver
{
    public (long Ordinal, int? Removed) Apply(Invalidation invalidation, bool count, CancellationToken cancellationToken)
    {
        if (invalidation.Kind == InvalidationKind.Key) return ApplyToKey(invalidation, count);
        long ordinal = 0;
        int? removed = null;
        if (count) removed = upkeep.Count(() => ordinal = index.Publish(invalidation, clock.Now), cancellationToken);
        else ordinal = index.Publish(invalidation, clock.Now);
        if (removed is null) Bound(ordinal, mayWait: true);
        return (ordinal, removed);
    }

    /// <summary>
    /// Keeps the tables within their bound after an event that no sweep has followed. Whoever brings it pays only if events come
    /// faster than sweeps.
    /// </summary>
    private void Bound(long ordinal, bool mayWait)
    {
        if (index.ShouldPrune) upkeep.Hasten();
        if (mayWait && index.MustForget) upkeep.CatchUp();
        // A listener may hold up the sweep, and not everybody waits for it.
        if (index.MustForget) index.Forget(ordinal);
    }

    /// <summary>Makes an event of another node effective. Whoever reads the log waits for no sweep: rather what can't be kept is forgotten.</summary>
    public void Follow(Invalidation invalidation)
    {
        if (invalidation.Kind == InvalidationKind.Key)
        {
            ApplyToKey(invalidation, count: false);
            return;
        }
        Bound(index.Publish(invalidation, clock.Now), mayWait: false);
    }

    private (long Ordinal, int? Removed) ApplyToKey(Invalidation invalidation, bool count)
    {
        misses.Overtake(invalidation.Subject);
        long now = clock.Now;
        // What is gone already must not be counted as this event's doing.
        bool isUsable = count && memory.Find(invalidation.Subject) is { } entry && index.IsCurrent(entry) && !entry.IsGone(now);
        (long ordinal, bool ended) = invalidation.IsSoft ? memory.Soften(invalidation.Subject, now) : memory.Invalidate(invalidation.Subject);
        return (ordinal, !count ? null : isUsable && ended ? 1 : 0);
    }
}
