namespace Larder;

/// <summary>Which queue of the eviction policy holds an entry.</summary>
internal enum EvictionQueue : byte
{
    None,
    Small,
    Main,
}

/// <summary>
/// The engine's unit: one value under one key, with its lifetime. What only some entries have (tags, a user, windows in
/// which it may be served stale) is kept by <see cref="DetailedEntry"/>, so that the others stay small.
/// </summary>
/// <remarks>
/// Everything a reader uses is immutable but for three fields that are written without a lock: <see cref="_uses"/>,
/// where a lost update only costs policy accuracy, <see cref="_checkedUpTo"/>, where a lost update only costs a second
/// look at the index, and <see cref="_freshUntil"/>, which only falls. The links belong to the memory store's gate.
/// </remarks>
internal class Entry
{
    private const byte MostUses = 3;

    private long _freshUntil;
    private long _checkedUpTo;
    private byte _uses;

    public required string Key { get; init; }
    /// <summary>The value itself, or a <see cref="SerializedValue"/>; never null (see <see cref="StoredNull"/>).</summary>
    public required object Value { get; init; }
    /// <summary>Bytes: the value, its key and the engine's own share.</summary>
    public required long Cost { get; init; }
    /// <summary>Milliseconds on the <see cref="CacheClock"/>.</summary>
    public required long CreatedAt { get; init; }
    /// <summary>Milliseconds on the <see cref="CacheClock"/>; from then on the entry is no longer a hit.</summary>
    public required long FreshUntil
    {
        get => Volatile.Read(ref _freshUntil);
        init => _freshUntil = value;
    }
    public required int Hash { get; init; }

    /// <summary>Milliseconds on the <see cref="CacheClock"/>; from then on the entry is of no use, not even stale.</summary>
    public long GoneAt => this is DetailedEntry { StaleFor: > 0 and var stale } ? CacheClock.After(FreshUntil, stale) : FreshUntil;

    public string[] Tags => this is DetailedEntry detailed ? detailed.TagList : [];

    public string? User => (this as DetailedEntry)?.UserName;

    /// <summary>The part of the key that patterns are matched against.</summary>
    public ReadOnlySpan<char> PatternSubject => this is DetailedEntry detailed ? Key.AsSpan()[detailed.Name] : Key;

    /// <summary>Which fill made it, in the order in which they began; 0 where one flight a key keeps them in order.</summary>
    public long Begun => (this as DetailedEntry)?.BegunAs ?? 0;

    /// <summary>Up to which group invalidation the entry is known not to be covered; at least its fill's stamp.</summary>
    public long CheckedUpTo
    {
        get => Volatile.Read(ref _checkedUpTo);
        set => Volatile.Write(ref _checkedUpTo, value);
    }

    public byte Uses => _uses;

    public bool IsFresh(long now) => now < FreshUntil;

    public bool IsGone(long now) => now >= FreshUntil && now >= GoneAt;

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

    public EvictionQueue Queue;
    public Entry? Newer;
    public Entry? Older;
    /// <summary>The wheel slot that holds the entry; negative when none does.</summary>
    public int WheelSlot = -1;
    public Entry? WheelNext;
    public Entry? WheelPrevious;
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
