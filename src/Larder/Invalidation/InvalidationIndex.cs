namespace Larder;

/// <summary>What the group events say of a stored entry.</summary>
internal enum Coverage : byte
{
    /// <summary>Nothing new covers it.</summary>
    None,
    /// <summary>A soft event ended its freshness just now; it may still be served stale.</summary>
    Softened,
    /// <summary>It must not be served any more.</summary>
    Covered,
}

/// <summary>
/// The group invalidations that are still remembered (tags, prefixes, patterns, users, all): what must be asked before
/// an entry is handed out. <c>docs/invalidation.md</c> is the norm.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. An event is in the tables before <see cref="Newest"/> reaches its ordinal, and ordinals are given and published
///    under one lock, in order. A reader notes <see cref="Newest"/> first and asks the tables then: whatever it may
///    not have found has an ordinal above what it noted.
/// 2. Key events are not in here: they are carried out in the store (see <see cref="KeyMarks"/>), so they slow no hit.
/// 3. What is below the floor may have been forgotten (<see cref="GroupEvents"/>), and counts as covered.
/// 4. An entry's freshness ends before its <see cref="EntryHead.CheckedUpTo"/> rises past the soft event that ended it.
///    So whoever finds it checked finds it stale, provided that freshness is asked for after the index was.
/// 5. On a strict node of the Redis tier (<see cref="Lease"/>) nothing is current while its lease does not live, which is asked before
///    <see cref="Newest"/> is read: what a lease rests on was published before.
/// </remarks>
internal sealed class InvalidationIndex(Ordinals ordinals)
{
    /// <summary>The tables are pruned when they hold more events than this.</summary>
    public const int MaxRemembered = 10_000;
    /// <summary>As much as this may be asked one by one.</summary>
    private const int MaxAsked = 256;
    /// <summary>So many times the bounds above, events wait for a sweep, and for one that is held up no longer.</summary>
    private const int MostOver = 4;

    private readonly Lock _publishing = new();
    private readonly GroupEvents _events = new();
    private long _newest;
    private HitLease? _lease;

    /// <summary>What a strict node may serve by; set before anybody asks, and null where nothing else decides.</summary>
    public HitLease? Lease
    {
        get => _lease;
        set => _lease = value;
    }

    /// <summary>Whether nothing in memory may be served now, whatever the events say.</summary>
    public bool IsUnproven => _lease is { Lives: false };

    /// <summary>Why what is not current is none.</summary>
    public Reason WhyEnded => IsUnproven ? Reason.MissUnproven : Reason.MissInvalidated;

    /// <summary>The ordinal of the newest group event; the only thing a hit looks at while nothing new was invalidated.</summary>
    public long Newest => Volatile.Read(ref _newest);

    /// <summary>The newest ordinal given out while no group event is being published: those up to it are in the tables.</summary>
    public long Settled
    {
        get
        {
            lock (_publishing) return ordinals.Last;
        }
    }

    public bool ShouldPrune => _events.Remembered > MaxRemembered || _events.AskedWeight > MaxAsked;

    /// <summary>Whether the sweep does not keep up: then whoever brings events waits for it, and if it is held up the events are forgotten without it, which costs misses.</summary>
    public bool MustForget => _events.Remembered > MostOver * MaxRemembered || _events.AskedWeight > MostOver * MaxAsked;

    /// <param name="invalidation">A group event.</param>
    /// <param name="now">The instant at which it ends freshness, if it is soft.</param>
    public long Publish(Invalidation invalidation, long now)
    {
        lock (_publishing)
        {
            long ordinal = ordinals.Next();
            _events.Remember(invalidation, ordinal, invalidation.IsSoft ? now : EventMark.Hard);
            Volatile.Write(ref _newest, ordinal);
            return ordinal;
        }
    }

    /// <summary>
    /// Whether no group event ended the entry; what is known so far is remembered in it. May end its freshness: ask this
    /// first and the entry whether it is fresh then.
    /// </summary>
    public bool IsCurrent(Entry entry)
    {
        // First: what is read of the index below is not older than the lease.
        if (_lease is not null && IsUnproven) return false;
        long newest = Newest;
        return entry.CheckedUpTo >= newest || Judge(entry, newest) != Coverage.Covered;
    }

    /// <summary>As <see cref="IsCurrent"/>, and whether it was this look that ended the freshness.</summary>
    public Coverage Judge(Entry entry)
    {
        long newest = Newest;
        return entry.CheckedUpTo >= newest ? Coverage.None : Judge(entry, newest);
    }

    private Coverage Judge(Entry entry, long newest)
    {
        long softAt = long.MaxValue;
        if (_events.IsEnded(entry.PatternSubject, entry.Tags, entry.User, entry.CheckedUpTo, ref softAt)) return Coverage.Covered;
        bool softened = softAt != long.MaxValue;
        if (softened)
        {
            if (!entry.HasStaleTime) return Coverage.Covered;
            softened = entry.IsFresh(softAt);
            entry.EndFreshness(softAt);
        }
        entry.CheckedUpTo = newest;
        return softened ? Coverage.Softened : Coverage.None;
    }

    /// <summary>Whether an event after <paramref name="after"/>, hard or soft, covers these, as far as is still remembered.</summary>
    public bool Covers(ReadOnlySpan<char> name, ReadOnlySpan<string> tags, string? user, long after)
    {
        long softAt = long.MaxValue;
        return _events.IsEnded(name, tags, user, after, ref softAt) || softAt != long.MaxValue;
    }

    /// <summary>
    /// Forgets every event up to <paramref name="floor"/>. Before that the caller has shown every stored entry to
    /// <see cref="IsCurrent"/>; what was missed is treated as covered.
    /// </summary>
    public void Forget(long floor)
    {
        lock (_publishing)
        {
            // Two sweeps may end in the other order than they began: the floor never falls.
            _events.Forget(floor);
        }
    }
}
