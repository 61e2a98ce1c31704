namespace Larder;

/// <summary>Makes invalidations effective in this process: key events in the store, group events in the index.</summary>
internal sealed class LocalReceiver(MemoryStore memory, InvalidationIndex index, Upkeep upkeep) : IInvalidationReceiver
{
    public long Apply(Invalidation invalidation)
    {
        if (invalidation.Kind == InvalidationKind.Key) return memory.Invalidate(invalidation.Subject).Ordinal;
        long ordinal = index.Publish(invalidation);
        // Between two rounds of upkeep the tables may outgrow their bound: whoever does it pays for the sweep.
        if (index.ShouldPrune) upkeep.Run();
        return ordinal;
    }
}
