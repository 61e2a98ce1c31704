namespace Larder;

/// <summary>
/// Entries of the sample that were read since the last addition. What is lost only costs policy accuracy.
/// </summary>
/// <remarks>
/// Invariants. Readers put entries in without a lock: two that do so at once may take the same place, and when all places are
/// taken reads are not recorded. The holder of the gate takes them out and gives all places back. An entry says itself
/// whether it was reported, so a hot one is put in once between two additions and costs nothing more.
/// </remarks>
internal sealed class ReadSamples
{
    private const int Capacity = 64;

    private readonly Entry?[] _entries = new Entry?[Capacity];
    private int _count;

    /// <summary>Whether it was recorded; otherwise there was no room.</summary>
    public bool TryRecord(Entry entry)
    {
        int at = Volatile.Read(ref _count);
        if (at >= Capacity) return false;
        Volatile.Write(ref _entries[at], entry);
        Volatile.Write(ref _count, at + 1);
        return true;
    }

    /// <summary>Takes out the next entry from <paramref name="at"/> on; null, and all places are free, when there is none left.</summary>
    public Entry? Take_NeedsGate(ref int at)
    {
        for (; at < Volatile.Read(ref _count); at++)
        {
            Entry? entry = Volatile.Read(ref _entries[at]);
            if (entry is null) continue;
            Volatile.Write(ref _entries[at++], null);
            return entry;
        }
        if (at > 0) Volatile.Write(ref _count, 0);
        return null;
    }
}
