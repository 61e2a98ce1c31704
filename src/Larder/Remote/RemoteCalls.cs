using System.Runtime.CompilerServices;

namespace Larder;

/// <summary>The calls of a cache with the Redis tier, where they go further than memory.</summary>
internal sealed class RemoteCalls(RemoteTier tier, RemoteFills fills, CacheClock clock, EntryFactory entries, Lookups lookups, ReasonCounters reasons, CacheEvents events)
{
    public RemoteTier Tier => tier;

    /// <summary>A face is about to make values by itself.</summary>
    public FaceFill BeginFill() => new(tier, fills, reasons);

    /// <summary>Looks a key up in Redis that is no plain hit in memory.</summary>
    /// <param name="through">What asks; the cache's own, where null.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<LookupResult<T>> GetAsync<T>(string key, Entry? seen, Reason missed, bool allowStale, RemoteFills? through = null)
    {
        bool isStale = allowStale && seen is not null && lookups.Judge(seen, clock.Now) is Standing.Stale or Standing.LastResort;
        Entry? entry = isStale ? null : await (through ?? fills).FindAsync(key).ConfigureAwait(false);
        // Somebody else may have brought it into memory between the caller's look there and this one.
        if (entry is null && through is null) seen = lookups.Find(key) ?? seen;
        return Answer<T>(entry, key, seen, missed, allowStale);
    }

    /// <summary>The same for a face whose caller may set what is not found: the claim by which that goes into Redis is taken before this ends.</summary>
    /// <param name="fillLife">How long after it the set may come.</param>
    public async ValueTask<(LookupResult<T> Result, SlotClaim? Claim)> ClaimAsync<T>(string key, Entry? seen, Reason missed, TimeSpan fillLife)
    {
        RemoteAnswer answer = await fills.ClaimAsync(key, fillLife).ConfigureAwait(false);
        if (answer.Entry is null) seen = lookups.Find(key) ?? seen;
        return (Answer<T>(answer.Entry, key, seen, missed, allowStale: false), answer.Claim);
    }

    /// <summary>Brings an entry into memory that memory holds nothing usable for, without counting the look.</summary>
    public ValueTask<Entry?> FindAsync(string key) => fills.FindAsync(key);

    /// <summary>Looks keys up in Redis that are no plain hits in memory, and adds what is found there.</summary>
    public async ValueTask AddFoundAsync<T>(IReadOnlyList<(string Key, Entry? Seen, Reason Missed)> missed, Dictionary<string, T> found)
    {
        Entry?[] entries = await fills.FindManyAsync([.. missed.Select(miss => miss.Key)]).ConfigureAwait(false);
        for (int i = 0; i < entries.Length; i++)
            if (Answer<T>(entries[i], missed[i].Key, missed[i].Seen, missed[i].Missed, allowStale: false) is { Found: true } result) found[missed[i].Key] = result.Value;
    }

    /// <param name="entry">What Redis has.</param>
    private LookupResult<T> Answer<T>(Entry? entry, string key, Entry? seen, Reason missed, bool allowStale)
    {
        long now = clock.Now;
        Reason reason = entry is null ? Reason.None : entry.IsFresh(now) ? Reason.HitRedis : allowStale && !entry.IsGone(now) ? Reason.Stale : Reason.None;
        if (reason == Reason.None || !entries.TryRead(entry!, out T value)) return lookups.Answer<T>(seen, key, missed, allowStale);
        reasons.Count(reason);
        if (events.AnyListeners) events.Raise(CacheEventKind.Hit, key, reason);
        return new(value, reason, Lookups.Age(entry!, now), Lookups.Remaining(entry!, now));
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
