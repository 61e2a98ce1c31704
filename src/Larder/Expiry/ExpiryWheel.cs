
namespace Larder;

/// <summary>
/// A hashed timing wheel (Varghese and Lauck 1987): one slot a second, entries linked through themselves, so that
/// expired entries are found without walking the others and scheduling costs no allocation.
/// </summary>
/// <remarks>
/// Invariants. All members are called under the memory store's gate. An entry is in the slot of the second in which it
/// expires, modulo the wheel's size; a longer lifetime is passed over once a turn. <see cref="_cursor"/> is the next
/// second to be looked at: everything that expired before it has been handed out.
/// </remarks>
internal sealed class ExpiryWheel
{
    private const int Slots = 4096;
    private readonly Entry?[] _heads = new Entry?[Slots];
    private long _cursor;

    public void Add_NeedsGate(Entry entry)
    {
        long goneAt = entry.GoneAt;
        if (goneAt == long.MaxValue) return;
        // An entry whose second has already been swept is put where the sweep comes next.
        int slot = (int)(Math.Max(goneAt / 1000, _cursor) & (Slots - 1));
        entry.WheelSlot = slot;
        entry.WheelNext = _heads[slot];
        if (_heads[slot] is { } head) head.WheelPrevious = entry;
        _heads[slot] = entry;
    }

    public void Remove_NeedsGate(Entry entry)
    {
        if (entry.WheelSlot < 0) return;
        if (entry.WheelPrevious is { } previous) previous.WheelNext = entry.WheelNext;
        else _heads[entry.WheelSlot] = entry.WheelNext;
        if (entry.WheelNext is { } next) next.WheelPrevious = entry.WheelPrevious;
        entry.WheelNext = entry.WheelPrevious = null;
        entry.WheelSlot = -1;
    }

    /// <summary>Puts an entry where it belongs after its end was moved.</summary>
    public void Move_NeedsGate(Entry entry)
    {
        Remove_NeedsGate(entry);
        Add_NeedsGate(entry);
    }

    /// <summary>Whether an entry is surely not in the slot of its second.</summary>
    public static bool IsMisplaced(Entry entry) =>
        entry.GoneAt is var goneAt && goneAt == long.MaxValue ? entry.WheelSlot >= 0 : entry.WheelSlot != (int)(goneAt / 1000 & (Slots - 1));

    /// <summary>How many have expired by <paramref name="now"/>: looks at the seconds that were not collected yet, and at nothing else.</summary>
    public int CountExpired_NeedsGate(long now)
    {
        long last = now / 1000;
        int expired = 0;
        for (long second = Math.Max(_cursor, last - Slots + 1); second <= last; second++)
            for (Entry? entry = _heads[(int)(second & (Slots - 1))]; entry is not null; entry = entry.WheelNext)
                if (entry.IsGone(now)) expired++;
        return expired;
    }

    /// <summary>
    /// Adds what has expired by <paramref name="now"/> to <paramref name="expired"/>, until it holds
    /// <paramref name="budget"/> entries or about as many were looked at; they stay in the wheel until they are removed.
    /// </summary>
    /// <returns>Whether that is all; otherwise the caller removes what it got and asks again.</returns>
    public bool Collect_NeedsGate(long now, int budget, List<Entry> expired)
    {
        long last = now / 1000;
        // One turn at most: an entry must not be collected twice.
        if (last - _cursor >= Slots) _cursor = last - Slots + 1;
        for (int looked = 0; looked < budget; _cursor++)
        {
            for (Entry? entry = _heads[(int)(_cursor & (Slots - 1))]; entry is not null; entry = entry.WheelNext)
            {
                looked++;
                if (!entry.IsGone(now)) continue;
                expired.Add(entry);
                if (expired.Count == budget) return false;
            }
            // The second that is still running is looked at again: more of it may expire.
            if (_cursor >= last) return true;
        }
        return false;
    }
}
