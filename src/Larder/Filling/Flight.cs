using System.Runtime.ExceptionServices;

namespace Larder;

/// <summary>
/// What a fill brought: the value for whoever made it, and the entry from which others are given theirs. Without an entry
/// it brought nothing for those who waited, and they look again.
/// </summary>
/// <param name="Entry">Has what may invalidate it; it need not have been stored.</param>
/// <param name="Stamp">Up to which ordinal it is known to be current.</param>
/// <param name="Reason">
/// <see cref="Reason.Revalidated"/> where the factory confirmed what was stored; <see cref="Reason.HitRedis"/> where nothing was made,
/// for it was found in Redis; <see cref="Reason.MissCold"/> where the
/// factory of a batch knows no value; else none.
/// </param>
/// <param name="Unstored">Why it was not stored.</param>
internal readonly record struct Filled<T>(T Value, Entry? Entry, long Stamp, Reason Reason = Reason.None, Reason Unstored = Reason.None)
{
    /// <summary>Whether there is a value, at least for whoever made it.</summary>
    public bool IsMade => Entry is not null || Unstored != Reason.None;
}

/// <summary>One fill under way that any number of callers wait for.</summary>
/// <remarks>
/// Invariants.
/// 1. A flight ends once: by its factory's result or failure, by its limit, or because the last caller gave up. Whoever
///    gets <see cref="TryEnd"/> ends it; what comes later is not used.
/// 2. It is in the table from before its stamp is read until it has ended and stored what it brought, and leaves it
///    before that is handed out. While it is there it is told of every event of its key.
/// 3. What leaves the table before that is overtaken for good (<see cref="PushOut"/>): it is told of nothing any more.
/// </remarks>
/// <param name="isTold">Whether it will be in the table; a flight of one caller alone is in none, and marks must do for it.</param>
internal abstract class Flight(string key, FillRun run, bool isTold) : IKeyWatch
{
    private int _waiting = 1;
    private long _stamp = long.MaxValue;
    private long _newestEvent;
    private int _ended;
    private ITimer? _limit;

    public string Key { get; } = key;

    /// <summary>The newest ordinal seen before the fill began; <see cref="long.MaxValue"/> until it is read.</summary>
    public long Stamp => Volatile.Read(ref _stamp);

    public long NewestEvent => Volatile.Read(ref _newestEvent);

    /// <summary>What it is told of its key's events; null where it isn't.</summary>
    public IKeyWatch? Watch => isTold ? this : null;

    /// <summary>Whether an event of its key came after its stamp: what it makes is no use to those who come now, and is not stored.</summary>
    public bool IsOvertaken => NewestEvent > Stamp;

    public FillRun Run { get; } = run;

    /// <summary>Whether it has ended, by whatever: whoever ended it sees to what follows.</summary>
    public bool HasEnded => Volatile.Read(ref _ended) != 0;

    /// <summary>The fill begins: once, before its factory runs.</summary>
    public void Begin(long stamp)
    {
        Volatile.Write(ref _stamp, stamp);
        Run.AddFlight();
    }

    /// <summary>There was an event of its key. Never lowers what is known: who pushes the flight out may come in between.</summary>
    public void Tell(long ordinal)
    {
        for (long seen = NewestEvent; seen < ordinal;)
        {
            long before = Interlocked.CompareExchange(ref _newestEvent, ordinal, seen);
            if (before == seen) return;
            seen = before;
        }
    }

    /// <summary>It is about to leave the table before it has stored anything: whatever might happen to its key counts as having happened.</summary>
    public void PushOut() => Tell(long.MaxValue);

    /// <summary>Joins the callers; false when the last of them has left already and the fill is being cancelled.</summary>
    public bool TryJoin()
    {
        for (int seen = Volatile.Read(ref _waiting); seen >= 0;)
        {
            int before = Interlocked.CompareExchange(ref _waiting, seen + 1, seen);
            if (before == seen) return true;
            seen = before;
        }
        return false;
    }

    /// <summary>A caller gives up; the fill goes on as long as another one waits.</summary>
    /// <returns>Whether it was the last one, and the flight has ended with it.</returns>
    public bool Leave() =>
        Interlocked.Decrement(ref _waiting) == 0
        && Interlocked.CompareExchange(ref _waiting, int.MinValue, 0) == 0
        && TryEnd();

    public bool TryEnd()
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0) return false;
        Interlocked.Exchange(ref _limit, null)?.Dispose();
        return true;
    }

    /// <summary>A caller goes who needs the result no more but wants it made: it stays among those who wait, if it is the last one.</summary>
    /// <returns>Whether it was: nobody waits now.</returns>
    public bool Forsake()
    {
        for (int seen = Volatile.Read(ref _waiting); seen > 1;)
        {
            int before = Interlocked.CompareExchange(ref _waiting, seen - 1, seen);
            if (before == seen) return false;
            seen = before;
        }
        return true;
    }

    /// <summary>Calls back once when the time is over, unless the flight has ended by then; a limit of its own, beside its run's.</summary>
    public void LimitTo(TimeSpan limit, TimeProvider time, Action timedOut)
    {
        ITimer timer = time.CreateTimer(static timedOut => ((Action)timedOut!)(), timedOut, limit, Timeout.InfiniteTimeSpan);
        // It has one already if it was forsaken, joined and forsaken again.
        if (Interlocked.CompareExchange(ref _limit, timer, null) is not null) timer.Dispose();
        if (Volatile.Read(ref _ended) != 0) Interlocked.Exchange(ref _limit, null)?.Dispose();
    }
}

/// <inheritdoc/>
internal sealed class Flight<T>(string key, FillRun run, bool isTold) : Flight(key, run, isTold)
{
    private TaskCompletionSource? _waiters;
    private Filled<T> _filled;
    private ExceptionDispatchInfo? _failure;
    private int _landed;

    public bool HasLanded => Volatile.Read(ref _landed) != 0;

    /// <summary>What it brought, once it has landed without a failure.</summary>
    public Filled<T> Filled => _filled;

    /// <summary>
    /// What it failed with, once it has landed: captured once, so that each of a thousand waiters throws it with the trace of
    /// the factory and its own, not with those of all who threw before.
    /// </summary>
    public ExceptionDispatchInfo? Failure => _failure;

    /// <summary>
    /// Whether it failed because something was cancelled. That is the business of the caller whose factory it was, not of
    /// the others; a client's timeout, which comes in the same clothes, is a failure like any other.
    /// </summary>
    public bool WasCancelled => _failure is { SourceException: { } failure } && IsCancellation(failure);

    public static bool IsCancellation(Exception failure) => failure is OperationCanceledException { InnerException: not TimeoutException };

    /// <summary>Ends when the flight has landed; made only where somebody waits. Continuations run elsewhere: a thousand waiters must not run on the thread that filled.</summary>
    public Task Landing
    {
        get
        {
            TaskCompletionSource? waiters = Volatile.Read(ref _waiters);
            if (waiters is null)
            {
                var made = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                waiters = Interlocked.CompareExchange(ref _waiters, made, null) ?? made;
                // It may have landed before it saw the source; the exchange above and the one in Land are fences, so one of both sees the other.
                if (HasLanded) waiters.TrySetResult();
            }
            return waiters.Task;
        }
    }

    public void Land(Filled<T> filled)
    {
        _filled = filled;
        Land();
    }

    public void Fail(Exception failure)
    {
        _failure = ExceptionDispatchInfo.Capture(failure);
        Land();
    }

    private void Land()
    {
        Interlocked.Exchange(ref _landed, 1);
        Volatile.Read(ref _waiters)?.TrySetResult();
    }
}
