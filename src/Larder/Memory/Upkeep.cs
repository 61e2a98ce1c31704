namespace Larder;

/// <summary>
/// Frees memory once a second: what has expired, and what an invalidation covers. Nothing depends on it but memory:
/// readers judge for themselves.
/// </summary>
internal sealed class Upkeep : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);
    /// <summary>How long an event waits for a sweep that does not keep up.</summary>
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(1);

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
        // The timer must not carry on with the activity of whoever happened to make the cache.
        using AsyncFlowControl _ = ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow();
        var round = new Round(this);
        round.Timer = _timer = time.CreateTimer(static round => ((Round)round!).Run(), round, Interval, Interval);
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
        // Before anything is looked at: what comes from now on may ask for another round.
        Interlocked.Exchange(ref _hastened, 0);
        _memory.DropExpired(_clock.Now);
        // One sweep at a time is enough, however many threads invalidate. Nobody waits: listeners run within.
        if (_index.Newest == Volatile.Read(ref _sweptUpTo) || !_sweeping.TryEnter()) return;
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
        if (!_sweeping.TryEnter(LongestDelay)) return;
        try
        {
            if (_index.ShouldPrune) Sweep();
        }
        finally
        {
            _sweeping.Exit();
        }
    }

    /// <summary>Carries out <paramref name="publish"/> and returns how many entries it ended, apart from what had ended before.</summary>
    /// <param name="cancellationToken">Ends the counting; whether anything was published is open then.</param>
    public int Count(Action publish, CancellationToken cancellationToken)
    {
        // Another sweep would take part of the count. A listener that waits for this thread from within one must not
        // wait for ever, so after a while the count is taken without it.
        bool alone = _sweeping.TryEnter(LongestWait);
        try
        {
            // In this order: what a soft event ended is where expiry finds it only after the sweep.
            Sweep(cancellationToken);
            _memory.DropExpired(_clock.Now);
            publish();
            return Sweep(cancellationToken);
        }
        finally
        {
            if (alone) _sweeping.Exit();
        }
    }

    private int Sweep(CancellationToken cancellationToken = default)
    {
        long newest = _index.Newest;
        int ended = newest == Volatile.Read(ref _sweptUpTo) ? 0 : _memory.DropInvalidated(cancellationToken);
        if (_index.ShouldPrune) _index.Forget(newest);
        Volatile.Write(ref _sweptUpTo, newest);
        return ended;
    }

    public void Dispose() => _timer.Dispose();
}
