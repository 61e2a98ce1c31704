namespace Larder;

/// <summary>
/// Collects what is removed under the gate and tells the listener when the gate is free again. Reused by its thread, so
/// that a write allocates nothing for it.
/// </summary>
internal sealed class RemovalBatch : IDisposable
{
    /// <summary>A batch that grew over this is not kept.</summary>
    private const int LargestKept = 256;

    [ThreadStatic]
    private static RemovalBatch? _spare;

    private readonly List<(Entry Entry, RemovalCause Cause)> _removed = [];
    private Action<Entry, RemovalCause>? _listener;

    /// <summary>Starts a batch; it is told when it is disposed.</summary>
    public static RemovalBatch Begin(Action<Entry, RemovalCause>? listener)
    {
        // A listener may write in turn: then this thread's spare one is in use.
        RemovalBatch batch = _spare ?? new();
        _spare = null;
        batch._listener = listener;
        return batch;
    }

    public void Add(Entry entry, RemovalCause cause)
    {
        if (_listener is not null) _removed.Add((entry, cause));
    }

    public void Dispose()
    {
        foreach ((Entry entry, RemovalCause cause) in _removed) _listener!(entry, cause);
        bool keep = _removed.Count <= LargestKept;
        _removed.Clear();
        _listener = null;
        if (keep) _spare = this;
    }
}
