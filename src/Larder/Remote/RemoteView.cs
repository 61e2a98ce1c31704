namespace Larder;

/// <summary>
/// What a node knows of one epoch of the log, by the log's ordinals: what entries of Redis are judged by.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. One thread, the log's reader, changes it; any number read without a lock.
/// 2. An event is in the tables before <see cref="SeenUpTo"/> reaches its ordinal: what was stamped by a node that had seen an
///    event is not covered by it, and what was not is covered here as soon as this node has seen it.
/// 3. Until it is opened the floor is infinite. It is read after the tables: an answer from tables that were incomplete, because
///    they are being filled or because something was forgotten, is not used.
/// </remarks>
internal sealed class RemoteView(ulong epoch, int maxSubjects = RemoteView.MaxSubjects, int maxAsked = RemoteView.MaxAsked)
{
    private const int MaxSubjects = 100_000;
    /// <summary>As <see cref="GroupEvents.AskedWeight"/> counts.</summary>
    private const int MaxAsked = 1000;

    private readonly GroupEvents _groups = new();
    /// <summary>Of keys whose slot could not be removed .</summary>
    private readonly SubjectTable _keys = new(KeyComparer.Instance);
    private long _begin = long.MaxValue;
    private long _seen, _newestGroup;

    public ulong Epoch => epoch;

    /// <summary>What is stamped below it counts as covered.</summary>
    public long Floor => Math.Max(Volatile.Read(ref _begin), _groups.Floor);

    public bool IsOpen => Volatile.Read(ref _begin) != long.MaxValue;

    /// <summary>The ordinal up to which all events of both streams have been applied on this node.</summary>
    public long SeenUpTo => Volatile.Read(ref _seen);

    /// <summary>The newest event in the tables, or that was there before some were forgotten; 0 for none.</summary>
    public long NewestGroup => Volatile.Read(ref _newestGroup);

    /// <summary>From now on the tables are complete above <paramref name="floor"/>, up to what was seen.</summary>
    public void Open(long floor) => Volatile.Write(ref _begin, floor);

    public void Seen(long ordinal) => Volatile.Write(ref _seen, ordinal);

    /// <param name="softAt">When the event, if it is soft, ended freshness, on the <see cref="CacheClock"/>.</param>
    public void Remember(Invalidation invalidation, long ordinal, long softAt)
    {
        // Instants before the clock began are negative, and one of them would mean hard.
        softAt = !invalidation.IsSoft ? EventMark.Hard : softAt == EventMark.Hard ? EventMark.Hard - 1 : softAt;
        if (invalidation.Kind == InvalidationKind.Key) _keys.Remember(invalidation.Subject, ordinal, softAt);
        else _groups.Remember(invalidation, ordinal, softAt);
        Volatile.Write(ref _newestGroup, ordinal);
        if (_groups.Remembered + _keys.Count > maxSubjects || _groups.AskedWeight > maxAsked) ForgetTheOldest();
    }

    /// <summary>What the events newer than <paramref name="after"/> say of an entry.</summary>
    /// <param name="key">The entry's key.</param>
    /// <param name="name">The part of it that patterns look at.</param>
    /// <param name="after">The ordinal of the entry's stamp.</param>
    /// <param name="softAt">When the first soft event ended its freshness, where it is <see cref="Coverage.Softened"/>.</param>
    public Coverage Judge(string key, ReadOnlySpan<char> name, ReadOnlySpan<string> tags, string? user, long after, out long softAt)
    {
        softAt = long.MaxValue;
        if (_keys.Covers(key, after, ref softAt) || _groups.IsEnded(name, tags, user, after, ref softAt) || Floor > after) return Coverage.Covered;
        return softAt == long.MaxValue ? Coverage.None : Coverage.Softened;
    }

    /// <summary>Raises the floor over the oldest quarter of whichever is too many.</summary>
    private void ForgetTheOldest()
    {
        (List<long> remembered, List<long> asked) = _groups.Ordinals();
        foreach (EventMark newest in _keys.Marks)
            for (EventMark? mark = newest; mark is not null; mark = mark.Before) remembered.Add(mark.Ordinal);
        long floor = 0;
        if (remembered.Count > maxSubjects) floor = Quarter(remembered);
        if (_groups.AskedWeight > maxAsked) floor = Math.Max(floor, Quarter(asked));
        // First this, for it raises the floor.
        _groups.Forget(floor);
        _keys.Forget(floor);

        static long Quarter(List<long> ordinals)
        {
            ordinals.Sort();
            return ordinals[(ordinals.Count - 1) / 4];
        }
    }
}
