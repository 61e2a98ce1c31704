namespace Larder;

/// <summary>Figures of one cache since it was made.</summary>
/// <param name="Hits">Lookups that found a value.</param>
/// <param name="Misses">Lookups that found none.</param>
/// <param name="Evictions">Entries that made room for others.</param>
/// <param name="Expirations">Entries whose time was over when they were removed.</param>
/// <param name="Entries">Entries in memory now; expired ones count until they are removed.</param>
/// <param name="ExpiredEntries">How many of them have expired.</param>
/// <param name="Bytes">Their estimated size.</param>
/// <param name="MaxEntries">The limit of <paramref name="Entries"/>.</param>
/// <param name="MaxBytes">The limit of <paramref name="Bytes"/>.</param>
public sealed record CacheStatistics(
    long Hits, long Misses, long Evictions, long Expirations, int Entries, int ExpiredEntries, long Bytes, int MaxEntries, long MaxBytes)
{
    /// <summary>Hits among hits and misses, 0 to 1; 0 before the first. Callers that waited for another fill count as neither.</summary>
    public double HitRate => Hits + Misses == 0 ? 0 : (double)Hits / (Hits + Misses);

    /// <summary>Used entries or bytes, whichever is nearer to its limit, 0 to 1.</summary>
    public double Utilisation => Math.Max(
        MaxEntries == 0 ? 0 : (double)Entries / MaxEntries,
        MaxBytes == 0 ? 0 : (double)Bytes / MaxBytes);
}
