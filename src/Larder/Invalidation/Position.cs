namespace Larder;

/// <summary>
/// A place in the invalidation log. Positions of one epoch are totally ordered by their ordinal; positions of
/// different epochs can't be compared, for the log between them may have been lost.
/// </summary>
/// <param name="Epoch">Which life of the log; random.</param>
/// <param name="Ordinal">The how-manieth event of that life, from 1.</param>
public readonly record struct Position(ulong Epoch, long Ordinal);

/// <summary>
/// The newest position a cache had seen before a value began to be made. An entry is current only if nothing that
/// covers it is newer than its stamp: a fill that raced an invalidation is stale by construction.
/// </summary>
public readonly record struct Stamp
{
    internal Stamp(long ordinal, long begun)
    {
        Ordinal = ordinal;
        Begun = begun;
    }

    internal long Ordinal { get; }

    /// <summary>The how-manieth fill of its cache: of two values of a key the one begun later is the newer.</summary>
    internal long Begun { get; }
}
