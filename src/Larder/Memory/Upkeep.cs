using System.Diagnostics;

namespace Larder;

/// <summary>
/// Frees memory once a second: what has expired, and what an invalidation covers. Nothing depends on it but memory:
/// readers judge for themselves.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. One sweep at a time, of whoever holds <see cref="_sweeping"/>, and none within another: listeners run in a sweep, and
///    what they invalidate would begin the next one, a level deeper with each entry.
/// 2. Nobody waits without end, since a listener may hold a sweep up: the timer not at all, the others for a limited time, and
///    then they go on without a sweep.
/// 3. After an event above the index's bound the timer is rung once, not again before a sweep has ended.
/// </remarks>
internal sealed class Upkeep : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);
    /// <summary>How long an event waits for a sweep that does not keep up.</summary>
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(1);
    /// <summary>A wait for the lock can't be cancelled: it is asked so often whether it was.</summary>
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(50);

    private readonly MemoryStore _memory;
    private readonly InvalidationIndex _index;
    private readonly CacheClock _clock;
    private readonly ITimer _timer;
    private readonly Lock _sweeping = new();
    private long _sweptUpTo;
    private int _hastened;

    public Upkeep(MemoryStore memory, InvalidationIndex index, CacheClock clock, TimeProvider time)
    {
        (_memory, _index, _clock) = (memory, index, clock);
        var round = new Round(this);
        round.Timer = _timer = DetachedTimer.Create(time, static round => ((Round)round!).Run(), round, Interval, Interval);
    }

    /// <summary>What the timer holds: not the cache, so that one that nobody disposed of can be collected.</summary>
    private sealed class Round(Upkeep upkeep)
    {
        private readonly WeakReference<Upkeep> _upkeep = new(upkeep);

        public ITimer? Timer { get; set; }

        public void Run()
        {
            if (_upkeep.TryGetTarget(out Upkeep? upkeep)) upkeep.Run();
            else Timer?.Dispose();
        }
    }

    public void Run()
    {
        _memory.DropExpired(_clock.Now);
        if (!TryBegin(TimeSpan.Zero)) return;
        try
        {
            Sweep();
        }
        finally
        {
            _sweeping.Exit();
        }
    }

    /// <summary>Asks for the next round at once, on the timer's own thread.</summary>
    public void Hasten()
    {
        if (Volatile.Read(ref _hastened) == 0 && Interlocked.Exchange(ref _hastened, 1) == 0) _timer.Change(TimeSpan.Zero, Interval);
    }

    /// <summary>Waits for the sweep that is under way, as long as may be, and sweeps itself where that was not enough.</summary>
    public void CatchUp()
    {
        if (!TryBegin(LongestDelay)) return;
        try
        {
            if (_index.ShouldPrune) Sweep();
        }
        finally
        {
            _sweeping.Exit();
        }
    }

    /// <summary>
    /// Carries out <paramref name="publish"/> and returns how many entries it ended, apart from what had ended before; null
    /// where that could not be counted: within another sweep, when another one did not end in time, and when it was
    /// cancelled meanwhile.
    /// </summary>
    /// <exception cref="OperationCanceledException">It was cancelled before anything was published.</exception>
    public int? Count(Action publish, CancellationToken cancellationToken)
    {
        // Another sweep would take part of the count.
        if (!TryBegin(cancellationToken))
        {
            publish();
            return null;
        }
        try
        {
            // In this order: what a soft event ended is where expiry finds it only after the sweep.
            Sweep(cancellationToken);
            _memory.DropExpired(_clock.Now);
            cancellationToken.ThrowIfCancellationRequested();
            publish();
            return TrySweep(cancellationToken);
        }
        finally
        {
            _sweeping.Exit();
        }
    }

    private bool TryBegin(CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        while (!TryBegin(Slice))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_sweeping.IsHeldByCurrentThread || Stopwatch.GetElapsedTime(start) >= LongestWait) return false;
        }
        return true;
    }

    /// <summary>Whether this thread may sweep now, and has to leave <see cref="_sweeping"/> afterwards.</summary>
    private bool TryBegin(TimeSpan patience) => !_sweeping.IsHeldByCurrentThread && _sweeping.TryEnter(patience);

    private int? TrySweep(CancellationToken cancellationToken)
    {
        try
        {
            return Sweep(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private int Sweep(CancellationToken cancellationToken = default)
    {
        long newest = _index.Newest;
        int ended = newest == _sweptUpTo ? 0 : _memory.DropInvalidated(cancellationToken);
        if (_index.ShouldPrune) _index.Forget(newest);
        _sweptUpTo = newest;
        // What came while it was swept has not rung the timer: a thousand events would do that a thousand times for nothing. The
        // next one does, or the next round comes by itself.
        Volatile.Write(ref _hastened, 0);
        return ended;
    }

    public void Dispose() => _timer.Dispose();
}
