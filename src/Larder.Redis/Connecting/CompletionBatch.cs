namespace Larder.Redis;

/// <summary>Some of the operations that one read has answered: their callers go on one after the other, on one thread.</summary>
/// <remarks>
/// Invariants.
/// 1. An operation is completed by whoever takes it out of its place, so once: the thread that runs the batch, or one that scatters the rest.
/// 2. A caller that blocks holds the others up until the next look finds that nothing went on, and not longer.
/// </remarks>
internal sealed class CompletionBatch : IThreadPoolWorkItem
{
    public const int Most = 16;

    private readonly Operation?[] _operations = new Operation?[Most];
    private int _count;
    private int _taken;
    private int _takenAtLook;
    private volatile bool _isInUse;

    public bool IsInUse => _isInUse;

    /// <summary>Fills it; it may not be in use.</summary>
    /// <param name="operations">At most <see cref="Most"/>.</param>
    public CompletionBatch Begin(ReadOnlySpan<Operation> operations)
    {
        _count = operations.Length;
        // One after the other, each once: a look at the use before may still be taking what it finds.
        for (int i = 0; i < operations.Length; i++) Volatile.Write(ref _operations[i], operations[i]);
        // The first look at this use scatters nothing.
        _takenAtLook = _taken - 1;
        _isInUse = true;
        return this;
    }

    public void Execute()
    {
        for (int i = 0; i < _count; i++)
        {
            _taken++;
            Interlocked.Exchange(ref _operations[i], null)?.Complete();
        }
        _isInUse = false;
    }

    /// <summary>Scatters the rest if nothing was taken since the last look.</summary>
    public void Look()
    {
        if (!_isInUse) return;
        int taken = Volatile.Read(ref _taken);
        if (taken == _takenAtLook) Scatter();
        _takenAtLook = taken;
    }

    /// <summary>Gives each of the rest to a thread of the pool.</summary>
    public void Scatter()
    {
        for (int i = 0; i < Most; i++)
            if (Interlocked.Exchange(ref _operations[i], null) is { } operation) ThreadPool.UnsafeQueueUserWorkItem(operation, preferLocal: false);
    }
}
