namespace Larder;

/// <summary>Which entries make room for others.</summary>
public enum EntryPriority : byte
{
    /// <summary>The cache decides by how entries are used.</summary>
    Normal,
    /// <summary>
    /// Only when nothing else is left: the limits of the cache hold all the same. Where such entries fill it, the oldest
    /// of them make room, also for normal ones. Lifetime and invalidations are as of any entry.
    /// </summary>
    NeverEvict,
}

/// <summary>How one entry is kept.</summary>
public sealed record EntryOptions
{
    /// <summary>How long the entry lives; the cache's default when null. Must be positive.</summary>
    public TimeSpan? Ttl { get; init; }

    /// <summary>
    /// Names that invalidate the entry, hierarchical by <c>:</c>: invalidating <c>user:123</c> covers <c>user:123:profile</c>.
    /// </summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>Whose data it is; <see cref="Invalidation.User(string)"/> removes everything kept for a user.</summary>
    public string? User { get; init; }

    /// <summary>
    /// Hands out one instance to all callers although its type is mutable. Only for values that nobody changes: the
    /// default serializes such values and gives each caller a copy.
    /// </summary>
    public bool ShareInstance { get; init; }

    /// <summary>The size in bytes, when it is known better than the cache can estimate it; not negative.</summary>
    public long? Size { get; init; }

    /// <summary>Whether it makes room for others; normal by default.</summary>
    public EntryPriority Priority { get; init; }

    /// <summary>A limit of the caller's own on the value's size in bytes, below the cache's.</summary>
    internal long MaxBytes { get; init; } = long.MaxValue;

    /// <summary>The part of the key that patterns are matched against; the whole key by default.</summary>
    internal Range PatternSubject { get; init; } = Range.All;
}
