using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>Decides whether what was made is stored, and stores it.</summary>
/// <remarks>
/// What a fill has made is newer than what is stored. Where it can't be stored because of what it is (null, too large, too
/// many tags, not serializable), the older value goes, so that nobody is taken back behind what others have seen; where the
/// program says that the result is not worth it (a condition), the older value stays as long as its windows allow.
/// "Newer" is by when things land: flights of a key come one after the other, values stored from outside are in order among
/// themselves (<see cref="Entry.Begun"/>), but of a flight and a value from outside that were made side by side the one that lands last
/// stays. Neither is older than any event that was acknowledged.
/// </remarks>
internal sealed class Storer(bool writes, CacheClock clock, MemoryStore memory, InvalidationIndex index, EntryFactory entries, CacheEvents events, ILogger logger, RemoteFills? remote)
{
    /// <summary>Stores a value that was made outside since the stamp; what is stored stays where it can't be.</summary>
    /// <param name="claim">What may be replaced in Redis by it; null where there is none.</param>
    /// <param name="face">The fill that made it, where that keeps claims of its own.</param>
    public Reason Add<T>(string key, T value, EntryRules rules, Stamp stamp, SlotClaim? claim = null, FaceFill? face = null)
    {
        if (value is null && !rules.StoreNull || !IsWorthKeeping(value, rules)) return Reason.UnstoredCondition;
        (Entry entry, Reason unstored) = entries.Make(key, value, rules, stamp.Begun);
        if (unstored == Reason.None) unstored = Add(entry, stamp.Ordinal, null);
        if (unstored != Reason.None) return unstored;
        face?.Keep(entry);
        if (claim is not null) remote?.Store(entry, claim);
        return unstored;
    }

    /// <summary>Stores a value that the program sets.</summary>
    /// <param name="stored">The entry, where it was stored, or is not to be in memory.</param>
    public Reason Set<T>(string key, T value, EntryRules rules, out Entry? stored)
    {
        stored = null;
        (Entry entry, Reason unstored) = entries.Make(key, value, rules, 0);
        if (unstored != Reason.None)
        {
            memory.Invalidate(key);
            return unstored;
        }
        if (!writes)
        {
            memory.Invalidate(key);
            stored = entry;
            return Reason.None;
        }
        unstored = memory.Set(entry);
        if (unstored == Reason.None) stored = entry;
        if (unstored == Reason.None && events.AnyListeners) events.Raise(CacheEventKind.Set, key);
        return unstored;
    }

    /// <summary>Stores the result of a fill, if it is worth it.</summary>
    /// <param name="older">What was stored when the fill began.</param>
    public Filled<T> Keep<T>(Flight<T> flight, T value, EntryRules rules, Entry? older, bool isDeclined = false)
    {
        long stamp = flight.Stamp;
        (Entry entry, Reason unstored) = entries.Make(flight.Key, value, rules, 0);
        if (!writes)
        {
            if (remote is not null && !isDeclined && IsWorthKeeping(value, rules)) KeepThere(remote, flight, entry, value is null && !rules.StoreNull ? Reason.UnstoredCondition : unstored);
            else remote?.Release(flight);
            return new(value, entry, stamp);
        }
        if (isDeclined || !IsWorthKeeping(value, rules))
        {
            Postpone(older, rules);
            remote?.Release(flight);
            return new(value, entry, stamp, Unstored: Reason.UnstoredCondition);
        }
        if (value is null && !rules.StoreNull) unstored = Reason.UnstoredCondition;
        if (unstored == Reason.None) unstored = Add(entry, stamp, flight.Watch);
        if (older is not null && unstored is not (Reason.None or Reason.UnstoredOvertaken)) memory.Drop(older, RemovalCause.Replaced);
        remote?.Keep(flight, entry, unstored);
        return new(value, entry, stamp, Unstored: unstored);
    }

    /// <summary>What is not to be in memory goes into Redis on the same condition.</summary>
    private void KeepThere(RemoteFills remote, Flight flight, Entry entry, Reason unstored) =>
        remote.Keep(flight, entry, unstored == Reason.None && memory.IsOvertaken(entry, flight.Stamp, flight.Watch) ? Reason.UnstoredOvertaken : unstored);

    /// <summary>A fill found that there is no value: what is stored is older than that.</summary>
    public void KeepNothing(Flight flight, Entry? older)
    {
        if (older is not null) memory.Drop(older, RemovalCause.Replaced);
        remote?.KeepNothing(flight);
    }

    /// <summary>Remembers that a fill failed: on what stands in for its value, else, if that is asked for, in its place.</summary>
    public void Remember<T>(Flight<T> flight, Exception failure, EntryRules rules)
    {
        if (!writes) return;
        long now = clock.Now;
        if (memory.Find(flight.Key) is { } stored && stored.Value is not StoredFailure && !stored.IsGone(now) && index.IsCurrent(stored))
        {
            Postpone(stored, rules);
            Log.StoodIn(logger, typeof(T), failure);
        }
        else if (rules.FailureTtl > TimeSpan.Zero)
        {
            // A value set meanwhile is an event of the key: the store then refuses what is older. One filled meanwhile is none, but found there.
            memory.TryAddFailure(entries.MakeFailure(flight.Key, failure, rules), flight.Stamp, now, flight.Watch);
        }
    }

    /// <summary>Whether the program wants a result stored.</summary>
    private bool IsWorthKeeping<T>(T value, EntryRules rules)
    {
        if (rules.StoreWhen is not { } condition) return true;
        try
        {
            return condition(value);
        }
        catch (Exception e)
        {
            Log.ConditionFailed(logger, typeof(T), e);
            return false;
        }
    }

    private Reason Add(Entry entry, long stamp, IKeyWatch? watch)
    {
        Reason unstored = memory.TryAdd(entry, stamp, watch);
        if (unstored == Reason.None && events.AnyListeners) events.Raise(CacheEventKind.Set, entry.Key);
        return unstored;
    }

    /// <summary>The next refresh is not begun at once.</summary>
    private void Postpone(Entry? stored, EntryRules rules)
    {
        if (stored is DetailedEntry detailed) detailed.RetryAt = CacheClock.After(clock.Now, rules.RetryAfter);
    }
}
