namespace Larder;

/// <summary>An entry of a simulated cache, in a queue as live ones are.</summary>
internal struct Slot
{
    public int Hash;
    public int Newer;
    public int Older;
    /// <summary>The next one in the same bucket, or the next free one.</summary>
    public int Next;
    public long Cost;
    public byte Uses;
    public EvictionQueue Queue;
}

/// <summary>The entries of a simulated cache and a hash table over them, in two arrays that grow as they are filled.</summary>
internal sealed class SlotTable
{
    public const int None = -1;
    private const int Smallest = 16;

    private Slot[] _slots = new Slot[Smallest];
    /// <summary>First slot of each bucket, plus one.</summary>
    private int[] _buckets = new int[Smallest];
    private int _free = None;
    private int _fresh;

    public ref Slot this[int slot] => ref _slots[slot];

    public int Find(int hash)
    {
        int slot = BucketOf(hash) - 1;
        while (slot != None && _slots[slot].Hash != hash) slot = _slots[slot].Next;
        return slot;
    }

    public int Take(int hash, long cost)
    {
        if (_free == None && _fresh == _slots.Length) Grow();
        int slot = _free != None ? _free : _fresh++;
        if (slot == _free) _free = _slots[slot].Next;
        _slots[slot] = new() { Hash = hash, Cost = cost, Next = BucketOf(hash) - 1, Newer = None, Older = None };
        BucketOf(hash) = slot + 1;
        return slot;
    }

    /// <summary>Gives back a slot that no queue holds any more.</summary>
    public void Free(int slot)
    {
        ref Slot freed = ref _slots[slot];
        ref int first = ref BucketOf(freed.Hash);
        if (first == slot + 1) first = freed.Next + 1;
        else
        {
            int before = first - 1;
            while (_slots[before].Next != slot) before = _slots[before].Next;
            _slots[before].Next = freed.Next;
        }
        (freed.Next, _free) = (_free, slot);
    }

    /// <summary>The slots in use; they may be freed on the way.</summary>
    public IEnumerable<int> Used()
    {
        for (int slot = 0; slot < _fresh; slot++)
            if (_slots[slot].Queue != EvictionQueue.None) yield return slot;
    }

    private ref int BucketOf(int hash) => ref _buckets[(int)((uint)hash * 0x9E37_79B1 >> 8) & (_buckets.Length - 1)];

    private void Grow()
    {
        Array.Resize(ref _slots, _slots.Length * 2);
        _buckets = new int[_slots.Length];
        for (int slot = 0; slot < _fresh; slot++)
        {
            ref int first = ref BucketOf(_slots[slot].Hash);
            (_slots[slot].Next, first) = (first - 1, slot + 1);
        }
    }
}

/// <summary>The nodes of a simulated cache's queues: indices of slots.</summary>
internal readonly struct Slots(SlotTable table) : INodes<int>
{
    public int None => SlotTable.None;

    public bool IsNone(int node) => node == SlotTable.None;

    public int HashOf(int node) => table[node].Hash;

    public long CostOf(int node) => table[node].Cost;

    public int UsesOf(int node) => table[node].Uses;

    public void SetUses(int node, int uses) => table[node].Uses = (byte)uses;

    public ref int Newer(int node) => ref table[node].Newer;

    public ref int Older(int node) => ref table[node].Older;

    public ref EvictionQueue Queue(int node) => ref table[node].Queue;
}
