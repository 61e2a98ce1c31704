namespace Larder;

/// <summary>
/// The newest event of each key, in bounded memory: keys share marks by hash, so a mark may be newer than the key's own
/// last event. That errs on the safe side: a fill that would have been right is not stored. Only fills go by them that nobody tells
/// of their key's events (<see cref="IKeyWatch"/>).
/// </summary>
/// <remarks>Written under the memory store's gate, and read under it where something is to be stored.</remarks>
internal sealed class KeyMarks(int maxEntries)
{
    private readonly long[] _marks = new long[HashPlaces.CountFor(maxEntries)];

    public long this[int hash] => Volatile.Read(ref _marks[hash & (_marks.Length - 1)]);

    public void Raise_NeedsGate(int hash, long ordinal)
    {
        ref long mark = ref _marks[hash & (_marks.Length - 1)];
        if (ordinal > mark) Volatile.Write(ref mark, ordinal);
    }
}
