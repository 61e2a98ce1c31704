namespace Larder;

/// <summary>How values that slide are kept in Redis: what is stored names their absolute end, the slot's lifetime the time that is left .</summary>
internal static class SlidingValues
{
    public static readonly string TypeName = TypeNames.Of<DistributedValue>();

    /// <summary>The value of an entry, if it slides.</summary>
    public static DistributedValue? In(Entry entry) => entry.Value is DistributedValue { Sliding: not null } value ? value : null;

    /// <summary>How long the slot is to live from now on: a quarter longer than the value, for nodes that used it since it was prolonged. In milliseconds.</summary>
    public static long LifeOf(DistributedValue value, long now)
    {
        long window = CacheClock.After(0, value.Sliding!.Value);
        return Math.Min(CacheClock.After(window, QuarterOf(window)), value.AbsoluteEnd == long.MaxValue ? RemoteWrites.LongestLife : value.AbsoluteEnd - now);
    }

    public static long QuarterOf(long window) => window / 4;

    /// <summary>The form in which it goes into a slot.</summary>
    public static WireEntry Stored(in WireEntry described, DistributedValue value, ClockAnchor anchor)
    {
        long end = Math.Max(described.FreshUntil, anchor.ToWall(value.AbsoluteEnd));
        return described with { FreshUntil = end, StaleWhileRevalidateUntil = end, StaleIfErrorUntil = end };
    }

    /// <summary>An entry that was read from a slot; one that slides begins its time anew, for whoever reads it uses it.</summary>
    /// <remarks>Its absolute end is told by the entry's times, which are by the server's clock, not by those in its value, which are by another node's.</remarks>
    public static Entry Restore(EntryRecords records, in WireEntry stored, ClockAnchor anchor, long now)
    {
        if (stored.Encoding != CompressionAlgorithm.None || stored.Type != TypeName || !DistributedValueSerializer.Slides(stored.Body.Span, out TimeSpan window)) return records.Restore(stored, anchor, isAskedFor: true);
        long end = anchor.EndOf(stored.CreatedAt, stored.FreshUntil);
        long until = anchor.ToWall(Math.Min(CacheClock.After(now, window), end));
        var value = new DistributedValue(DistributedValueSerializer.BytesIn(stored.Body.Span), window, end, dueAt: now);
        return records.Restore(stored with { FreshUntil = until, StaleWhileRevalidateUntil = until, StaleIfErrorUntil = until }, value, anchor);
    }
}
