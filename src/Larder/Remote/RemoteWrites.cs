using System.Buffers.Binary;
using System.Collections.Concurrent;

namespace Larder;

/// <summary>Stores in Redis what fills made, and removes what they ended: later, and nobody waits .</summary>
/// <remarks>
/// Invariants.
/// 1. At most <see cref="MostStores"/> entries wait, of at most <see cref="MostBytes"/> or one that is larger alone, and at most <see cref="MostRemovals"/> removals. What
///    does not fit is dropped: its ticket expires, or an older value stays that no event covers.
/// 2. At most <see cref="MostAtOnce"/> are under way. Whoever adds work starts one more; one that finds none left ends.
/// 3. A claim without an identity is one that is still to be taken (<see cref="LateClaims"/>).
/// </remarks>
/// <param name="maxEntryBytes">What is larger is not stored; what it replaces is ended.</param>
internal sealed class RemoteWrites(
    IRemoteStore store, LogFollower follower, RemoteReads reads, EntryRecords records, WireLimits limits, CacheClock clock, long maxEntryBytes)
{
    private const int MostStores = 1000, MostRemovals = 10_000, MostAtOnce = 32;
    private const long MostBytes = 64L << 20;
    /// <summary>Every slot has a lifetime.</summary>
    public static readonly long LongestLife = (long)TimeSpan.FromDays(365).TotalMilliseconds;

    private readonly ConcurrentQueue<(Entry Entry, SlotClaim Claim)> _stores = new();
    private readonly ConcurrentQueue<(string Key, SlotClaim Claim)> _removals = new();
    private int _storesWaiting, _removalsWaiting, _atOnce;
    private long _bytes, _dropped;

    /// <summary>How many did not fit.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Whether nothing waits and nothing is under way.</summary>
    public bool IsIdle => Volatile.Read(ref _atOnce) == 0 && _stores.IsEmpty && _removals.IsEmpty;

    /// <summary>Whether an entry is small enough.</summary>
    public bool Takes(Entry entry) => entry.Cost <= maxEntryBytes;

    public void Store(Entry entry, SlotClaim claim)
    {
        if (!Takes(entry))
        {
            if (claim.Identity != 0) Remove(entry.Key, claim);
            return;
        }
        bool isFull = Interlocked.Increment(ref _storesWaiting) > MostStores;
        long bytes = Interlocked.Add(ref _bytes, entry.Cost);
        if (isFull || (bytes > MostBytes && bytes > entry.Cost))
        {
            Interlocked.Decrement(ref _storesWaiting);
            Interlocked.Add(ref _bytes, -entry.Cost);
            Interlocked.Increment(ref _dropped);
            return;
        }
        _stores.Enqueue((entry, claim));
        Start();
    }

    /// <summary>Stores a value whose key was not known when its fill began, which knew everything up to this position .</summary>
    public void StoreLate(Entry entry, Position began) => Store(entry, new(0, default, began));

    public void Remove(string key, SlotClaim claim)
    {
        if (Interlocked.Increment(ref _removalsWaiting) > MostRemovals)
        {
            Interlocked.Decrement(ref _removalsWaiting);
            Interlocked.Increment(ref _dropped);
            return;
        }
        _removals.Enqueue((key, claim));
        Start();
    }

    /// <summary>Puts an entry into the slot at once, if that still has the claimed identity; one that can't be written ends what is there.</summary>
    public async ValueTask StoreNowAsync(Entry entry, SlotClaim claim)
    {
        // A node that is behind may not know yet what has ended the entry; what it knows has ended it would only have to be swept.
        if (follower.Usable is not { } view || view.Epoch != claim.Stamp.Epoch) return;
        if (view.Judge(entry.Key, entry.PatternSubject, entry.Tags, entry.User, claim.Stamp.Ordinal, out _) == Coverage.Covered)
        {
            await store.RemoveAsync(entry.Key, claim).ConfigureAwait(false);
            return;
        }
        using var body = new PooledBuffer();
        using var stored = new PooledBuffer();
        DistributedValue? sliding = SlidingValues.In(entry);
        long now = clock.Now;
        long left = sliding is null ? Math.Min(entry.GoneAt, CacheClock.After(now, LongestLife)) - now : SlidingValues.LifeOf(sliding, now);
        if (left <= 0) return;
        BinaryPrimitives.WriteUInt128LittleEndian(stored.GetSpan(RemoteReads.ServerBytes), claim.Server.Identity);
        stored.Advance(RemoteReads.ServerBytes);
        // Values that are only instances, or too large, stay in memory; what they replaced is older.
        WireEntry? described = Takes(entry) ? records.Describe(entry, claim.Stamp, claim.Server.ClockForWriting, body) : null;
        if (described is { } plain && sliding is not null) described = SlidingValues.Stored(plain, sliding, claim.Server.ClockForWriting);
        if (described is { } form && WireFormat.Write(form, limits, stored) == WireOutcome.Done)
            await store.ReplaceAsync(entry.Key, claim, stored.Memory, TimeSpan.FromMilliseconds(left)).ConfigureAwait(false);
        else
            await store.RemoveAsync(entry.Key, claim).ConfigureAwait(false);
    }

    private void Start()
    {
        for (int seen = Volatile.Read(ref _atOnce); seen < MostAtOnce;)
        {
            int before = Interlocked.CompareExchange(ref _atOnce, seen + 1, seen);
            if (before == seen)
            {
                ThreadPool.UnsafeQueueUserWorkItem(static writes => _ = writes.WorkAsync(), this, preferLocal: false);
                return;
            }
            seen = before;
        }
    }

    private async Task WorkAsync()
    {
        while (true)
        {
            try
            {
                // Removals first: they are small, and what they end is older.
                if (_removals.TryDequeue(out (string Key, SlotClaim Claim) removal))
                {
                    Interlocked.Decrement(ref _removalsWaiting);
                    if (follower.Epoch == removal.Claim.Stamp.Epoch) await store.RemoveAsync(removal.Key, removal.Claim).ConfigureAwait(false);
                    continue;
                }
                if (_stores.TryDequeue(out (Entry Entry, SlotClaim Claim) next))
                {
                    Interlocked.Decrement(ref _storesWaiting);
                    Interlocked.Add(ref _bytes, -next.Entry.Cost);
                    SlotClaim? claim = next.Claim.Identity != 0 ? next.Claim : await LateClaims.TakeAsync(reads, next.Entry, next.Claim.Stamp).ConfigureAwait(false);
                    if (claim is not null) await StoreNowAsync(next.Entry, claim).ConfigureAwait(false);
                    continue;
                }
            }
            catch (Exception)
            {
                // A store that breaks its word costs a fill elsewhere; nobody waits who could be told.
                Interlocked.Increment(ref _dropped);
                continue;
            }
            Interlocked.Decrement(ref _atOnce);
            // What was added after the look found this one still counted, and may have started none.
            if (!_removals.IsEmpty || !_stores.IsEmpty) Start();
            return;
        }
    }
}
