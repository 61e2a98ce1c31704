namespace Larder;

/// <summary>
/// The memory store's lock, and what is removed while it is held: the listener is told of that when it is free again.
/// </summary>
/// <remarks>
/// One hold at a time fills <see cref="_removed"/>; it takes the list with it when it ends. Lists are used again, so that a
/// write allocates nothing for them.
/// </remarks>
internal sealed class StoreGate(Action<Entry, RemovalCause>? listener)
{
    /// <summary>A list that grew over this is not kept.</summary>
    private const int LargestKept = 256;

    private readonly Lock _lock = new();
    private List<(Entry Entry, RemovalCause Cause)> _removed = [];
    private List<(Entry Entry, RemovalCause Cause)>? _spare;

    /// <summary>Waits for the gate; it is free again when the hold is disposed of.</summary>
    public Hold Enter()
    {
        _lock.Enter();
        return new(this);
    }

    /// <summary>Notes that an entry was removed in the present hold.</summary>
    public void Note_NeedsGate(Entry entry, RemovalCause cause)
    {
        if (listener is not null) _removed.Add((entry, cause));
    }

    private void Exit()
    {
        List<(Entry, RemovalCause)>? removed = null;
        // A listener may write in turn: it finds another list.
        if (_removed.Count > 0) (removed, _removed) = (_removed, Interlocked.Exchange(ref _spare, null) ?? []);
        _lock.Exit();
        if (removed is not null) Tell(removed);
    }

    private void Tell(List<(Entry Entry, RemovalCause Cause)> removed)
    {
        foreach ((Entry entry, RemovalCause cause) in removed) listener!(entry, cause);
        if (removed.Count > LargestKept) return;
        removed.Clear();
        Volatile.Write(ref _spare, removed);
    }

    /// <summary>One hold of the gate.</summary>
    public readonly ref struct Hold(StoreGate gate)
    {
        /// <summary>Frees the gate, then tells what was removed.</summary>
        public void Dispose() => gate.Exit();
    }
}
