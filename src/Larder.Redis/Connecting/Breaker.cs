namespace Larder.Redis;

/// <summary>
/// Lets calls fail at once while most of them fail anyway, so that nobody waits for a server that does not answer. After a while one
/// call is let through to try.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. It is open while <c>_retryAt</c> is not zero. An answer in time closes it, whoever got it: that the server answers is all one wants to know.
/// 2. Who is let through while it is open moves <c>_retryAt</c> on, so that there is one at a time, and nobody has to give anything back:
///    one whose call came to nothing is followed by the next.
/// 3. The counts of a window are estimates: an answer that is counted while a new window begins may be lost. The failures in a row are exact up to an answer
///    that comes at the same time.
/// </remarks>
internal sealed class Breaker(RedisBreakerOptions options, TimeProvider time)
{
    private long _retryAt;
    private int _inRow;
    private long _windowEnd;
    private int _answered;
    private int _failed;

    public bool IsOpen => Volatile.Read(ref _retryAt) != 0;

    /// <summary>Whether a call may go on.</summary>
    public bool TryPass()
    {
        long retryAt = Volatile.Read(ref _retryAt);
        if (retryAt == 0) return true;
        long now = time.GetTimestamp();
        return now >= retryAt && Interlocked.CompareExchange(ref _retryAt, now + Ticks(options.OpenFor), retryAt) == retryAt;
    }

    /// <summary>An answer came in time.</summary>
    public void Answered()
    {
        _answered++;
        if (_inRow != 0) _inRow = 0;
        if (Volatile.Read(ref _retryAt) != 0) Volatile.Write(ref _retryAt, 0);
    }

    /// <summary>No answer came in time, or the connection was lost.</summary>
    public void Failed()
    {
        if (!options.Enabled) return;
        long now = time.GetTimestamp();
        if (now >= Volatile.Read(ref _windowEnd))
        {
            Volatile.Write(ref _windowEnd, now + Ticks(options.Window));
            _answered = 0;
            _failed = 0;
        }
        int failed = Interlocked.Increment(ref _failed);
        int inRow = Interlocked.Increment(ref _inRow);
        bool isShare = failed >= options.WindowFailures && failed >= options.FailureShare * (failed + (long)_answered);
        if ((inRow >= options.FailuresInRow || isShare) && !IsOpen) Interlocked.CompareExchange(ref _retryAt, now + Ticks(options.OpenFor), 0);
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);
}
