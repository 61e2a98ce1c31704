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

/// <summary>
/// How one entry is kept and filled. What is null is taken from <see cref="LarderOptions.DefaultEntry"/>, and where that
/// says nothing either it is off or has the default named here. Times are at most 365 days.
/// </summary>
/// <remarks>
/// The timeline of an entry: stored, fresh until <see cref="Ttl"/> is over, then within
/// <see cref="StaleWhileRevalidate"/> and <see cref="StaleIfError"/> (both counted from the end of freshness, as in
/// RFC 5861), then gone. A hard invalidation ends it at once, whatever is left of that; a soft one ends its freshness, so that
/// the windows begin then.
/// </remarks>
public sealed record EntryOptions
{
    /// <summary>How long the entry is fresh; <see cref="LarderOptions.DefaultTtl"/> when null. Positive; <see cref="TimeSpan.MaxValue"/> is for ever.</summary>
    public TimeSpan? Ttl { get; init; }

    /// <summary>
    /// The share of the lifetime, 0 to 1, that chance may take away, so that what was stored together does not expire
    /// together: 0.1 makes an hour 54 to 60 minutes. Off by default.
    /// </summary>
    public double? Jitter { get; init; }

    /// <summary>
    /// The share of the lifetime, between 0 and 1, after which a hit also starts a refresh in the background, so that
    /// entries in use never expire. Off by default.
    /// </summary>
    public double? EagerRefresh { get; init; }

    /// <summary>How long after its freshness the value is handed out at once while it is refreshed in the background. Off by default.</summary>
    public TimeSpan? StaleWhileRevalidate { get; init; }

    /// <summary>
    /// How long after its freshness the value stands in where the factory fails or is too slow; what is too slow is said by
    /// <see cref="SoftTimeout"/> and <see cref="HardTimeout"/>, without which a factory that hangs is waited for. Off by default.
    /// </summary>
    public TimeSpan? StaleIfError { get; init; }

    /// <summary>
    /// How long a caller waits for the factory before it takes the stale value, if there is one within a window; what
    /// the factory makes is stored when it comes. Off by default. A factory that blocks its thread is not bounded by it.
    /// </summary>
    public TimeSpan? SoftTimeout { get; init; }

    /// <summary>
    /// How long a run of the factory may take. Then its token is cancelled, its result is not used any more, and callers get
    /// the stale value or a <see cref="TimeoutException"/>. None by default, but
    /// 30 seconds for runs in the background; a run whose last caller took a stale value (<see cref="SoftTimeout"/>) is in the background from then on.
    /// A factory runs on its caller's thread up to its first wait: one that blocks that thread is not bounded by it.
    /// </summary>
    public TimeSpan? HardTimeout { get; init; }

    /// <summary>
    /// With the Redis tier: how long a fill waits where another node is making the value already, before it makes it itself; at most half of the time that its run may take.
    /// So a value that no node has is made once for all of them. Off by default, and of no effect in <c>GetOrCreateManyAsync</c>.
    /// </summary>
    public TimeSpan? WaitForOtherNodes { get; init; }

    /// <summary>After a failed run, how long the factory is not run again while there is a value that stands in. 2 seconds by default.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>
    /// How long a failure is remembered where no value stands in: callers get the same exception without running the
    /// factory. An invalidation of the key, of its tags or of everything ends it. Off by default.
    /// </summary>
    public TimeSpan? FailureTtl { get; init; }

    /// <summary>
    /// Whether a null is stored that a factory makes or <see cref="LarderCache.TryStore"/> is given. False by default: it is handed
    /// out, and the next caller asks again. <see cref="LarderCache.SetAsync"/> stores null whatever is said here.
    /// </summary>
    public bool? StoreNull { get; init; }

    /// <summary>
    /// Whether what a factory makes or <see cref="LarderCache.TryStore"/> is given is worth keeping; it is handed out in any case.
    /// Where the condition throws, it is not stored. Everything is by default. <see cref="LarderCache.SetAsync"/> does not ask.
    /// </summary>
    public Func<object?, bool>? StoreWhen { get; init; }

    /// <summary>
    /// Names that invalidate the entry, hierarchical by <c>:</c>: invalidating <c>user:123</c> covers <c>user:123:profile</c>.
    /// </summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>
    /// Whose data it is; <see cref="Invalidation.User(string)"/> removes everything kept for a user. At most 1,024 characters.
    /// </summary>
    /// <remarks>
    /// It does <b>not</b> separate users: two with one key share the value. Where each has a value of their own let
    /// <see cref="LarderCache.Keys"/> make the key with the user, such as <c>cache.Keys.ForEndpoint("prompt.list", user: id)</c>:
    /// that separates, and registers the user without a mention here.
    /// </remarks>
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

    /// <summary>A limit of a face's own on the bytes of the serialized value, before they are compressed.</summary>
    internal long MaxBytes { get; init; } = long.MaxValue;

    /// <summary>Why the value must not be stored, where a face knows that beforehand; <see cref="Reason.None"/> where it may.</summary>
    internal Reason Refused { get; init; }

    /// <summary>How many of the tags, from the first on, are a face's own: exact ones, which are neither checked nor counted.</summary>
    internal int OwnTags { get; init; }

    /// <summary>The part of the key that patterns are matched against; the whole key by default.</summary>
    internal Range PatternSubject { get; init; } = Range.All;
}
