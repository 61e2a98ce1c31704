namespace Larder;

/// <summary>
/// Which entry goes when room is needed, by count and by bytes: the queues of the strategy that suits best what is asked
/// for (<see cref="PolicyChooser"/>), and last of all what is never to be evicted.
/// </summary>
/// <remarks>
/// Invariants. All members but the two totals and <see cref="Report"/> are called under the memory store's gate. A read
/// only touches its entry, and reports it once between two changes where its key is part of the sample. The totals are kept
/// apart from the queues' own: an entry that moves from one queue to another must never be seen twice by whoever reads
/// them without the gate.
/// </remarks>
internal sealed class EvictionPolicy(int maxEntries, long maxBytes)
{
    private readonly PolicyQueues<Entry?, EntryNodes> _queues = new(default) { MaxEntries = maxEntries, MaxBytes = maxBytes };
    private readonly NodeQueue<Entry?, EntryNodes> _pinned = new(EvictionQueue.Pinned, default);
    private readonly PolicyChooser _chooser = new(maxEntries, maxBytes);
    private readonly ReadSamples _reads = new();
    private int _count;
    private long _bytes;

    public int Count => Volatile.Read(ref _count);

    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>What decides at present.</summary>
    public Strategy Strategy => _queues.Strategy;

    /// <summary>Whether an entry fits into so many bytes together with the others, in the place of another one where that is given.</summary>
    public bool HasRoomFor(Entry entry, Entry? replaced, long bytes) =>
        _count + (replaced is null ? 1 : 0) <= maxEntries && _bytes + entry.Cost - (replaced?.Cost ?? 0) <= bytes;

    /// <summary>Takes note of a use of an entry that is part of the sample.</summary>
    public void Report(Entry entry)
    {
        if (_reads.TryRecord(entry)) entry.MarkReported();
    }

    public void Add_NeedsGate(Entry entry)
    {
        Learn_NeedsGate(entry);
        if (entry.IsPinned) Pin_NeedsGate(entry);
        else _queues.Add(entry);
        Weigh_NeedsGate(1, entry.Cost);
    }

    /// <summary>Lets go of the entries whose reads were reported, when nothing is added for a while.</summary>
    public void Drain_NeedsGate()
    {
        for (int at = 0; _reads.Take_NeedsGate(ref at) is { } read;) Show_NeedsGate(read);
    }

    public void Remove_NeedsGate(Entry entry)
    {
        Drain_NeedsGate();
        if (entry.IsPinned) Unpin_NeedsGate(entry);
        else _queues.Remove(entry);
        Weigh_NeedsGate(-1, -entry.Cost);
    }

    /// <summary>A new value of a key takes the place and the uses of the old one: it was not the value that was used.</summary>
    public void Replace_NeedsGate(Entry old, Entry entry)
    {
        if (old.IsPinned || entry.IsPinned)
        {
            Remove_NeedsGate(old);
            Add_NeedsGate(entry);
            return;
        }
        Drain_NeedsGate();
        _queues.Replace(old, entry);
        entry.Watch_NeedsGate(_chooser.Samples(entry.Hash));
        Weigh_NeedsGate(0, entry.Cost - old.Cost);
    }

    /// <summary>Takes one entry out of the queues; null when they are empty.</summary>
    public Entry? Evict_NeedsGate()
    {
        Entry? victim = _queues.Evict();
        if (victim is null && _pinned.Oldest is { } oldest) Unpin_NeedsGate(victim = oldest);
        if (victim is not null) Weigh_NeedsGate(-1, -victim.Cost);
        return victim;
    }

    /// <summary>Shows the chooser what was read since the last addition, and what is added now.</summary>
    private void Learn_NeedsGate(Entry added)
    {
        Drain_NeedsGate();
        Show_NeedsGate(added);
        _queues.Strategy = _chooser.Best;
    }

    private void Show_NeedsGate(Entry entry)
    {
        bool isSampled = !entry.IsPinned && _chooser.Samples(entry.Hash);
        entry.Watch_NeedsGate(isSampled);
        if (isSampled) _chooser.Access(entry.Hash, entry.Cost);
    }

    private void Pin_NeedsGate(Entry entry)
    {
        _pinned.Push(entry);
        Share_NeedsGate();
    }

    private void Unpin_NeedsGate(Entry entry)
    {
        _pinned.Remove(entry);
        Share_NeedsGate();
    }

    /// <summary>The strategies share what is not pinned.</summary>
    private void Share_NeedsGate()
    {
        (_queues.MaxEntries, _queues.MaxBytes) = (maxEntries - _pinned.Count, maxBytes - _pinned.Bytes);
        _chooser.Limit(_queues.MaxEntries, _queues.MaxBytes);
    }

    private void Weigh_NeedsGate(int count, long bytes)
    {
        Volatile.Write(ref _count, _count + count);
        Volatile.Write(ref _bytes, _bytes + bytes);
    }

    /// <summary>The live entries as nodes.</summary>
    private readonly struct EntryNodes : INodes<Entry?>
    {
        public Entry? None => null;

        public bool IsNone(Entry? node) => node is null;

        public int HashOf(Entry? node) => node!.Hash;

        public long CostOf(Entry? node) => node!.Cost;

        public int UsesOf(Entry? node) => node!.Uses;

        public void SetUses(Entry? node, int uses) => node!.SetUses_NeedsGate(uses);

        public ref Entry? Newer(Entry? node) => ref node!.Newer;

        public ref Entry? Older(Entry? node) => ref node!.Older;

        public ref EvictionQueue Queue(Entry? node) => ref node!.Queue;
    }
}
