namespace Larder.AspNetCore.Rfc9111;

/// <summary>When a response forbids its use while stale (RFC 9111 §4.2.4).</summary>
internal static class Staleness
{
    /// <summary>
    /// Stale use is forbidden unless the response itself grants a window: no-cache, must-revalidate, proxy-revalidate,
    /// and s-maxage, which implies the latter (§5.2.2.10).
    /// </summary>
    public static bool Forbids(in CacheControl cc) => ForbidsWindows(cc) || cc.SMaxAge is not null;

    /// <summary>
    /// Even the windows of RFC 5861 are void. What s-maxage merely implies does not void a window that stands in the
    /// same field: <c>s-maxage=60, stale-while-revalidate=300</c> means what it says, as in every other shared cache.
    /// </summary>
    public static bool ForbidsWindows(in CacheControl cc) => cc.NoCache || cc.MustRevalidate || cc.ProxyRevalidate;

    /// <summary>How long the response has been stale; negative while it is fresh. Can't overflow.</summary>
    public static TimeSpan Of(in StoredFacts s, TimeSpan currentAge) =>
        DeltaSeconds.Clamp(currentAge) - DeltaSeconds.Clamp(s.Lifetime);
}
