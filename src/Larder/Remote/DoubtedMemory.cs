namespace Larder;

/// <summary>
/// Makes memory unproven: it may hold what an event that was not seen has ended. All of it becomes stale at once; what
/// is still stale by that after five seconds, because nobody has refreshed it, is removed. On a strict node all of it is ended at once.
/// </summary>
internal sealed class DoubtedMemory(LocalReceiver receiver, MemoryStore memory, InvalidationIndex index, CacheClock clock, TimeProvider time, HitLease? lease = null) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Queue<long> _doubts = new();
    private ITimer? _timer;
    private bool _isDisposed;
    private long _count;
    private int _open;

    /// <summary>How often memory was made unproven.</summary>
    public long Count => Volatile.Read(ref _count);

    /// <summary>Whether memory may still answer, as stale, with what an event has ended that was not seen.</summary>
    public bool IsInDoubt => Volatile.Read(ref _open) > 0;

    public void Doubt()
    {
        long now = clock.Now;
        Interlocked.Increment(ref _count);
        if (lease is not null)
        {
            lease.Doubt();
            receiver.Follow(Invalidation.All);
            return;
        }
        Interlocked.Increment(ref _open);
        receiver.Follow(Invalidation.All.Soft());
        lock (_gate)
        {
            if (_isDisposed) return;
            _doubts.Enqueue(now);
            if (_doubts.Count > 1) return;
            _timer ??= DetachedTimer.Create(time, static memory => ((DoubtedMemory)memory!).Remove(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _timer.Change(Patience, Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _timer?.Dispose();
        }
    }

    private void Remove()
    {
        long doubted;
        lock (_gate)
        {
            if (_isDisposed || !_doubts.TryDequeue(out doubted)) return;
            // Those that came while this one was waiting are dealt with each in its time.
            if (_doubts.TryPeek(out long next)) _timer!.Change(TimeSpan.FromMilliseconds(Math.Max(0, next + (long)Patience.TotalMilliseconds - clock.Now)), Timeout.InfiniteTimeSpan);
        }
        // Asked of the index first, for it may end the freshness. An entry that was brought since then was made or proved since then, but for
        // those from Redis, which are older than their coming: they cost a fill.
        foreach (Entry entry in memory.Entries)
            if (entry.CreatedAt <= doubted && (!index.IsCurrent(entry) || !entry.IsFresh(clock.Now))) memory.Drop(entry, RemovalCause.Invalidated);
        Interlocked.Decrement(ref _open);
    }
}
