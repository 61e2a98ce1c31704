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
            // One operation needs no batch, and has none where all are in use.
            CompletionBatch? batch = Math.Min(size, left.Length) > 1 ? Free() : null;
            int count = batch is null ? 1 : Math.Min(size, left.Length);
            last = batch is null ? left[0] : batch.Begin(left[..count]);
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
