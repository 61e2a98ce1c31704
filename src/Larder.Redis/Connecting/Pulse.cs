namespace Larder.Redis;

/// <summary>
/// A timer that ticks fast while something waits and slowly otherwise, so that an idle connection costs next to nothing. Not safe for
/// threads: whoever owns it calls it under a gate, also from the tick.
/// </summary>
internal sealed class Pulse : IDisposable
{
    /// <summary>How late a deadline may be noticed, beside what the system's timers add.</summary>
    public static readonly TimeSpan Fast = TimeSpan.FromMilliseconds(10);
    public static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(500);
    /// <summary>So many fast ticks without anything to wait for, and it slows down: callers that come one after the other should not set it each time.</summary>
    private const int QuietTicks = 50;

    private readonly ITimer _timer;
    private bool _isFast;
    private int _quiet;

    public Pulse(TimeProvider time, Action tick) => _timer = time.CreateTimer(static tick => ((Action)tick!)(), tick, Slow, Slow);

    /// <summary>Something waits.</summary>
    public void Quicken()
    {
        _quiet = 0;
        if (_isFast) return;
        _isFast = true;
        _timer.Change(Fast, Fast);
    }

    /// <summary>At a tick nothing was waiting.</summary>
    public void Calm()
    {
        if (!_isFast || ++_quiet < QuietTicks) return;
        _isFast = false;
        _timer.Change(Slow, Slow);
    }

    public void Dispose() => _timer.Dispose();
}
