namespace Larder;

/// <summary>Which queue of the eviction policy holds an entry.</summary>
internal enum EvictionQueue : byte
{
    None,
    Small,
    Main,
}

/// <summary>
/// What a reader looks at, apart from the links so that it lies together: 64 bytes, most often in one cache line.
/// </summary>
/// <remarks>
/// Immutable but for three fields that are written without a lock: <see cref="_uses"/>, where a lost update only costs
/// policy accuracy, <see cref="_checkedUpTo"/>, where a lost update only costs a second look at the index, and
/// <see cref="_freshUntil"/>, which only falls.
/// </remarks>
internal abstract class EntryHead
{
    private const byte MostUses = 3;

    private long _freshUntil;
    private long _checkedUpTo;
    private readonly uint _createdAt;
    private readonly uint _cost;
    private short _wheelSlot = -1;
    private byte _uses;
    public EvictionQueue Queue;

    public required string Key { get; init; }
    /// <summary>The value itself, or a <see cref="SerializedValue"/>; never null (see <see cref="StoredNull"/>).</summary>
    public required object Value { get; init; }
    /// <summary>The next of its chain in the table; belongs to the memory store's gate.</summary>
    public Entry? Next;
    public required int Hash { get; init; }
    /// <summary>Bytes: the value, its key and the engine's own share.</summary>
    public required long Cost
    {
        get => _cost;
        init => _cost = checked((uint)value);
    }
    /// <summary>Milliseconds on the <see cref="CacheClock"/>, as exact as <see cref="PackedInstant"/> keeps them.</summary>
    public required long CreatedAt
    {
        get => PackedInstant.Unpack(_createdAt);
        init => _createdAt = PackedInstant.Pack(value);
    }
    /// <summary>Milliseconds on the <see cref="CacheClock"/>; from then on the entry is no longer a hit.</summary>
    public required long FreshUntil
    {
        get => Volatile.Read(ref _freshUntil);
        init => _freshUntil = value;
    }

    /// <summary>Up to which group invalidation the entry is known not to be covered; at least its fill's stamp.</summary>
    public long CheckedUpTo
    {
        get => Volatile.Read(ref _checkedUpTo);
        set => Volatile.Write(ref _checkedUpTo, value);
    }

    /// <summary>The wheel slot that holds the entry; negative when none does. Belongs to the gate.</summary>
    public int WheelSlot
    {
        get => _wheelSlot;
        set => _wheelSlot = (short)value;
    }

    public byte Uses => _uses;

    public bool IsFresh(long now) => now < FreshUntil;

    /// <summary>Counts a use, up to three: once saturated a read writes nothing, so that hot entries do not bounce between cores.</summary>
    public void Touch()
    {
        if (_uses < MostUses) _uses++;
    }

    /// <summary>Ends the entry's freshness, if it has not ended yet; its stale windows begin then.</summary>
    public void EndFreshness(long now)
    {
        for (long until = FreshUntil; now < until;)
        {
            long before = Interlocked.CompareExchange(ref _freshUntil, now, until);
            if (before == until) return;
            until = before;
        }
    }

    public void ForgetUse_NeedsGate() => _uses--;

    public void ForgetUses_NeedsGate() => _uses = 0;
}

/// <summary>
/// The engine's unit: one value under one key, with its lifetime and the links by which table, queues and wheel hold it;
/// the links belong to the memory store's gate. What only some entries have (tags, a user, windows in which it may be
/// served stale) is kept by <see cref="DetailedEntry"/>, so that the others stay small: 104 bytes.
/// </summary>
internal class Entry : EntryHead
{
    public Entry? Newer;
    public Entry? Older;
    public Entry? WheelNext;
    public Entry? WheelPrevious;

    /// <summary>Milliseconds on the <see cref="CacheClock"/>; from then on the entry is of no use, not even stale.</summary>
    public long GoneAt => this is DetailedEntry { StaleFor: > 0 and var stale } ? CacheClock.After(FreshUntil, stale) : FreshUntil;

    public string[] Tags => this is DetailedEntry detailed ? detailed.TagList : [];

    public string? User => (this as DetailedEntry)?.UserName;

    /// <summary>The part of the key that patterns are matched against.</summary>
    public ReadOnlySpan<char> PatternSubject => this is DetailedEntry detailed ? Key.AsSpan()[detailed.Name] : Key;

    /// <summary>Which fill made it, in the order in which they began; 0 where one flight a key keeps them in order.</summary>
    public long Begun => (this as DetailedEntry)?.BegunAs ?? 0;

    public bool IsGone(long now) => now >= FreshUntil && now >= GoneAt;
}

/// <summary>An entry with tags, a user, a pattern subject of its own or a time after its freshness.</summary>
internal sealed class DetailedEntry : Entry
{
    public string[] TagList { get; init; } = [];
    public string? UserName { get; init; }
    public Range Name { get; init; } = Range.All;
    public long BegunAs { get; init; }

    /// <summary>Milliseconds after its freshness in which it is handed out while it is refreshed.</summary>
    public long StaleWhileRevalidate { get; init; }
    /// <summary>Milliseconds after its freshness in which it stands in for a failed fill.</summary>
    public long StaleIfError { get; init; }

    public long StaleFor => Math.Max(StaleWhileRevalidate, StaleIfError);
}
