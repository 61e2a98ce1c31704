using System.Collections.Concurrent;

namespace Larder;

/// <summary>The events on subjects of one sort: one chain of marks for each. One thread at a time changes it, any number read.</summary>
internal sealed class SubjectTable(IEqualityComparer<string> comparer)
{
    private readonly ConcurrentDictionary<string, EventMark> _marks = new(comparer);

    /// <summary>How many events are remembered. Counted here: the table's own count takes all of its locks.</summary>
    public int Count { get; private set; }

    public IEnumerable<EventMark> Marks => _marks.Values;

    public void Remember(string subject, long ordinal, long softAt)
    {
        _marks.TryGetValue(subject, out EventMark? before);
        var mark = new EventMark(ordinal, softAt, before);
        _marks[subject] = mark;
        Count += mark.Depth - (before?.Depth ?? 0);
    }

    /// <inheritdoc cref="EventMark.Covers"/>
    public bool Covers(string subject, long after, ref long softAt) => _marks.TryGetValue(subject, out EventMark? mark) && EventMark.Covers(mark, after, ref softAt);

    /// <summary>The same for a tag or one above it.</summary>
    public bool CoversTag(string tag, long after, ref long softAt)
    {
        if (Covers(tag, after, ref softAt)) return true;
        if (tag.StartsWith(TagRules.ExactPrefix)) return false;
        var lookup = _marks.GetAlternateLookup<ReadOnlySpan<char>>();
        for (int end = tag.LastIndexOf(':'); end > 0; end = tag.LastIndexOf(':', end - 1))
            if (lookup.TryGetValue(tag.AsSpan(0, end), out EventMark? mark) && EventMark.Covers(mark, after, ref softAt)) return true;
        return false;
    }

    /// <summary>Forgets every event up to <paramref name="floor"/>.</summary>
    public void Forget(long floor)
    {
        int left = 0;
        foreach ((string subject, EventMark mark) in _marks)
        {
            if (EventMark.Above(mark, floor) is { } kept)
            {
                if (!ReferenceEquals(kept, mark)) _marks[subject] = kept;
                left += kept.Depth;
            }
            else
            {
                _marks.TryRemove(subject, out _);
            }
        }
        Count = left;
    }
}
