namespace Larder;

/// <summary>
/// The engine's own timeline: milliseconds since the cache was made, monotonic, so that a wall clock that is set back
/// or forward neither revives nor kills an entry. Wall-clock instants are derived from it, never the other way round.
/// </summary>
internal sealed class CacheClock
{
    private readonly TimeProvider _time;
    private readonly bool _isSystem;
    private readonly long _start;

    public CacheClock(TimeProvider time)
    {
        _time = time;
        _isSystem = ReferenceEquals(time, TimeProvider.System);
        _start = _isSystem ? Environment.TickCount64 : time.GetTimestamp();
    }

    /// <summary>Milliseconds since the clock was made. The system's tick count is read directly: a quarter of the price of a timestamp.</summary>
    public long Now => _isSystem
        ? Environment.TickCount64 - _start
        : (long)_time.GetElapsedTime(_start).TotalMilliseconds;

    /// <summary>The wall clock, for instants that callers name.</summary>
    public DateTimeOffset UtcNow => _time.GetUtcNow();

    /// <summary>The same as <see cref="Now"/> for hits: up to some ten milliseconds late (see <see cref="CoarseTime"/>), at a tenth of the price.</summary>
    public long Coarse => _isSystem ? CoarseTime.Milliseconds - _start : Now;

    /// <summary>The instant that lies <paramref name="span"/> after <paramref name="now"/>; <see cref="long.MaxValue"/>, never, where no time span could tell what is left.</summary>
    public static long After(long now, TimeSpan span)
    {
        const long Longest = long.MaxValue / TimeSpan.TicksPerMillisecond;
        (long ms, long rest) = Math.DivRem(span.Ticks, TimeSpan.TicksPerMillisecond);
        if (rest > 0) ms++;
        return ms >= Longest ? long.MaxValue : now + ms;
    }

    /// <summary>The instant that lies <paramref name="ms"/> milliseconds after <paramref name="now"/>, where never stays never.</summary>
    public static long After(long now, long ms) => now > long.MaxValue - ms ? long.MaxValue : now + ms;
}
