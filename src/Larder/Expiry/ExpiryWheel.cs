namespace Larder;

/// <summary>
/// A hashed timing wheel (Varghese and Lauck 1987): one slot a second, entries linked through themselves, so that
/// expired entries are found without walking the others and scheduling costs no allocation.
/// </summary>
/// <remarks>
/// Invariants. All members are called under the memory store's gate. An entry is in the slot of the second in which it
/// expires, modulo the wheel's size, or of an earlier one: its end may be moved on without the gate, and the entry is put where it
/// belongs when its old slot is looked at. The exception is an entry whose freshness a soft event ended without the gate: it
/// is in a later slot, and may stay there after its end, until <see cref="MemoryStore.DropInvalidated"/> comes to it. A longer
/// lifetime is passed over once a turn. <see cref="_cursor"/> is the next second to be looked at, and <see cref="_resume"/>
/// where in its slot a look that ran out of budget goes on: everything that expired before that has been handed out. What is
/// put into that slot meanwhile is put there.
/// </remarks>
internal sealed class ExpiryWheel
{
    private const int Slots = 4096;
    private readonly Entry?[] _heads = new Entry?[Slots];
    private long _cursor;
    private Entry? _resume;
    /// <summary>The earliest instant by which entries of the cursor's slot were judged.</summary>
    private long _judgedBy;

    public void Add_NeedsGate(Entry entry)
    {
        long goneAt = entry.GoneAt;
        if (goneAt == long.MaxValue) return;
        // An entry whose second has already been swept is put where the sweep comes next.
        int slot = (int)(Math.Max(goneAt / 1000, _cursor) & (Slots - 1));
        entry.WheelSlot = slot;
        bool isHalfSeen = _resume?.WheelSlot == slot;
        Entry? next = isHalfSeen ? _resume : _heads[slot], previous = next?.WheelPrevious;
        (entry.WheelNext, entry.WheelPrevious) = (next, previous);
        if (next is not null) next.WheelPrevious = entry;
        if (previous is null) _heads[slot] = entry;
        else previous.WheelNext = entry;
        if (isHalfSeen) _resume = entry;
    }

    public void Remove_NeedsGate(Entry entry)
    {
        if (entry.WheelSlot < 0) return;
        if (ReferenceEquals(entry, _resume)) _resume = entry.WheelNext;
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

    /// <summary>How many have expired by <paramref name="now"/>: looks at the seconds that were not collected yet, at as many entries as <paramref name="budget"/>, and at nothing else.</summary>
    public int CountExpired_NeedsGate(long now, int budget)
    {
        long last = now / 1000;
        int expired = 0;
        for (long second = Math.Max(_cursor, last - Slots + 1); second <= last; second++)
            for (Entry? entry = _heads[(int)(second & (Slots - 1))]; entry is not null && budget > 0; entry = entry.WheelNext, budget--)
                if (entry.IsGone(now)) expired++;
        return expired;
    }

    /// <summary>
    /// Takes what has expired by <paramref name="now"/> out of the wheel and adds it to <paramref name="expired"/>, until as
    /// many as <paramref name="budget"/> were looked at, slots included.
    /// </summary>
    /// <returns>Whether that is all; otherwise the caller asks again.</returns>
    public bool Collect_NeedsGate(long now, int budget, List<Entry> expired)
    {
        long last = now / 1000;
        // One turn at most: an entry must not be looked at twice.
        if (last - _cursor >= Slots) (_cursor, _resume) = (last - Slots + 1, null);
        for (; ; budget--)
        {
            _judgedBy = _resume is null ? now : Math.Min(_judgedBy, now);
            Entry? entry = _resume ?? _heads[(int)(_cursor & (Slots - 1))];
            _resume = null;
            for (Entry? next; entry is not null; entry = next, budget--)
            {
                if (budget <= 0)
                {
                    _resume = entry;
                    return false;
                }
                next = entry.WheelNext;
                if (entry.IsGone(now))
                {
                    Remove_NeedsGate(entry);
                    expired.Add(entry);
                }
                else if (IsMisplaced(entry))
                {
                    Move_NeedsGate(entry);
                }
            }
            // The second that is still running is looked at again: more of it may expire.
            if (_cursor >= last) return true;
            if (_judgedBy / 1000 > _cursor) _cursor++;
            if (budget <= 0) return false;
        }
    }
}
