namespace Larder;

/// <summary>What becomes of a query string in a key.</summary>
public enum QueryOrder : byte
{
    /// <summary>Sorted by name, so that the order of different names does not matter; values of one name keep theirs.</summary>
    Sorted,
    /// <summary>As it was sent.</summary>
    AsSent,
}

/// <summary>How <see cref="CacheKeys"/> makes keys.</summary>
public sealed class KeyOptions
{
    /// <summary>Longest text, in characters, that stands in a key as it is; longer ones stand there as their SHA-256. 1,000 by default.</summary>
    public int MaxReadableText { get; set; } = 1000;

    /// <summary>What becomes of the query of a request; sorted by default.</summary>
    public QueryOrder QueryOrder { get; set; }

    /// <summary>Whether the making of keys is measured; on by default. Off it costs nothing.</summary>
    public bool Measure { get; set; } = true;

    /// <summary>From when on making a key counts as slow and is logged; 100 ms by default.</summary>
    public TimeSpan SlowAfter { get; set; } = TimeSpan.FromMilliseconds(100);
}
