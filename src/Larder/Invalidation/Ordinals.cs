namespace Larder;

/// <summary>The counter that orders all invalidations and writes of one cache on this node.</summary>
internal sealed class Ordinals
{
    private long _last;

    /// <summary>
    /// The newest ordinal given out. Read before a fill begins it is the fill's stamp: whatever was ordered up to it
    /// happened before the fill looked at its source.
    /// </summary>
    public long Last => Volatile.Read(ref _last);

    public long Next() => Interlocked.Increment(ref _last);
}
