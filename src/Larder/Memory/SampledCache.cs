namespace Larder;

/// <summary>A simulated cache: what would be in memory if one strategy had always been followed. Hashes stand for keys.</summary>
internal sealed class SampledCache
{
    private readonly SlotTable _slots = new();
    private readonly PolicyQueues<int, Slots> _queues;

    public SampledCache(Strategy strategy) => _queues = new(new(_slots)) { Strategy = strategy };

    public int Count => _queues.Count;

    /// <summary>Whether it was full since its limits were set.</summary>
    public bool HasEvicted { get; private set; }

    /// <summary>What is over the limits goes with the next addition.</summary>
    public void Limit(int maxEntries, long maxBytes)
    {
        (_queues.MaxEntries, _queues.MaxBytes) = (maxEntries, maxBytes);
        HasEvicted = false;
    }

    /// <summary>Asks for a key and, where it is missing, adds it.</summary>
    /// <returns>Whether it was there.</returns>
    public bool Access(int hash, long cost)
    {
        int slot = _slots.Find(hash);
        if (slot != SlotTable.None)
        {
            ref byte uses = ref _slots[slot].Uses;
            if (uses < Entry.MostUses) uses++;
            return true;
        }
        if (cost > _queues.MaxBytes) return false;
        MakeRoom(cost);
        _queues.Add(_slots.Take(hash, cost));
        return false;
    }

    /// <summary>Forgets the keys that are no longer part of the sample.</summary>
    public void Keep(Func<int, bool> isSampled)
    {
        foreach (int slot in _slots.Used())
            if (!isSampled(_slots[slot].Hash))
            {
                _queues.Remove(slot);
                _slots.Free(slot);
            }
    }

    private void MakeRoom(long cost)
    {
        while (_queues.Count >= _queues.MaxEntries || _queues.Bytes + cost > _queues.MaxBytes)
        {
            int victim = _queues.Evict();
            HasEvicted = true;
            if (victim == SlotTable.None) return;
            _slots.Free(victim);
        }
    }
}
