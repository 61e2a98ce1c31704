using System.Collections.Concurrent;

namespace Larder;

/// <summary>
/// The group invalidations that are still remembered (tags, patterns, users, all): what must be asked before an
/// entry is handed out.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. An event is in the tables before <see cref="Newest"/> reaches its ordinal, and ordinals are given and published
///    under one lock, in order. A reader notes <see cref="Newest"/> first and asks the tables then: whatever it may
///    not have found has an ordinal above what it noted.
/// 2. Key events are not in here: they drop their entry (see <see cref="KeyMarks"/>), so they slow no hit.
/// 3. Everything at or below <see cref="_floor"/> may have been forgotten. The floor is raised before anything is
///    forgotten, and a reader looks at it after the tables: an answer that forgetting made incomplete is not used.
/// </remarks>
internal sealed class InvalidationIndex(Ordinals ordinals)
{
    /// <summary>The tables are pruned when they hold more events than this.</summary>
    public const int MaxRemembered = 10_000;
    private const int MaxPatterns = 256;

    private readonly Lock _publishing = new();
    private readonly ConcurrentDictionary<string, long> _tags = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, long> _users = new(KeyComparer.Instance);
    private PatternMark[] _patterns = [];
    private long _all;
    private int _remembered;
    private long _floor;
    private long _newest;

    private readonly record struct PatternMark(long Ordinal, PatternMatcher Matcher);

    /// <summary>The ordinal of the newest group event; the only thing a hit looks at while nothing new was invalidated.</summary>
    public long Newest => Volatile.Read(ref _newest);

    public bool ShouldPrune => Volatile.Read(ref _remembered) > MaxRemembered || Volatile.Read(ref _patterns).Length > MaxPatterns;

    public long Publish(Invalidation invalidation)
    {
        lock (_publishing)
        {
            long ordinal = ordinals.Next();
            switch (invalidation.Kind)
            {
                case InvalidationKind.Tag: Remember_NeedsLock(_tags, invalidation.Subject, ordinal); break;
                case InvalidationKind.User: Remember_NeedsLock(_users, invalidation.Subject, ordinal); break;
                case InvalidationKind.Pattern: Volatile.Write(ref _patterns, [.. _patterns, new(ordinal, invalidation.Matcher!)]); break;
                case InvalidationKind.All: Volatile.Write(ref _all, ordinal); break;
                default: throw new ArgumentOutOfRangeException(nameof(invalidation), invalidation.Kind, "not a group event");
            }
            Volatile.Write(ref _newest, ordinal);
            return ordinal;
        }
    }

    /// <summary>Whether no group event covers the entry; remembers the answer in the entry.</summary>
    public bool IsCurrent(Entry entry)
    {
        long newest = Newest;
        return entry.CheckedUpTo >= newest || IsCurrentAfterAll(entry, newest);
    }

    private bool IsCurrentAfterAll(Entry entry, long newest)
    {
        long checkedUpTo = entry.CheckedUpTo;
        if (Covers(entry.PatternSubject, entry.Tags, entry.User, checkedUpTo)) return false;
        entry.CheckedUpTo = newest;
        return true;
    }

    /// <summary>Whether an event after <paramref name="after"/> covers these, as far as is still remembered.</summary>
    public bool Covers(ReadOnlySpan<char> subject, ReadOnlySpan<string> tags, string? user, long after)
    {
        if (Volatile.Read(ref _all) > after) return true;
        if (user is not null && _users.TryGetValue(user, out long ofUser) && ofUser > after) return true;
        if (!_tags.IsEmpty)
            foreach (string tag in tags)
                if (TagCovers(tag, after)) return true;
        PatternMark[] patterns = Volatile.Read(ref _patterns);
        for (int i = patterns.Length - 1; i >= 0 && patterns[i].Ordinal > after; i--)
            if (patterns[i].Matcher.IsMatch(subject)) return true;
        return Volatile.Read(ref _floor) > after;
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
            foreach ((string tag, long ordinal) in _tags)
                if (ordinal <= floor) _tags.TryRemove(new(tag, ordinal));
            foreach ((string user, long ordinal) in _users)
                if (ordinal <= floor) _users.TryRemove(new(user, ordinal));
            Volatile.Write(ref _patterns, [.. _patterns.Where(p => p.Ordinal > floor)]);
            Volatile.Write(ref _remembered, _tags.Count + _users.Count);
        }
    }

    /// <summary>Counted here: the tables' own count takes all of their locks.</summary>
    private void Remember_NeedsLock(ConcurrentDictionary<string, long> table, string subject, long ordinal)
    {
        if (table.TryAdd(subject, ordinal)) Volatile.Write(ref _remembered, _remembered + 1);
        else table[subject] = ordinal;
    }

    private bool TagCovers(string tag, long after)
    {
        if (_tags.TryGetValue(tag, out long ordinal) && ordinal > after) return true;
        if (tag.StartsWith(TagRules.ExactPrefix)) return false;
        var lookup = _tags.GetAlternateLookup<ReadOnlySpan<char>>();
        for (int end = tag.LastIndexOf(':'); end > 0; end = tag.LastIndexOf(':', end - 1))
            if (lookup.TryGetValue(tag.AsSpan(0, end), out ordinal) && ordinal > after) return true;
        return false;
    }
}
