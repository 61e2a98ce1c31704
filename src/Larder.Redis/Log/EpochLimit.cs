namespace Larder.Redis;

/// <summary>Leaves Redis alone for a while where one epoch follows another: something there loses the log again and again. One thread uses it.</summary>
internal sealed class EpochLimit(TimeProvider time)
{
    /// <summary>So many new ones within <see cref="Window"/> are enough.</summary>
    private const int Most = 3;

    private readonly Queue<long> _changes = new();
    private ulong _last;

    /// <summary>In which the changes are counted, and for which Redis is left alone then.</summary>
    public static TimeSpan Window => TimeSpan.FromMinutes(1);

    /// <summary>This epoch was found, or begun. The first one is no change.</summary>
    /// <returns>Whether it may be followed.</returns>
    public bool Accepts(ulong epoch)
    {
        if (epoch == _last) return true;
        bool isFirst = _last == 0;
        _last = epoch;
        if (isFirst) return true;
        while (_changes.TryPeek(out long oldest) && time.GetElapsedTime(oldest) > Window) _changes.Dequeue();
        _changes.Enqueue(time.GetTimestamp());
        if (_changes.Count <= Most) return true;
        _changes.Clear();
        return false;
    }
}
