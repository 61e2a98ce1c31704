using System.Runtime.InteropServices;

namespace Larder;

/// <summary>Which queue of the eviction policy holds an entry (<see cref="PolicyQueues{T, TNodes}"/>).</summary>
internal enum EvictionQueue : byte
{
    None,
    Small,
    Main,
    Hot,
    /// <summary>Of the entries that go last (<see cref="EntryPriority.NeverEvict"/>).</summary>
    Pinned,
}

/// <summary>
/// What a reader looks at, apart from the links of queues and wheel and in the order in which it is looked at, so that a
/// hit most often touches one cache line.
/// </summary>
/// <remarks>
/// Immutable but for three figures that are written without a lock: the uses, where a lost update only costs policy
/// accuracy (whether it is pinned never changes), the ordinal it was checked up to, where a lost update only costs a second look at the index, and the end of
/// its freshness, which rises only while it is not over: once an event has ended freshness it is kept far below every instant,
/// so that no clock finds the entry fresh, not even one that lags behind the event's.
/// </remarks>
internal abstract class EntryHead
{
    /// <summary>Uses are counted up to this, in the lowest bits of their byte; its other bits are flags.</summary>
    public const byte MostUses = 3;
    private const byte Sampled = 4;
    private const byte Reported = 8;
    private const byte Pinned = 16;
    /// <summary>Taken off the instant at which an event ended freshness. Instants may be negative: loaded entries are older than the clock.</summary>
    private const long ByEvent = 1L << 62;

    /// <summary>The next of its chain in the table; belongs to the memory store's gate.</summary>
    public Entry? Next;
    private readonly string _key = "";
    private readonly object _value = "";
    private Figures _figures = new() { WheelSlot = -1 };

    /// <summary>In one struct, because the runtime sorts a class's own fields by size.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Figures
    {
        public long FreshUntil;
        public long CheckedUpTo;
        public int Hash;
        public byte Uses;
        public EvictionQueue Queue;
        public short WheelSlot;
        public uint CreatedAt;
        public uint Cost;
    }

    public required string Key
    {
        get => _key;
        init => _key = value;
    }
    /// <summary>The value itself, or a <see cref="SerializedValue"/>; never null (see <see cref="StoredNull"/>).</summary>
    public required object Value
    {
        get => _value;
        init => _value = value;
    }
    /// <summary>Milliseconds on the <see cref="CacheClock"/>; from then on the entry is no longer a hit.</summary>
    public required long FreshUntil
    {
        get => InstantOf(Volatile.Read(ref _figures.FreshUntil));
        init => _figures.FreshUntil = value;
    }
    public required int Hash
    {
        get => _figures.Hash;
        init => _figures.Hash = value;
    }
    /// <summary>Bytes: the value, its key and the engine's own share.</summary>
    public required long Cost
    {
        get => _figures.Cost;
        init => _figures.Cost = checked((uint)value);
    }
    /// <summary>Milliseconds on the <see cref="CacheClock"/>, as exact as <see cref="PackedInstant"/> keeps them.</summary>
    public required long CreatedAt
    {
        get => PackedInstant.Unpack(_figures.CreatedAt);
        init => _figures.CreatedAt = PackedInstant.Pack(value);
    }

    /// <summary>Up to which group invalidation the entry is known not to be covered; at least its fill's stamp.</summary>
    public long CheckedUpTo
    {
        get => Volatile.Read(ref _figures.CheckedUpTo);
        set => Volatile.Write(ref _figures.CheckedUpTo, value);
    }

    /// <summary>Belongs to the gate.</summary>
    public ref EvictionQueue Queue => ref _figures.Queue;

    /// <summary>The wheel slot that holds the entry; negative when none does. Belongs to the gate.</summary>
    public int WheelSlot
    {
        get => _figures.WheelSlot;
        set => _figures.WheelSlot = (short)value;
    }

    public int Uses => _figures.Uses & MostUses;

    /// <summary>Whether it goes only when nothing else is left.</summary>
    public bool IsPinned
    {
        get => (_figures.Uses & Pinned) != 0;
        init => _figures.Uses = value ? Pinned : (byte)0;
    }

    public bool IsFresh(long now) => now < Volatile.Read(ref _figures.FreshUntil);

    /// <summary>
    /// Counts a use, up to three: once saturated a read writes nothing, so that hot entries do not bounce between cores.
    /// </summary>
    /// <returns>Whether the use is to be reported: the entry is part of the policy's sample and was not reported lately.</returns>
    public bool Touch()
    {
        byte uses = _figures.Uses;
        if ((uses & MostUses) < MostUses) _figures.Uses = ++uses;
        return (uses & (Sampled | Reported)) == Sampled;
    }

    /// <summary>
    /// Ends the entry's freshness by an event, if it had not ended by then; its stale windows begin at that instant. Marked in
    /// any case: of an entry whose time was over at the event, a clock that lags might say otherwise.
    /// </summary>
    public void EndFreshness(long at)
    {
        for (long until = Volatile.Read(ref _figures.FreshUntil); ;)
        {
            long ended = Math.Min(at, InstantOf(until)) - ByEvent;
            if (ended == until) return;
            long before = Interlocked.CompareExchange(ref _figures.FreshUntil, ended, until);
            if (before == until) return;
            until = before;
        }
    }

    /// <summary>Lets the entry be fresh for longer, unless its freshness has ended. It never ends earlier for it, whoever else does so at once.</summary>
    /// <returns>Whether it is now.</returns>
    public bool ProlongFreshness(long now, long until)
    {
        for (long before; now < (before = Volatile.Read(ref _figures.FreshUntil)) && before < until;)
            if (Interlocked.CompareExchange(ref _figures.FreshUntil, until, before) == before) return true;
        return false;
    }

    private static long InstantOf(long until) => until >= -ByEvent / 2 ? until : until + ByEvent;

    /// <summary>Sets the uses; the next one is to be reported again, even if an earlier report was lost.</summary>
    public void SetUses_NeedsGate(int uses) => _figures.Uses = (byte)(_figures.Uses & (Sampled | Pinned) | uses);

    /// <summary>Sets whether the next use is to be reported.</summary>
    public void Watch_NeedsGate(bool sampled) => _figures.Uses = (byte)(_figures.Uses & (MostUses | Pinned) | (sampled ? Sampled : 0));

    public void MarkReported() => _figures.Uses |= Reported;
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

    /// <summary>Whether it may be served after its freshness.</summary>
    public bool HasStaleTime => this is DetailedEntry { StaleFor: > 0 };

    public string[] Tags => this is DetailedEntry detailed ? detailed.TagList : [];

    public string? User => (this as DetailedEntry)?.UserName;

    /// <summary>The part of the key that patterns are matched against.</summary>
    public ReadOnlySpan<char> PatternSubject => this is DetailedEntry detailed ? Key.AsSpan()[detailed.Name] : Key;

    /// <summary>Which fill made it, in the order in which they began; 0 where one flight a key keeps them in order.</summary>
    public long Begun => (this as DetailedEntry)?.BegunAs ?? 0;

    public bool IsGone(long now) => now >= FreshUntil && now >= GoneAt;

    /// <summary>Whether a hit also starts a refresh.</summary>
    public bool IsDue(long now) => this is DetailedEntry { DueAt: var due } && now >= due;
}

/// <summary>An entry with tags, a user, a pattern subject of its own, an eager refresh or a time after its freshness.</summary>
internal sealed class DetailedEntry : Entry
{
    private long _retryAt;

    public string[] TagList { get; init; } = [];
    public string? UserName { get; init; }
    public Range Name { get; init; } = Range.All;
    public long BegunAs { get; init; }

    /// <summary>Milliseconds after its freshness in which it is handed out while it is refreshed.</summary>
    public long StaleWhileRevalidate { get; init; }
    /// <summary>Milliseconds after its freshness in which it stands in for a failed fill.</summary>
    public long StaleIfError { get; init; }

    public long StaleFor => Math.Max(StaleWhileRevalidate, StaleIfError);

    /// <summary>Milliseconds on the <see cref="CacheClock"/>, before the end of freshness; from then on a hit also starts a refresh.</summary>
    public long DueAt { get; init; } = long.MaxValue;

    /// <summary>Milliseconds on the <see cref="CacheClock"/>; a refresh has failed, and the next one is not begun before.</summary>
    public long RetryAt
    {
        get => Volatile.Read(ref _retryAt);
        set => Volatile.Write(ref _retryAt, value);
    }
}
