namespace Larder;

/// <summary>The refreshes that a cache has under way in the background: not too many at once, and none after its end.</summary>
/// <remarks>
/// Invariants.
/// 1. There are never more than <see cref="Most"/> runs. One more is not begun and not queued: the value is still there, and
///    the next hit asks again.
/// 2. A run takes its place before it starts and gives it back when it has ended, whatever ended it: a factory that ignores
///    its token gives it back when its limit is over.
/// 3. After <see cref="Dispose"/> none begins, and the tokens of those under way are cancelled. Their limits stay.
/// </remarks>
internal sealed class Refreshes : IDisposable
{
    /// <summary>A soft invalidation makes thousands of entries due at once; their source is not asked for all of them at once.</summary>
    public static readonly int Most = Math.Max(16, 4 * Environment.ProcessorCount);

    private readonly Lock _changing = new();
    private readonly HashSet<FillRun> _runs = [];
    private volatile bool _mayBegin = true;
    private bool _isDisposed;

    /// <summary>A look without a lock, for hits: whether it is worth trying.</summary>
    public bool MayBegin => _mayBegin;

    public bool TryBegin(FillRun run)
    {
        lock (_changing)
        {
            if (!_mayBegin) return false;
            _runs.Add(run);
            _mayBegin = _runs.Count < Most;
        }
        run.TakesPlaceIn(this);
        return true;
    }

    public void End(FillRun run)
    {
        lock (_changing)
        {
            _runs.Remove(run);
            _mayBegin = !_isDisposed;
        }
    }

    public void Dispose()
    {
        FillRun[] underWay;
        lock (_changing)
        {
            (_isDisposed, _mayBegin) = (true, false);
            underWay = [.. _runs];
        }
        foreach (FillRun run in underWay) run.CancelToken();
    }
}
