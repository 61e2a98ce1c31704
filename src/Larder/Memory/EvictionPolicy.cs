namespace Larder;

/// <summary>
/// S3-FIFO (Yang et al., SOSP 2023) by count and by bytes: a small queue that one-hit wonders leave soon, a main queue
/// with second chances, and a ghost of what left the small queue. While the cache is cold new entries go to the main
/// queue, so that a scan of the first fill does not empty it.
/// </summary>
/// <remarks>
/// All members but the two totals are called under the memory store's gate. A read only touches its entry
/// (<see cref="EntryHead.Touch"/>). The totals are kept apart from the queues' own: an entry that moves from one queue to
/// the other must never be seen twice by whoever reads them without the gate.
/// </remarks>
internal sealed class EvictionPolicy(int maxEntries, long maxBytes)
{
    /// <summary>The small queue's share of the cache, as the paper recommends.</summary>
    private const double SmallShare = 0.1;

    private readonly Queue _small = new(EvictionQueue.Small);
    private readonly Queue _main = new(EvictionQueue.Main);
    private readonly GhostQueue _ghosts = new();
    private int _count;
    private long _bytes;
    private bool _warm;

    public int Count => Volatile.Read(ref _count);

    public long Bytes => Volatile.Read(ref _bytes);

    public bool HasRoomFor(long cost) => _count < maxEntries && _bytes + cost <= maxBytes;

    public void Add_NeedsGate(Entry entry)
    {
        bool known = _ghosts.Forget(entry.Hash);
        (known || !_warm ? _main : _small).Push(entry);
        Weigh_NeedsGate(1, entry.Cost);
    }

    public void Remove_NeedsGate(Entry entry)
    {
        (entry.Queue == EvictionQueue.Small ? _small : _main).Remove(entry);
        Weigh_NeedsGate(-1, -entry.Cost);
    }

    /// <summary>Takes one entry out of the queues; null when they are empty.</summary>
    public Entry? Evict_NeedsGate()
    {
        _warm = true;
        while (_count > 0)
        {
            bool fromSmall = _small.Count > 0
                && (_main.Count == 0 || _small.Count > maxEntries * SmallShare || _small.Bytes > maxBytes * SmallShare);
            if ((fromSmall ? EvictFromSmall() : EvictFromMain()) is not { } victim) continue;
            Weigh_NeedsGate(-1, -victim.Cost);
            return victim;
        }
        return null;
    }

    private void Weigh_NeedsGate(int count, long bytes)
    {
        Volatile.Write(ref _count, _count + count);
        Volatile.Write(ref _bytes, _bytes + bytes);
    }

    /// <summary>The oldest of the small queue, or null when it had been used and moved on to the main queue.</summary>
    private Entry? EvictFromSmall()
    {
        Entry oldest = _small.Oldest!;
        _small.Remove(oldest);
        if (oldest.Uses > 0)
        {
            oldest.ForgetUses_NeedsGate();
            _main.Push(oldest);
            return null;
        }
        _ghosts.Remember(oldest.Hash, _count);
        return oldest;
    }

    /// <summary>The oldest of the main queue, or null when it had been used and got another round.</summary>
    private Entry? EvictFromMain()
    {
        Entry oldest = _main.Oldest!;
        _main.Remove(oldest);
        if (oldest.Uses == 0) return oldest;
        oldest.ForgetUse_NeedsGate();
        _main.Push(oldest);
        return null;
    }

    /// <summary>A FIFO of entries linked through themselves.</summary>
    private sealed class Queue(EvictionQueue name)
    {
        private Entry? _newest;

        public Entry? Oldest { get; private set; }

        public int Count { get; private set; }

        public long Bytes { get; private set; }

        public void Push(Entry entry)
        {
            entry.Queue = name;
            entry.Older = _newest;
            entry.Newer = null;
            if (_newest is { } newest) newest.Newer = entry;
            else Oldest = entry;
            _newest = entry;
            Count++;
            Bytes += entry.Cost;
        }

        public void Remove(Entry entry)
        {
            if (entry.Newer is { } newer) newer.Older = entry.Older;
            else _newest = entry.Older;
            if (entry.Older is { } older) older.Newer = entry.Newer;
            else Oldest = entry.Newer;
            entry.Newer = entry.Older = null;
            entry.Queue = EvictionQueue.None;
            Count--;
            Bytes -= entry.Cost;
        }
    }
}
