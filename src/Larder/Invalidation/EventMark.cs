namespace Larder;

/// <summary>
/// One remembered group event on one subject. A soft one keeps those before it, for the first of several soft events is
/// the one that ended an entry's freshness; a hard one ends whatever came before, so nothing before it matters.
/// </summary>
/// <remarks>Immutable: readers follow the chain without a lock.</remarks>
internal sealed class EventMark
{
    /// <summary>The <see cref="SoftAt"/> of a hard event.</summary>
    public const long Hard = -1;

    public EventMark(long ordinal, long softAt, EventMark? before)
    {
        Ordinal = ordinal;
        SoftAt = softAt;
        Before = softAt == Hard ? null : before;
        Depth = 1 + (Before?.Depth ?? 0);
    }

    public long Ordinal { get; }

    /// <summary>The instant on the <see cref="CacheClock"/> at which a soft event ended freshness.</summary>
    public long SoftAt { get; }

    public EventMark? Before { get; }

    /// <summary>How many events the chain holds.</summary>
    public int Depth { get; }

    /// <summary>Whether a hard event after <paramref name="after"/> is among the chain; otherwise <paramref name="softAt"/> falls to the first soft one after it.</summary>
    public static bool Covers(EventMark? newest, long after, ref long softAt)
    {
        for (EventMark? mark = newest; mark is not null && mark.Ordinal > after; mark = mark.Before)
        {
            if (mark.SoftAt == Hard) return true;
            softAt = Math.Min(softAt, mark.SoftAt);
        }
        return false;
    }

    /// <summary>The chain without what lies at or below <paramref name="floor"/>; null when nothing is left.</summary>
    public static EventMark? Above(EventMark? newest, long floor)
    {
        var kept = new Stack<EventMark>();
        for (EventMark? mark = newest; mark is not null && mark.Ordinal > floor; mark = mark.Before) kept.Push(mark);
        if (kept.Count == newest?.Depth) return newest;
        EventMark? chain = null;
        foreach (EventMark mark in kept) chain = new(mark.Ordinal, mark.SoftAt, chain);
        return chain;
    }
}
