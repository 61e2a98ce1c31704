namespace Larder;

/// <summary>Until when a strict node may serve from memory (docs/invalidation.md, R-26 and R-28).</summary>
/// <remarks>
/// Invariants.
/// 1. It lives until a span after a renewal was <em>sent</em>, by the precise monotonic clock, which is read at each look: whoever waits
///    counts a longer span from when it saw that renewal.
/// 2. A renewal counts only if nothing has made memory unproven since it was sent (<see cref="_doubts"/>, under <see cref="_gate"/>).
/// 3. Readers ask it before they read the index; it is written after what it rests on has taken effect there.
/// Its virtual members are where tests break it.
/// </remarks>
internal class HitLease(CacheClock clock)
{
    /// <summary>Milliseconds after which others may give a lease up that was not renewed.</summary>
    public const long Length = 5000;
    /// <summary>For how long its own node relies on it: less, for clocks that run a little differently, and that count in steps.</summary>
    public const long OwnLength = 4500;

    private readonly Lock _gate = new();
    private long _until = long.MinValue;
    private long _doubts;
    private bool _isOver;

    /// <summary>Whether what memory holds may be served.</summary>
    public virtual bool Lives => clock.Now < Volatile.Read(ref _until);

    /// <summary>Noted before a renewal is sent.</summary>
    public long Doubts => Interlocked.Read(ref _doubts);

    /// <summary>Whether it was renewed since memory was last made unproven; it may be over by now.</summary>
    protected bool WasRenewed => Volatile.Read(ref _until) != long.MinValue;

    /// <summary>From when a renewal counts.</summary>
    /// <param name="sent">Milliseconds on the <see cref="CacheClock"/>, before it was sent.</param>
    /// <param name="answered">The same when its answer was there.</param>
    protected virtual long CountedFrom(long sent, long answered) => sent;

    /// <summary>A renewal was answered, and memory is proven as far as that asks for.</summary>
    /// <param name="doubts">As noted before it was sent.</param>
    public void Renew(long sent, long doubts)
    {
        long until = CountedFrom(sent, clock.Now) + OwnLength;
        lock (_gate)
            if (!_isOver && doubts == _doubts) Volatile.Write(ref _until, until);
    }

    /// <summary>Memory is unproven from now on: renewals that are under way do not count.</summary>
    public void Doubt()
    {
        lock (_gate)
        {
            Interlocked.Increment(ref _doubts);
            Volatile.Write(ref _until, long.MinValue);
        }
    }

    /// <summary>The node serves nothing any more.</summary>
    public void End()
    {
        lock (_gate)
        {
            _isOver = true;
            Volatile.Write(ref _until, long.MinValue);
        }
    }
}
