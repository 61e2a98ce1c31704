namespace Larder;

/// <summary>Which queue of the eviction policy holds an entry.</summary>
internal enum EvictionQueue : byte
{
    None,
    Small,
    Main,
}

/// <summary>
/// The engine's unit: one value under one key, with its lifetime, its stamp and what invalidates it.
/// </summary>
/// <remarks>
/// Everything a reader uses is immutable but for two fields that readers write without a lock: <see cref="_uses"/>,
/// where a lost update only costs policy accuracy, and <see cref="_checkedUpTo"/>, where a lost update only costs a
/// second look at the index. The links belong to the memory store's gate.
/// </remarks>
internal sealed class Entry
{
    private const byte MostUses = 3;

    private byte _uses;
    private long _checkedUpTo;

    public required string Key { get; init; }
    /// <summary>The value itself, or a <see cref="SerializedValue"/>; never null (see <see cref="StoredNull"/>).</summary>
    public required object Value { get; init; }
    /// <summary>Bytes: the value, its key and the engine's own share.</summary>
    public required long Cost { get; init; }
    /// <summary>Milliseconds on the <see cref="CacheClock"/>.</summary>
    public required long CreatedAt { get; init; }
    /// <summary>Milliseconds on the <see cref="CacheClock"/>; from then on the entry is gone.</summary>
    public required long ExpiresAt { get; init; }
    /// <summary>The newest ordinal that was seen before the value began to be made.</summary>
    public long Stamp { get; private set; }
    /// <summary>Which fill made it, in the order in which they began; 0 where one flight a key keeps them in order.</summary>
    public long Begun { get; set; }
    public string[] Tags { get; init; } = [];
    public string? User { get; init; }
    /// <summary>The part of the key that patterns are matched against.</summary>
    public Range Name { get; init; } = Range.All;
    public required int Hash { get; init; }

    /// <summary>Up to which group invalidation the entry is known not to be covered; at least its stamp.</summary>
    public long CheckedUpTo
    {
        get => Volatile.Read(ref _checkedUpTo);
        set => Volatile.Write(ref _checkedUpTo, value);
    }

    public ReadOnlySpan<char> PatternSubject => Key.AsSpan()[Name];

    public bool IsExpired(long now) => now >= ExpiresAt;

    public byte Uses => _uses;

    /// <summary>Counts a use, up to three: once saturated a read writes nothing, so that hot entries do not bounce between cores.</summary>
    public void Touch()
    {
        if (_uses < MostUses) _uses++;
    }

    /// <summary>Gives the entry its stamp; only before it becomes visible.</summary>
    public void StampWith(long ordinal)
    {
        Stamp = ordinal;
        CheckedUpTo = ordinal;
    }

    public void ForgetUse_NeedsGate() => _uses--;

    public void ForgetUses_NeedsGate() => _uses = 0;

    public EvictionQueue Queue;
    public Entry? Newer;
    public Entry? Older;
    /// <summary>The wheel slot that holds the entry; negative when none does.</summary>
    public int WheelSlot = -1;
    public Entry? WheelNext;
    public Entry? WheelPrevious;
}
