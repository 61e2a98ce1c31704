using System.Runtime.CompilerServices;

namespace Larder;

/// <summary>Why an entry left memory.</summary>
public enum RemovalCause : byte
{
    /// <summary>Policy: room was needed.</summary>
    Evicted,
    /// <summary>Time.</summary>
    Expired,
    /// <summary>The protocol or the program.</summary>
    Invalidated,
    /// <summary>A newer value under the same key.</summary>
    Replaced,
    /// <summary>The program removed its key.</summary>
    Removed,
}

/// <summary>
/// The memory tier: bounded by count and by bytes at every moment, readable without a lock.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. Whoever changes anything holds <see cref="_gate"/>; the table, the policy's queues and the wheel agree
///    whenever it is free.
/// 2. Room is made before an entry is added: count and cost never exceed their limits.
/// 3. The mark of a key is raised, who watches it told, and its entry dropped under the gate, and an entry is added under
///    the gate only if its stamp is not older than the watch of its fill or, without one, than the mark: a fill that was
///    overtaken never becomes visible.
/// 4. The gate is held for a bounded number of steps, however large the store or the entry is. While room is made for large
///    entries in several holds, whatever else is added frees as much as it takes. Others for which room is made may take what
///    one has freed, but it ends: each hold that does not suffice lets <see cref="MostEvicted"/> entries go, and whatever is
///    added has let at least one go for itself, so fewer and larger ones are left, until one hold suffices.
/// Readers see an entry or not; whether it is still current is asked of the index (<see cref="InvalidationIndex"/>).
/// </remarks>
internal sealed class MemoryStore(int maxEntries, long maxBytes, Ordinals ordinals, InvalidationIndex index, Action<Entry, RemovalCause>? removed)
{
    /// <summary>So many entries go for another one in one hold of the gate.</summary>
    private const int MostEvicted = 64;

    private readonly StoreGate _gate = new(removed);
    private readonly EntryTable _table = new(maxEntries);
    private readonly EvictionPolicy _policy = new(maxEntries, maxBytes);
    private readonly ExpiryWheel _wheel = new();
    private readonly KeyMarks _marks = new(maxEntries);
    private readonly Departures _departures = new(maxEntries);
    private IKeyEventReceiver[] _receivers = [];
    /// <summary>For how many entries room is being made in several holds of the gate.</summary>
    private int _makingRoom;

    public int Count => _policy.Count;

    public long Bytes => _policy.Bytes;

    /// <summary>The newest ordinal all of whose events, and those before it, have taken effect here.</summary>
    public long Settled
    {
        get
        {
            // Before the gate, so that nobody waits there for events that are being forgotten. Whoever was given an ordinal up to this
            // one under the gate has left it when it is taken here.
            long settled = index.Settled;
            using (_gate.Enter()) return settled;
        }
    }

    /// <summary>From now on the receiver is told of each event of a key.</summary>
    public void TellTo(IKeyEventReceiver receiver)
    {
        using (_gate.Enter()) _receivers = [.. _receivers, receiver];
    }

    /// <summary>Whether something that covers the entry, hard or soft, is newer than the stamp of its fill.</summary>
    public bool IsOvertaken(Entry entry, long stamp, IKeyWatch? watch) => IsOvertaken(watch?.NewestEvent ?? _marks[entry.Hash], entry.PatternSubject, entry.Tags, entry.User, stamp);

    /// <summary>As <see cref="IsOvertaken(Entry, long, IKeyWatch?)"/>, of what has not become an entry yet.</summary>
    public bool IsOvertaken(string key, ReadOnlySpan<char> subject, ReadOnlySpan<string> tags, string? user, Stamp stamp) =>
        IsUnproven || IsOvertaken(_marks[KeyComparer.Hash(key)], subject, tags, user, stamp.Ordinal);

    private bool IsOvertaken(long newestOfKey, ReadOnlySpan<char> subject, ReadOnlySpan<string> tags, string? user, long stamp)
    {
#if LARDER_WITHOUT_STAMPS
        // The build that the tests use to show that they would find a cache without this check.
        return false;
#else
        return newestOfKey > stamp || (index.Newest > stamp && index.Covers(subject, tags, user, stamp));
#endif
    }

    /// <summary>Whether nothing that is stored may be served now (<see cref="InvalidationIndex.Lease"/>).</summary>
    public bool IsUnproven => index.IsUnproven;

    /// <summary>The reason of a miss on a key that is not stored, as far as it is still known.</summary>
    public Reason WhyMissing(int hash) => _departures.ReasonOf(hash);

    public Entry? Find(ReadOnlySpan<char> key) => Find(key, out _);

    public Entry? Find(ReadOnlySpan<char> key, out int hash) => _table.Find(key, out hash);

    /// <summary>Counts a use of an entry.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Touch(Entry entry)
    {
        if (entry.Touch()) _policy.Report(entry);
    }

    /// <summary>Stores the result of a fill, unless it is too large or something that covers it is newer than its stamp: the newest ordinal seen before the fill began.</summary>
    /// <param name="watch">What the fill was told of the key's events, if it was.</param>
    /// <returns><see cref="Reason.None"/> when it was stored.</returns>
    public Reason TryAdd(Entry entry, long stamp, IKeyWatch? watch = null) => Put(entry, (stamp, watch), static (store, entry, stored, asked) =>
        store.Judge_NeedsGate(entry, asked.stamp, asked.watch, gives: entry.Begun > 0 && stored?.Begun > entry.Begun));

    /// <summary>
    /// Stores what stands for a failed fill, unless a value that is not gone is stored by now, which whoever else made it
    /// has put there meanwhile, or something newer than the stamp covers it.
    /// </summary>
    /// <returns><see cref="Reason.None"/> when it was stored.</returns>
    public Reason TryAddFailure(Entry failure, long stamp, long now, IKeyWatch? watch = null) => Put(failure, (stamp, now, watch), static (store, failure, stored, asked) =>
        store.Judge_NeedsGate(failure, asked.stamp, asked.watch, gives: store.IsUsable(stored, asked.now)));

    /// <summary>Stores what was made before this process, unless the node is strict: nobody knows what has ended it meanwhile. And only if there is room, nothing is stored under its key, and nothing newer than the stamp covers it.</summary>
    /// <returns><see cref="Reason.None"/> when it was stored.</returns>
    public Reason TryAddLoaded(Entry entry, long stamp) => Put(entry, stamp, static (store, entry, stored, stamp) =>
        store.KeepsNoOther || store._makingRoom > 0 || !store.HasRoomFor(entry)
            ? Reason.UnstoredTooLarge
            : store.Judge_NeedsGate(entry, stamp, watch: null, gives: stored is not null));

    /// <summary>
    /// Stores what was read from Redis, unless by now something usable is stored that was not there when the reading began, or
    /// anything newer than the stamp covers it.
    /// </summary>
    /// <param name="older">What was stored when the reading began.</param>
    /// <returns><see cref="Reason.None"/> when it was stored.</returns>
    public Reason TryAddRemote(Entry entry, long stamp, Entry? older, long now, IKeyWatch? watch) => Put(entry, (stamp, older, now, watch), static (store, entry, stored, asked) =>
        store.Judge_NeedsGate(entry, asked.stamp, asked.watch, gives: !ReferenceEquals(stored, asked.older) && store.IsUsable(stored, asked.now)));

    /// <summary>
    /// Stores a value that the program sets: an event of its key, so that fills begun before do not overwrite it. Its
    /// stamp is the event's own ordinal.
    /// </summary>
    /// <returns><see cref="Reason.None"/> when it was stored; what was stored before is gone in any case.</returns>
    public Reason Set(Entry entry)
    {
        // Where room is made in several holds each is an event, and the last is the one that counts.
        Reason unstored = Put(entry, 0, static (store, entry, _, _) =>
        {
            entry.CheckedUpTo = store.NextEvent_NeedsGate(entry.Key, entry.Hash);
            return Reason.None;
        });
        if (unstored != Reason.None) Invalidate(entry.Key, RemovalCause.Replaced);
        return unstored;
    }

    /// <summary>Invalidates one key: drops its entry and refuses every fill of it that is under way.</summary>
    public (long Ordinal, bool Removed) Invalidate(string key, RemovalCause cause = RemovalCause.Invalidated)
    {
        int hash = KeyComparer.Hash(key);
        using (_gate.Enter())
        {
            long ordinal = NextEvent_NeedsGate(key, hash);
            if (_table.Find(key, hash) is not { } entry) return (ordinal, false);
            Drop_NeedsGate(entry, cause);
            return (ordinal, true);
        }
    }

    /// <summary>
    /// Ends the freshness of one key and refuses every fill of it that is under way, as if it were removed; an entry
    /// that has no time after its freshness is.
    /// </summary>
    /// <returns>The event's ordinal, and whether it ended anything.</returns>
    public (long Ordinal, bool Ended) Soften(string key, long now)
    {
        int hash = KeyComparer.Hash(key);
        using (_gate.Enter())
        {
            long ordinal = NextEvent_NeedsGate(key, hash);
            if (_table.Find(key, hash) is not { } entry) return (ordinal, false);
            bool ended = true;
            if (entry.HasStaleTime)
            {
                ended = entry.IsFresh(now);
                entry.EndFreshness(now);
                _wheel.Move_NeedsGate(entry);
            }
            else
            {
                Drop_NeedsGate(entry, RemovalCause.Invalidated);
            }
            return (ordinal, ended);
        }
    }

    /// <summary>Drops this very entry, if it is still stored, and returns whether it was.</summary>
    public bool Drop(Entry entry, RemovalCause cause)
    {
        using (_gate.Enter())
        {
            if (entry.Queue == EvictionQueue.None) return false;
            Drop_NeedsGate(entry, cause);
            return true;
        }
    }

    /// <summary>
    /// Lets the entry that still holds this very instance be fresh for longer, unless its freshness has ended. Without the
    /// gate, and at most one write a millisecond: the wheel finds out when it comes to where the entry was.
    /// </summary>
    public void Prolong(string key, object value, long now, long until)
    {
        if (Find(key) is { } entry && ReferenceEquals(entry.Value is LoadedValue loaded ? loaded.Form : entry.Value, value)) entry.ProlongFreshness(now, until);
    }

    /// <summary>Drops what has expired by <paramref name="now"/>, in pieces so that writers are not held up for long.</summary>
    public int DropExpired(long now)
    {
        const int Budget = 512;
        var expired = new List<Entry>();
        int dropped = 0;
        for (bool all = false; !all;)
        {
            expired.Clear();
            using (_gate.Enter())
            {
                _policy.Drain_NeedsGate();
                all = _wheel.Collect_NeedsGate(now, Budget, expired);
                foreach (Entry entry in expired) Drop_NeedsGate(entry, RemovalCause.Expired);
            }
            dropped += expired.Count;
            if (!all) Thread.Yield();
        }
        return dropped;
    }

    /// <summary>How many entries have expired and were not dropped yet; of very many only those that are found in a short time.</summary>
    public int CountExpired(long now)
    {
        const int Budget = 20_000;
        using (_gate.Enter()) return _wheel.CountExpired_NeedsGate(now, Budget);
    }

    /// <summary>Carries out what group events say of the stored entries, and returns how many that removed or made stale.</summary>
    public int DropInvalidated(CancellationToken cancellationToken = default)
    {
        int ended = 0;
        foreach (Entry entry in Entries)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Coverage coverage = index.Judge(entry);
            if (coverage == Coverage.Softened || coverage == Coverage.Covered && Drop(entry, RemovalCause.Invalidated)) ended++;
            // A reader may have ended its freshness before; it leaves the wheel to the sweep.
            if (entry.HasStaleTime && ExpiryWheel.IsMisplaced(entry)) Reschedule(entry);
        }
        return ended;
    }

    private void Reschedule(Entry entry)
    {
        using (_gate.Enter())
            if (entry.Queue != EvictionQueue.None) _wheel.Move_NeedsGate(entry);
    }

    /// <summary>The entries, in no order; what comes or goes during the walk may be among them or not. Takes the gate for short times.</summary>
    public IEnumerable<Entry> Entries
    {
        get
        {
            const int StepsAtOnce = 512, EntriesAtOnce = 512;
            var met = new List<Entry>();
            int steps = 0;
            for (int step = 0; step == 0 || step < steps;)
            {
                met.Clear();
                using (_gate.Enter())
                {
                    if (steps == 0) steps = _table.Steps_NeedsGate;
                    for (int end = Math.Min(step + StepsAtOnce, steps); step < end && met.Count < EntriesAtOnce; step++) _table.Walk_NeedsGate(step, steps, met);
                }
                foreach (Entry entry in met) yield return entry;
            }
        }
    }

    /// <summary>An event of a key: whatever began before it is refused from now on.</summary>
    private long NextEvent_NeedsGate(string key, int hash)
    {
        // First: a fill that is not found below reads its stamp later, and that is not older then.
        long ordinal = ordinals.Next();
        _marks.Raise_NeedsGate(hash, ordinal);
        foreach (IKeyEventReceiver receiver in _receivers) receiver.Tell(key, ordinal);
        return ordinal;
    }

    private bool IsUsable(Entry? stored, long now) => stored is { Value: not StoredFailure } && !stored.IsGone(now) && index.IsCurrent(stored);

    private bool KeepsNoOther => index.Lease is not null;

    private bool HasRoomFor(Entry entry) => _policy.HasRoomFor(entry, null, maxBytes);

    /// <param name="gives">Whether the entry gives way to what is stored.</param>
    private Reason Judge_NeedsGate(Entry entry, long stamp, IKeyWatch? watch, bool gives)
    {
        // Before it is asked what covers the entry: what comes later is asked about by its readers.
        long newest = index.Newest;
        if (gives || IsOvertaken(entry, stamp, watch)) return Reason.UnstoredOvertaken;
        entry.CheckedUpTo = Math.Max(newest, stamp);
        return Reason.None;
    }

    /// <summary>
    /// Stores an entry. Where many others have to go for it they go in pieces, so that nobody waits long for the gate; the
    /// entry is judged again in each hold, and added in the last.
    /// </summary>
    /// <param name="judge">Says under the gate, given what is stored under the key, whether the entry may be added.</param>
    private Reason Put<T>(Entry entry, T asked, Func<MemoryStore, Entry, Entry?, T, Reason> judge)
    {
        if (entry.Cost > maxBytes || maxEntries == 0) return Reason.UnstoredTooLarge;
        _table.Prepare();
        bool isMakingRoom = false;
        try
        {
            for (; ;)
            {
                using (_gate.Enter())
                {
                    Entry? stored = _table.Find(entry.Key, entry.Hash);
                    Reason unstored = judge(this, entry, stored, asked);
                    if (unstored != Reason.None || TryPut_NeedsGate(entry, stored, isMakingRoom)) return unstored;
                    if (!isMakingRoom) _makingRoom++;
                    isMakingRoom = true;
                }
                // Whoever waits for the gate would not get it otherwise: it is taken again at once.
                Thread.Yield();
            }
        }
        finally
        {
            if (isMakingRoom)
                using (_gate.Enter()) _makingRoom--;
        }
    }

    /// <returns>Whether there was room for it, after as many had gone as may go at once.</returns>
    private bool TryPut_NeedsGate(Entry entry, Entry? stored, bool isMakingRoom)
    {
        long most = _makingRoom > 0 && !isMakingRoom ? _policy.Bytes : maxBytes;
        Entry? replaced = stored;
        for (int left = MostEvicted; !_policy.HasRoomFor(entry, replaced, most); left--)
        {
            if (left == 0 || _policy.Evict_NeedsGate() is not { } victim)
            {
                if (replaced is null && stored is not null) Forget_NeedsGate(stored, RemovalCause.Evicted);
                return false;
            }
            // It stays in the table until the new one takes its place: no reader finds a hole and starts a fill.
            if (ReferenceEquals(victim, stored)) replaced = null;
            else Forget_NeedsGate(victim, RemovalCause.Evicted);
        }
        _table.Grow_NeedsGate();
        if (stored is not null) _wheel.Remove_NeedsGate(stored);
        if (replaced is null) _policy.Add_NeedsGate(entry);
        else _policy.Replace_NeedsGate(replaced, entry);
        _wheel.Add_NeedsGate(entry);
        _table.Put_NeedsGate(entry, stored);
        return true;
    }

    private void Drop_NeedsGate(Entry entry, RemovalCause cause)
    {
        _policy.Remove_NeedsGate(entry);
        Forget_NeedsGate(entry, cause);
    }

    private void Forget_NeedsGate(Entry entry, RemovalCause cause)
    {
        _gate.Note_NeedsGate(entry, cause);
        _departures.Remember_NeedsGate(entry.Hash, cause);
        _wheel.Remove_NeedsGate(entry);
        _table.Remove_NeedsGate(entry);
    }
}
