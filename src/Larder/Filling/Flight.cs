namespace Larder;

/// <summary>What a fill brought: the value for whoever made it, and the entry from which others are given theirs.</summary>
/// <param name="Entry">Has what may invalidate it; it need not have been stored.</param>
/// <param name="Stamp">Up to which ordinal it is known to be current.</param>
internal readonly record struct Filled<T>(T Value, Entry Entry, long Stamp);

/// <summary>One fill under way that any number of callers wait for.</summary>
internal abstract class Flight(long stamp)
{
    private readonly CancellationTokenSource _abandoned = new();
    private int _waiting;

    /// <summary>The newest ordinal seen before the fill began.</summary>
    public long Stamp { get; } = stamp;

    /// <summary>Cancelled when the last caller has left.</summary>
    public CancellationToken Abandoned => _abandoned.Token;

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
    public void Leave()
    {
        if (Interlocked.Decrement(ref _waiting) != 0) return;
        // The token reads cancelled at once; what the factory registered runs elsewhere, not in the caller's way.
        if (Interlocked.CompareExchange(ref _waiting, int.MinValue, 0) == 0) _ = _abandoned.CancelAsync();
    }
}

/// <inheritdoc/>
internal sealed class Flight<T>(long stamp) : Flight(stamp)
{
    // Continuations run elsewhere: a thousand waiters must not run on the thread that filled.
    private readonly TaskCompletionSource<Filled<T>> _landed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<Filled<T>> Landed => _landed.Task;

    public void Land(Filled<T> filled) => _landed.TrySetResult(filled);

    public void Fail(Exception exception)
    {
        if (!_landed.TrySetException(exception)) return;
        // Nobody may be waiting any more: the exception counts as seen.
        _ = _landed.Task.Exception;
    }
}
