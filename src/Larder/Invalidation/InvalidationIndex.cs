using System.Collections.Concurrent;

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
/// 3. Everything at or below <see cref="_floor"/> may have been forgotten. The floor is raised before anything is
///    forgotten, and a reader looks at it after the tables: an answer that forgetting made incomplete is not used.
/// 4. An entry's freshness ends before its <see cref="EntryHead.CheckedUpTo"/> rises past the soft event that ended it.
///    So whoever finds it checked finds it stale, provided that freshness is asked for after the index was.
/// </remarks>
internal sealed class InvalidationIndex(Ordinals ordinals)
{
    /// <summary>The tables are pruned when they hold more events than this.</summary>
    public const int MaxRemembered = 10_000;
    /// <summary>As much as this may be asked one by one; several tags count each, an expression for its automaton of some 200 KB.</summary>
    private const int MaxAsked = 256;
    private const int RegexWeight = 8;
    /// <summary>So many times the bounds above, events wait for a sweep, and for one that is held up no longer.</summary>
    private const int MostOver = 4;

    private readonly Lock _publishing = new();
    private readonly ConcurrentDictionary<string, EventMark> _tags = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, EventMark> _users = new(KeyComparer.Instance);
    /// <summary>Oldest first; never changed, only replaced.</summary>
    private Asked[] _asked = [];
    private EventMark? _all;
    private int _remembered;
    private int _askedWeight;
    private long _floor;
    private long _newest;

    /// <summary>An event that no table finds: each entry is shown to it once.</summary>
    private readonly record struct Asked(long Ordinal, long SoftAt, Invalidation Event)
    {
        public int Weight => Event.Kind == InvalidationKind.Regex ? RegexWeight : Math.Max(1, Event.Tags.Count);
    }

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

    public bool ShouldPrune => Volatile.Read(ref _remembered) > MaxRemembered || Volatile.Read(ref _askedWeight) > MaxAsked;

    /// <summary>Whether the sweep does not keep up: then whoever brings events waits for it, and if it is held up the events are forgotten without it, which costs misses.</summary>
    public bool MustForget => Volatile.Read(ref _remembered) > MostOver * MaxRemembered || Volatile.Read(ref _askedWeight) > MostOver * MaxAsked;

    /// <param name="invalidation">A group event.</param>
    /// <param name="now">The instant at which it ends freshness, if it is soft.</param>
    public long Publish(Invalidation invalidation, long now)
    {
        lock (_publishing)
        {
            long ordinal = ordinals.Next();
            long softAt = invalidation.IsSoft ? now : EventMark.Hard;
            switch (invalidation.Kind)
            {
                case InvalidationKind.Tag or InvalidationKind.AnyTag:
                    foreach (string tag in invalidation.Tags) Remember_NeedsLock(_tags, tag, ordinal, softAt);
                    break;
                case InvalidationKind.User:
                    Remember_NeedsLock(_users, invalidation.Subject, ordinal, softAt);
                    break;
                case InvalidationKind.AllTags or InvalidationKind.Prefix or InvalidationKind.Glob or InvalidationKind.Regex:
                    var asked = new Asked(ordinal, softAt, invalidation);
                    Volatile.Write(ref _asked, [.. _asked, asked]);
                    Volatile.Write(ref _askedWeight, _askedWeight + asked.Weight);
                    break;
                case InvalidationKind.All:
                    var all = new EventMark(ordinal, softAt, _all);
                    Volatile.Write(ref _remembered, _remembered + all.Depth - (_all?.Depth ?? 0));
                    Volatile.Write(ref _all, all);
                    break;
                default:
                    throw new ArgumentOutOfRangeException(nameof(invalidation), invalidation.Kind, "not a group event");
            }
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
        if (IsEnded(entry.PatternSubject, entry.Tags, entry.User, entry.CheckedUpTo, ref softAt)) return Coverage.Covered;
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
        return IsEnded(name, tags, user, after, ref softAt) || softAt != long.MaxValue;
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
            Volatile.Write(ref _floor, Math.Max(_floor, floor));
            EventMark? all = EventMark.Above(_all, floor);
            Volatile.Write(ref _all, all);
            Asked[] asked = [.. _asked.Where(a => a.Ordinal > floor)];
            Volatile.Write(ref _asked, asked);
            Volatile.Write(ref _askedWeight, asked.Sum(a => a.Weight));
            Volatile.Write(ref _remembered, (all?.Depth ?? 0) + Forget_NeedsLock(_tags, floor) + Forget_NeedsLock(_users, floor));
        }
    }

    /// <summary>Whether a hard event after <paramref name="after"/> covers these, or may have been forgotten; otherwise <paramref name="softAt"/> is the instant of the first soft one.</summary>
    private bool IsEnded(ReadOnlySpan<char> name, ReadOnlySpan<string> tags, string? user, long after, ref long softAt)
    {
        if (EventMark.Covers(Volatile.Read(ref _all), after, ref softAt)) return true;
        if (user is not null && _users.TryGetValue(user, out EventMark? ofUser) && EventMark.Covers(ofUser, after, ref softAt)) return true;
        foreach (string tag in tags)
            if (IsEnded(tag, after, ref softAt)) return true;
        Asked[] asked = Volatile.Read(ref _asked);
        for (int i = asked.Length - 1; i >= 0 && asked[i].Ordinal > after; i--)
        {
            if (!asked[i].Event.Matches(name, tags)) continue;
            if (asked[i].SoftAt == EventMark.Hard) return true;
            softAt = Math.Min(softAt, asked[i].SoftAt);
        }
        return Volatile.Read(ref _floor) > after;
    }

    private bool IsEnded(string tag, long after, ref long softAt)
    {
        if (_tags.TryGetValue(tag, out EventMark? mark) && EventMark.Covers(mark, after, ref softAt)) return true;
        if (tag.StartsWith(TagRules.ExactPrefix)) return false;
        var lookup = _tags.GetAlternateLookup<ReadOnlySpan<char>>();
        for (int end = tag.LastIndexOf(':'); end > 0; end = tag.LastIndexOf(':', end - 1))
            if (lookup.TryGetValue(tag.AsSpan(0, end), out mark) && EventMark.Covers(mark, after, ref softAt)) return true;
        return false;
    }

    /// <summary>Counted here: the tables' own count takes all of their locks.</summary>
    private void Remember_NeedsLock(ConcurrentDictionary<string, EventMark> table, string subject, long ordinal, long softAt)
    {
        table.TryGetValue(subject, out EventMark? before);
        var mark = new EventMark(ordinal, softAt, before);
        table[subject] = mark;
        Volatile.Write(ref _remembered, _remembered + mark.Depth - (before?.Depth ?? 0));
    }

    /// <summary>How many events are left.</summary>
    private static int Forget_NeedsLock(ConcurrentDictionary<string, EventMark> table, long floor)
    {
        int left = 0;
        foreach ((string subject, EventMark mark) in table)
        {
            if (EventMark.Above(mark, floor) is { } kept)
            {
                if (!ReferenceEquals(kept, mark)) table[subject] = kept;
                left += kept.Depth;
            }
            else
            {
                table.TryRemove(subject, out _);
            }
        }
        return left;
    }
}
