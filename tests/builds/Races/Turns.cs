namespace Larder.Tests.Races;

/// <summary>
/// Runs asynchronous code on one thread, step by step: what may go on waits here, and chance decides what goes next. The
/// same seed gives the same order of steps.
/// </summary>
internal sealed class Turns(Random random) : SynchronizationContext
{
    private readonly List<(SendOrPostCallback Step, object? State)> _waiting = [];

    /// <summary>How many steps were taken.</summary>
    public long Taken { get; private set; }

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (!ReferenceEquals(Current, this)) throw new InvalidOperationException("A step came from another thread: the order would not be the seed's.");
        _waiting.Add((d, state));
    }

    /// <summary>Stands in for the thread pool.</summary>
    public static void Queue<T>(Action<T> work, T state, bool preferLocal) =>
        (Current as Turns ?? throw new InvalidOperationException("Work was queued outside of the scheduler.")).Post(_ => work(state), null);

    /// <summary>Takes steps until none is left.</summary>
    public void RunToEnd()
    {
        while (_waiting.Count > 0)
        {
            int chosen = random.Next(_waiting.Count);
            (SendOrPostCallback step, object? state) = _waiting[chosen];
            _waiting[chosen] = _waiting[^1];
            _waiting.RemoveAt(_waiting.Count - 1);
            Taken++;
            step(state);
        }
    }
}
