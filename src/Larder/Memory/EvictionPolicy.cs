namespace Larder;

/// <summary>
/// S3-FIFO (Yang et al., SOSP 2023) by count and by bytes: a small queue that one-hit wonders leave soon, a main queue
/// with second chances, and a ghost of what left the small queue. While the cache is cold new entries go to the main
/// queue, so that a scan of the first fill does not empty it.
/// </summary>
/// <remarks>All members are called under the memory store's gate. A read only touches its entry (<see cref="Entry.Touch"/>).</remarks>
internal sealed class EvictionPolicy(int maxEntries, long maxBytes)
{
    /// <summary>The small queue's share of the cache, as the paper recommends.</summary>
    private const double SmallShare = 0.1;

    private readonly Queue _small = new(EvictionQueue.Small);
    private readonly Queue _main = new(EvictionQueue.Main);
    private readonly GhostQueue _ghosts = new();
    private bool _warm;

    public int Count => _small.Count + _main.Count;

    public long Bytes => _small.Bytes + _main.Bytes;

    public bool HasRoomFor(long cost) => Count < maxEntries && Bytes + cost <= maxBytes;

    public void Add_NeedsGate(Entry entry)
    {
        bool known = _ghosts.Forget(entry.Hash);
        (known || !_warm ? _main : _small).Push(entry);
    }

    public void Remove_NeedsGate(Entry entry) => (entry.Queue == EvictionQueue.Small ? _small : _main).Remove(entry);

    /// <summary>Takes one entry out of the queues; null when they are empty.</summary>
    public Entry? Evict_NeedsGate()
    {
        _warm = true;
        while (Count > 0)
        {
            bool fromSmall = _small.Count > 0
                && (_main.Count == 0 || _small.Count > maxEntries * SmallShare || _small.Bytes > maxBytes * SmallShare);
            if ((fromSmall ? EvictFromSmall() : EvictFromMain()) is { } victim) return victim;
        }
        return null;
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
        _ghosts.Remember(oldest.Hash, Count);
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
