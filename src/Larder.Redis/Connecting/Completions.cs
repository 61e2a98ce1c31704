using System.Runtime.InteropServices;

namespace Larder.Redis;

/// <summary>Lets the callers of answered operations go on: those of one read together in few batches, as a thread that is woken for each costs more than what it does.</summary>
/// <remarks>What is added and dispatched belongs to whoever reads; looks come from elsewhere.</remarks>
internal sealed class Completions
{
    private const int MostBatches = 64;

    private readonly CompletionBatch?[] _batches = new CompletionBatch?[MostBatches];
    private readonly List<Operation> _ended = [];

    /// <summary>Whether callers wait behind others.</summary>
    public bool AnyInUse => Array.Exists(_batches, static batch => batch is { IsInUse: true });

    public void Add(Operation operation) => _ended.Add(operation);

    /// <summary>Gives what was added to the thread pool, but for the last batch.</summary>
    /// <returns>That one, for the thread that reads when the next read is under way without it; null where nothing was added.</returns>
    public IThreadPoolWorkItem? Dispatch()
    {
        IThreadPoolWorkItem? last = null;
        // Small enough that all processors have something to do.
        int size = Math.Clamp(_ended.Count / (2 * Environment.ProcessorCount), 1, CompletionBatch.Most);
        for (ReadOnlySpan<Operation> left = CollectionsMarshal.AsSpan(_ended); left.Length > 0;)
        {
            if (last is not null) ThreadPool.UnsafeQueueUserWorkItem(last, preferLocal: false);
            int count = Math.Min(size, left.Length);
            last = count > 1 && Free() is { } batch ? Begun(batch, left[..count]) : left[(count = 1) - 1];
            left = left[count..];
        }
        _ended.Clear();
        return last;
    }

    /// <summary>Looks for callers that are held up by others.</summary>
    public void Look()
    {
        foreach (CompletionBatch? batch in _batches) batch?.Look();
    }

    /// <summary>Nobody will look any more.</summary>
    public void Scatter()
    {
        foreach (CompletionBatch? batch in _batches) batch?.Scatter();
    }

    private static CompletionBatch Begun(CompletionBatch batch, ReadOnlySpan<Operation> operations)
    {
        batch.Begin(operations);
        return batch;
    }

    private CompletionBatch? Free()
    {
        foreach (ref CompletionBatch? batch in _batches.AsSpan())
        {
            if (batch is null) Volatile.Write(ref batch, new());
            if (!batch.IsInUse) return batch;
        }
        return null;
    }
}
