namespace Larder;

/// <summary>
/// One instant on two clocks, which converts between them: the cache's own (milliseconds since it was made) and the
/// wall's (Unix time in milliseconds). <see cref="long.MaxValue"/> means never on both.
/// </summary>
/// <param name="Wall">The instant in Unix time, milliseconds.</param>
/// <param name="Cache">The same instant on the <see cref="CacheClock"/>.</param>
internal readonly record struct ClockAnchor(long Wall, long Cache)
{
    public static ClockAnchor Now(TimeProvider time, CacheClock clock) => new(time.GetUtcNow().ToUnixTimeMilliseconds(), clock.Now);

    public long ToWall(long cacheTime) => cacheTime == long.MaxValue ? long.MaxValue : Saturated(Wall, cacheTime - Cache);

    /// <summary>An instant of the wall's clock, before or after this one.</summary>
    public long ToCache(long wallTime) => wallTime == long.MaxValue ? long.MaxValue : Saturated(Cache, wallTime - Wall);

    /// <summary>
    /// When something created at <paramref name="created"/> and lasting until <paramref name="until"/>, both by the wall,
    /// ends here. A wall clock that was set back before its creation adds nothing to its lifetime.
    /// </summary>
    public long EndOf(long created, long until) =>
        until == long.MaxValue ? long.MaxValue : Saturated(Cache, until - Math.Max(Wall, created));

    /// <summary>When something created at <paramref name="created"/> by the wall was created here: now, if that is still to come.</summary>
    public long StartOf(long created) => Saturated(Cache, Math.Min(0, created - Wall));

    /// <summary>The milliseconds of a window that follows the freshness.</summary>
    public static long Between(long freshUntil, long until) => until == long.MaxValue && freshUntil != long.MaxValue ? long.MaxValue : until - freshUntil;

    private static long Saturated(long at, long by) => by > 0 && at > long.MaxValue - by ? long.MaxValue : at + by;
}
