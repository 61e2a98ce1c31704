namespace Larder.AspNetCore.Rfc9111;

/// <summary>Where a freshness lifetime comes from.</summary>
internal enum FreshnessSource : byte
{
    /// <summary>There is none: the response is stale from the start.</summary>
    None,
    /// <summary>The response directive <c>s-maxage</c>.</summary>
    SMaxAge,
    /// <summary>The response directive <c>max-age</c>.</summary>
    MaxAge,
    /// <summary><c>Expires</c> less <c>Date</c>.</summary>
    Expires,
    /// <summary>A rule of the configuration.</summary>
    Rule,
    /// <summary>A tenth of the time since the last modification.</summary>
    Heuristic,
}

/// <summary>A freshness lifetime and where it comes from.</summary>
/// <param name="Value">From zero to 2^31 seconds.</param>
/// <param name="Source">Where it comes from.</param>
internal readonly record struct FreshnessLifetime(TimeSpan Value, FreshnessSource Source);

/// <summary>Freshness lifetime and age of a response in a shared cache (RFC 9111 §4.2). Saturates, never throws.</summary>
internal static class Freshness
{
    private static readonly TimeSpan HeuristicCap = TimeSpan.FromHours(24);

    /// <summary>
    /// The lifetime: s-maxage, max-age, Expires (§4.2.1); where the origin says nothing, the rule's; else a tenth of
    /// Date less Last-Modified, at most a day (§4.2.2).
    /// </summary>
    /// <param name="r">The response.</param>
    /// <param name="responseTime">When it came; stands for an absent or invalid <c>Date</c>.</param>
    /// <param name="ruleTtl">The rule's lifetime, or null.</param>
    /// <remarks>
    /// The origin has spoken, too, when it says no-cache or, without Cache-Control, <c>Pragma: no-cache</c>. Rule and
    /// heuristic hold only for codes that may be cached without explicit freshness, or with <c>public</c>; a rule's also for errors, which it
    /// then names.
    /// </remarks>
    public static FreshnessLifetime Lifetime(in ResponseFacts r, DateTimeOffset responseTime, TimeSpan? ruleTtl)
    {
        CacheControl cc = r.CacheControl;
        DateTimeOffset date = r.Date ?? responseTime;
        if (cc.SMaxAge is { } sMaxAge) return new(DeltaSeconds.ToSpan(sMaxAge), FreshnessSource.SMaxAge);
        if (cc.MaxAge is { } maxAge) return new(DeltaSeconds.ToSpan(maxAge), FreshnessSource.MaxAge);
        if (r.HasExpires)
            return new(r.Expires is { } expires ? DeltaSeconds.Clamp(expires - date) : TimeSpan.Zero, FreshnessSource.Expires);
        if (cc.NoCache || r.PragmaNoCache) return default;
        if (!cc.Public && !StatusCodes.IsHeuristicallyCacheable(r.Status) && !(ruleTtl is not null && r.Status >= 400)) return default;
        if (ruleTtl is { } ttl) return new(DeltaSeconds.Clamp(ttl), FreshnessSource.Rule);
        if (r.LastModified is not { } modified || modified >= date) return default;
        TimeSpan tenth = (date - modified) / 10;
        return new(tenth < HeuristicCap ? tenth : HeuristicCap, FreshnessSource.Heuristic);
    }

    /// <summary>
    /// <c>corrected_initial_age</c> (§4.2.3): the greater of the apparent age and Age plus the time the exchange took;
    /// from zero to 2^31 seconds.
    /// </summary>
    public static TimeSpan InitialAge(in ResponseFacts r, DateTimeOffset requestTime, DateTimeOffset responseTime)
    {
        TimeSpan apparent = DeltaSeconds.Clamp(responseTime - (r.Date ?? responseTime));
        TimeSpan delay = DeltaSeconds.Clamp(responseTime - requestTime);
        TimeSpan corrected = DeltaSeconds.Clamp(DeltaSeconds.ToSpan(r.Age) + delay);
        return apparent > corrected ? apparent : corrected;
    }
}
