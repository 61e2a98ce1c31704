namespace Larder;

/// <summary>
/// Frees memory once a second: what has expired, and what an invalidation covers. Nothing depends on it but memory:
/// readers judge for themselves.
/// </summary>
internal sealed class Upkeep : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly MemoryStore _memory;
    private readonly InvalidationIndex _index;
    private readonly CacheClock _clock;
    private readonly ITimer _timer;
    private long _sweptUpTo;
    private int _sweeping;

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
        _memory.DropExpired(_clock.Now);
        long newest = _index.Newest;
        // One sweep at a time is enough, however many threads invalidate; it is no lock, for listeners run within.
        if (newest == Volatile.Read(ref _sweptUpTo) || Interlocked.Exchange(ref _sweeping, 1) != 0) return;
        try
        {
            _memory.DropInvalidated();
            if (_index.ShouldPrune) _index.Forget(newest);
            Volatile.Write(ref _sweptUpTo, newest);
        }
        finally
        {
            Volatile.Write(ref _sweeping, 0);
        }
    }

    public void Dispose() => _timer.Dispose();
}
