namespace Larder;

/// <summary>The calls of a cache with the Redis tier, where they go further than memory.</summary>
internal sealed class RemoteCalls(RemoteTier tier, RemoteFills fills, CacheClock clock, EntryFactory entries, Lookups lookups, ReasonCounters reasons, CacheEvents events)
{
    public RemoteTier Tier => tier;

    /// <summary>Looks a key up in Redis that is no plain hit in memory.</summary>
    public async ValueTask<LookupResult<T>> GetAsync<T>(string key, Entry? seen, Reason missed, bool allowStale)
    {
        bool isStale = allowStale && seen is not null && lookups.Judge(seen, clock.Now) is Standing.Stale or Standing.LastResort;
        if (!isStale && await fills.FindAsync(key).ConfigureAwait(false) is { } entry)
        {
            long now = clock.Now;
            Reason reason = entry.IsFresh(now) ? Reason.HitRedis : allowStale && !entry.IsGone(now) ? Reason.Stale : Reason.None;
            if (reason != Reason.None && entries.TryRead(entry, out T value))
            {
                reasons.Count(reason);
                if (events.AnyListeners) events.Raise(CacheEventKind.Hit, key, reason);
                return new(value, reason, Lookups.Age(entry, now), Lookups.Remaining(entry, now));
            }
        }
        return lookups.Answer<T>(seen, key, missed, allowStale);
    }

    /// <summary>An operation that is an event of a key: it takes effect in memory at once, and the task ends when the log has it or it waits.</summary>
    /// <param name="key">The key.</param>
    /// <param name="operation">Given to <paramref name="apply"/>.</param>
    /// <param name="apply">Carries it out in memory; the entry is what goes into the slot, if anything does.</param>
    public async ValueTask<TResult> ApplyAsync<TOperation, TResult>(string key, TOperation operation, Func<TOperation, string, (TResult Result, Entry? Entry)> apply)
    {
        PendingEvent pending = tier.Events.Begin(key);
        TResult result;
        Entry? entry;
        try
        {
            (result, entry) = apply(operation, key);
        }
        catch
        {
            tier.Events.Postpone(pending);
            throw;
        }
        bool isLogged = entry is null ? await tier.Events.SendAsync(pending).ConfigureAwait(false) is not null : await tier.Events.SetAsync(pending, entry).ConfigureAwait(false);
        if (!isLogged && tier.Events.IsStrict) throw PendingInvalidationException.Of(tier.Events.Pending);
        return result;
    }
}
