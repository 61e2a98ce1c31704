namespace Larder;

/// <summary>
/// Whether a cache outlives its process in a file. The file holds the cached data in the clear; only its owner may read
/// it (mode 600).
/// </summary>
public sealed class SnapshotOptions
{
    /// <summary>The file; null, the default, for none. Written when the host stops, read before it serves.</summary>
    public string? Path { get; set; }

    /// <summary>
    /// How often the file is written besides; null, the default, for never. Without it a snapshot is read once and
    /// removed, so that after a crash the cache is cold and forgets nothing. With it a crash leaves the last snapshot,
    /// and the next start forgets what was written or invalidated since: values may then be outdated for as long as
    /// they live. 1 second to 7 days.
    /// </summary>
    public TimeSpan? Interval { get; set; }

    /// <summary>Largest file, in bytes: of a larger cache the hottest entries are written, a larger file is not read. 1 GiB by default.</summary>
    public long MaxBytes { get; set; } = 1L << 30;

    /// <summary>Whose snapshot it is: a file of another owner is not read. The program's and the cache's name by default.</summary>
    public string? Owner { get; set; }
}
