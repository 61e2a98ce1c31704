using System.Runtime.CompilerServices;

namespace Larder;

/// <summary>Asks Redis before a factory runs, and sends there what it made; there is none without the Redis tier.</summary>
/// <remarks>Claims stand beside their flights, not on them: a cache without the tier does not pay for their place.</remarks>
internal sealed class RemoteFills(
    RemoteTier tier, EntryAccess access, CacheClock clock, Ordinals ordinals, MemoryStore memory, InvalidationIndex index, EntryFactory entries, Flights flights, CacheEvents events, OtherNodes others)
{
    /// <summary>Milliseconds by which an entry must be younger than another one to be newer for sure: times of creation are kept to a second.</summary>
    private const long Blur = 2000;

    private readonly ConditionalWeakTable<Flight, SlotClaim> _claims = [];
    private readonly bool _looksHere = (access & EntryAccess.NoRead) == 0, _keepsHere = (access & EntryAccess.NoWrite) == 0;
    private readonly bool _looksThere = (access & EntryAccess.NoRemoteRead) == 0, _keepsThere = (access & EntryAccess.NoRemoteWrite) == 0;

    /// <summary>Asks Redis for a flight's value. A fresh one lands the flight; a stale one enters memory, so that it can stand in.</summary>
    /// <param name="mayWait">Whether to wait for other nodes where the rules say so.</param>
    /// <returns>Whether the flight is done with.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> TryLandAsync<T>(Flight<T> flight, EntryRules rules, bool inBackground, bool mayWait)
    {
        Entry? older = memory.Find(flight.Key);
        TimeSpan ticketLife = rules.HardTimeout ?? EntryRules.DefaultLimit;
        RemoteAnswer answer = await tier.Reads.ReadAsync(flight.Key, _keepsThere ? ticketLife : null).ConfigureAwait(false);
        bool isAwaited = _keepsThere && rules.WaitForOtherNodes > TimeSpan.Zero;
        if (isAwaited && mayWait && answer.IsBeingFilled)
        {
            TimeSpan patience = rules.LimitOf(inBackground) / 2 is { } half && half < rules.WaitForOtherNodes ? half : rules.WaitForOtherNodes;
            answer = await others.AwaitAsync(flight, answer, ticketLife, patience).ConfigureAwait(false);
        }
        if (answer.Claim is { } claim) _claims.AddOrUpdate(flight, isAwaited && answer.IsOwnTicket ? claim with { IsAwaited = true } : claim);
        if (flight.HasEnded)
        {
            Release(flight);
            return true;
        }
        if (!_looksThere || answer.Entry is not { } entry) return false;
        bool isNewer = IsNewer(entry, older);
        // Who does not look into memory takes what is in Redis, whatever memory has.
        if (!isNewer && _looksHere) return false;
        long now = clock.Now;
        if (_keepsHere && isNewer) memory.TryAddRemote(entry, flight.Stamp, older, now, flight.Watch);
        if (!entry.IsFresh(now) || !entries.TryRead(entry, out T value)) return false;
        if (!flight.TryEnd()) return true;
        if (!inBackground && events.AnyListeners) events.Raise(CacheEventKind.Hit, flight.Key, Reason.HitRedis);
        flights.Remove(flight);
        flight.Land(new(value, entry, flight.Stamp, Reason.HitRedis));
        flight.Run.LoseFlight();
        return true;
    }

    /// <summary>Looks a key up that memory holds nothing usable for.</summary>
    /// <returns>The entry, fresh or stale, which is in memory by now unless it was overtaken.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<Entry?> FindAsync(string key) => (await ClaimAsync(key, null).ConfigureAwait(false)).Entry;

    /// <summary>The same for a caller who may fill; what it makes goes into Redis by the claim.</summary>
    /// <param name="ticketLife">How long that may take; null where it does not fill, and claims nothing.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<RemoteAnswer> ClaimAsync(string key, TimeSpan? ticketLife)
    {
        // In this order: what happens from here on refuses the entry.
        long stamp = ordinals.Last;
        Entry? older = memory.Find(key);
        RemoteAnswer answer = await tier.Reads.ReadAsync(key, ticketLife).ConfigureAwait(false);
        if (answer.Entry is not { } entry) return answer;
        bool isNewer = IsNewer(entry, older);
        if (!isNewer && _looksHere) return answer with { Entry = null };
        if (isNewer && _keepsHere) memory.TryAddRemote(entry, stamp, older, clock.Now, null);
        return answer;
    }

    /// <summary>Looks up many such keys.</summary>
    /// <returns>The entries in the order of the keys, as for one.</returns>
    public async ValueTask<Entry?[]> FindManyAsync(IReadOnlyList<string> keys)
    {
        long stamp = ordinals.Last;
        Entry?[] older = [.. keys.Select(key => memory.Find(key))];
        Entry?[] found = await tier.Reads.ReadManyAsync(keys).ConfigureAwait(false);
        for (int i = 0; i < found.Length; i++)
        {
            if (found[i] is not { } entry) continue;
            if (IsNewer(entry, older[i])) memory.TryAddRemote(entry, stamp, older[i], clock.Now, null);
            else found[i] = null;
        }
        return found;
    }

    /// <summary>Looks a key up for a face that fills by itself.</summary>
    /// <param name="ticketLife">How long the making may take; null where nothing will be stored.</param>
    /// <returns>Whether something that is a <typeparamref name="T"/> entered memory, and what the result of the fill may replace.</returns>
    public async Task<(bool Found, SlotClaim? Claim)> LookAsync<T>(string key, TimeSpan? ticketLife) where T : class
    {
        // As in FindAsync.
        long stamp = ordinals.Last;
        Entry? older = memory.Find(key);
        RemoteAnswer answer = await tier.Reads.ReadAsync(key, ticketLife).ConfigureAwait(false);
        if (answer.Entry is not { } entry || !IsNewer(entry, older) || entries.InstanceIn<T>(entry.Value) is null) return (false, answer.Claim);
        return (memory.TryAddRemote(entry, stamp, older, clock.Now, null) == Reason.None, answer.Claim);
    }

    /// <summary>What a fill made was stored in memory, or not.</summary>
    public void Keep(Flight flight, Entry entry, Reason unstored)
    {
        if (unstored == Reason.UnstoredOvertaken) Release(flight);
        else if (!_claims.TryGetValue(flight, out SlotClaim? claim)) return;
        else if (unstored == Reason.None) tier.Writes.Store(entry, claim);
        else tier.Writes.Remove(flight.Key, claim);
    }

    /// <summary>What a face made was stored in memory.</summary>
    public void Store(Entry entry, SlotClaim claim) => tier.Writes.Store(entry, claim);

    /// <summary>A fill found that there is no value.</summary>
    public void KeepNothing(Flight flight)
    {
        if (flight.IsOvertaken) Release(flight);
        else if (_keepsThere && _claims.TryGetValue(flight, out SlotClaim? claim)) tier.Writes.Remove(flight.Key, claim);
    }

    /// <summary>How many fills have waited for other nodes.</summary>
    public long Waits => others.Waits;

    /// <summary>A flight brings nothing that goes into Redis: who waits for it there need not.</summary>
    public void Release(Flight flight)
    {
        if (_claims.TryGetValue(flight, out SlotClaim? claim) && claim.IsAwaited && _claims.Remove(flight)) tier.Writes.Remove(flight.Key, claim);
    }

    private bool IsNewer(Entry entry, Entry? older) =>
        older is null || older.Value is StoredFailure || older.IsGone(clock.Now) || !index.IsCurrent(older) || entry.CreatedAt > older.CreatedAt + Blur;
}
