namespace Larder;

/// <summary>What is remembered of group events, by whichever ordinals they have: of this node or of the log.</summary>
/// <remarks>
/// Invariants.
/// 1. One thread at a time changes it; any number read without a lock. Marks and the list of what is asked one by one are never changed, only replaced.
/// 2. Everything at or below <see cref="Floor"/> may have been forgotten. The floor is raised before anything is forgotten, and a
///    reader looks at it after the tables: an answer that forgetting made incomplete is not used.
/// </remarks>
internal sealed class GroupEvents
{
    private const int RegexWeight = 8;

    private readonly SubjectTable _tags = new(StringComparer.OrdinalIgnoreCase);
    private readonly SubjectTable _users = new(KeyComparer.Instance);
    /// <summary>Oldest first; never changed, only replaced.</summary>
    private Asked[] _asked = [];
    private EventMark? _all;
    private int _remembered;
    private int _askedWeight;
    private long _floor;

    /// <summary>An event that no table finds: each entry is shown to it once.</summary>
    private readonly record struct Asked(long Ordinal, long SoftAt, Invalidation Event)
    {
        /// <summary>Several tags count each, an expression for its automaton of some 200 KB.</summary>
        public int Weight => Event.Kind == InvalidationKind.Regex ? RegexWeight : Math.Max(1, Event.Tags.Count);
    }

    public long Floor => Volatile.Read(ref _floor);

    /// <summary>Events that tables find.</summary>
    public int Remembered => Volatile.Read(ref _remembered);

    /// <summary>How much is asked one by one.</summary>
    public int AskedWeight => Volatile.Read(ref _askedWeight);

    /// <param name="invalidation">A group event.</param>
    /// <param name="ordinal">Newer than any before.</param>
    /// <param name="softAt">When it ended freshness, on the <see cref="CacheClock"/>; <see cref="EventMark.Hard"/> where it is hard.</param>
    public void Remember(Invalidation invalidation, long ordinal, long softAt)
    {
        switch (invalidation.Kind)
        {
            case InvalidationKind.Tag or InvalidationKind.AnyTag:
                foreach (string tag in invalidation.Tags) _tags.Remember(tag, ordinal, softAt);
                break;
            case InvalidationKind.User:
                _users.Remember(invalidation.Subject, ordinal, softAt);
                break;
            case InvalidationKind.AllTags or InvalidationKind.Prefix or InvalidationKind.Glob or InvalidationKind.Regex:
                var asked = new Asked(ordinal, softAt, invalidation);
                Volatile.Write(ref _asked, [.. _asked, asked]);
                Volatile.Write(ref _askedWeight, _askedWeight + asked.Weight);
                return;
            case InvalidationKind.All:
                Volatile.Write(ref _all, new EventMark(ordinal, softAt, _all));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(invalidation), invalidation.Kind, "not a group event");
        }
        CountThem();
    }

    /// <summary>Forgets every event up to <paramref name="floor"/>, which never falls.</summary>
    public void Forget(long floor)
    {
        Volatile.Write(ref _floor, Math.Max(_floor, floor));
        Volatile.Write(ref _all, EventMark.Above(_all, floor));
        Asked[] asked = [.. _asked.Where(a => a.Ordinal > floor)];
        Volatile.Write(ref _asked, asked);
        Volatile.Write(ref _askedWeight, asked.Sum(a => a.Weight));
        _tags.Forget(floor);
        _users.Forget(floor);
        CountThem();
    }

    /// <summary>Whether a hard event after <paramref name="after"/> covers these, or may have been forgotten; otherwise <paramref name="softAt"/> falls to the instant of the first soft one.</summary>
    public bool IsEnded(ReadOnlySpan<char> name, ReadOnlySpan<string> tags, string? user, long after, ref long softAt)
    {
        if (EventMark.Covers(Volatile.Read(ref _all), after, ref softAt)) return true;
        if (user is not null && _users.Covers(user, after, ref softAt)) return true;
        foreach (string tag in tags)
            if (_tags.CoversTag(tag, after, ref softAt)) return true;
        Asked[] asked = Volatile.Read(ref _asked);
        for (int i = asked.Length - 1; i >= 0 && asked[i].Ordinal > after; i--)
        {
            if (!asked[i].Event.Matches(name, tags)) continue;
            if (asked[i].SoftAt == EventMark.Hard) return true;
            softAt = Math.Min(softAt, asked[i].SoftAt);
        }
        return Floor > after;
    }

    /// <summary>The ordinals of the events that tables find, and those of what is asked one by one: each in no order.</summary>
    public (List<long> Remembered, List<long> Asked) Ordinals()
    {
        var remembered = new List<long>(Remembered);
        foreach (EventMark newest in _tags.Marks.Concat(_users.Marks).Append(_all!))
            for (EventMark? mark = newest; mark is not null; mark = mark.Before) remembered.Add(mark.Ordinal);
        return (remembered, [.. _asked.Select(a => a.Ordinal)]);
    }

    private void CountThem() => Volatile.Write(ref _remembered, (_all?.Depth ?? 0) + _tags.Count + _users.Count);
}
