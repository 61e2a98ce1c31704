namespace Larder.Redis;

/// <summary>
/// Leaves Redis alone for a while where one epoch follows another: something there loses the log again and again, and each time all that is cached
/// counts for nothing. A few restarts and failovers cost no pause. From then on each costs twice the one before, until a while was quiet. One thread uses it.
/// </summary>
internal sealed class EpochLimit(TimeProvider time)
{
    /// <summary>So many new ones cost nothing.</summary>
    private const int Free = 3;

    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromMinutes(1);

    private ulong _last;
    private int _changes;
    private long _pausedUntil;

    /// <summary>After so long with one epoch, pauses not counted, what was before is forgotten.</summary>
    public static TimeSpan Quiet => TimeSpan.FromMinutes(1);

    /// <summary>This epoch was found, or begun. The first one is no change.</summary>
    /// <returns>How long it is to be left alone before it is followed; asked again about the same, it is zero.</returns>
    public TimeSpan PauseBefore(ulong epoch)
    {
        if (epoch == _last) return TimeSpan.Zero;
        bool isFirst = _last == 0;
        _last = epoch;
        if (isFirst) return TimeSpan.Zero;
        if (_changes > 0 && time.GetElapsedTime(_pausedUntil) > Quiet) _changes = 0;
        _changes++;
        TimeSpan pause = TimeSpan.Zero;
        if (_changes > Free) pause = Shortest * Math.Pow(2, Math.Min(_changes - Free - 1, 16));
        if (pause > Longest) pause = Longest;
        _pausedUntil = time.GetTimestamp() + (long)(pause.TotalSeconds * time.TimestampFrequency);
        return pause;
    }
}
