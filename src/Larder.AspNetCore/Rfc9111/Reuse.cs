namespace Larder.AspNetCore.Rfc9111;

/// <summary>A stored response, as far as the decision on its reuse needs it.</summary>
/// <param name="Response">What was stored.</param>
/// <param name="Lifetime">Its freshness lifetime.</param>
internal readonly record struct StoredFacts(ResponseFacts Response, TimeSpan Lifetime)
{
    /// <summary>The same where something has ended the freshness at an age, if it had not ended by then (§4.2.4: a cache may treat a fresh response as stale).</summary>
    public StoredFacts StaleFrom(TimeSpan age) => age < Lifetime ? this with { Lifetime = age > TimeSpan.Zero ? age : TimeSpan.Zero } : this;
}

/// <summary>What may be done with a stored response.</summary>
internal enum ReuseKind : byte
{
    /// <summary>To the origin; conditionally where there is a validator (§4.3).</summary>
    Validate,
    /// <summary>Serve it, it is stale, and the request accepts that (§5.2.1.2).</summary>
    Stale,
    /// <summary>Serve it.</summary>
    Fresh,
}

/// <summary>What may be done with a stored response, and why.</summary>
/// <param name="Kind">What may be done.</param>
/// <param name="Reason">Why.</param>
internal readonly record struct ReuseDecision(ReuseKind Kind, Reason Reason);

/// <summary>Whether a stored response answers a request (RFC 9111 §4), once key and nominated headers match.</summary>
internal static class Reuse
{
    /// <summary>Decides. Growing age never leads back: Fresh, then Stale (if the request accepts it), then Validate.</summary>
    /// <remarks>
    /// <see cref="Reason.MissExpired"/> is the only reason with which <see cref="MayServeWhileRevalidating"/> may be
    /// asked. A request for <c>max-age=0</c> always validates: that is what browsers mean by it.
    /// </remarks>
    public static ReuseDecision Decide(in RequestFacts q, in StoredFacts s, TimeSpan currentAge)
    {
        CacheControl wanted = q.CacheControl;
        if (s.Response.CacheControl.NoCache) return new(ReuseKind.Validate, Reason.MissValidate);
        if (wanted.NoCache || q.PragmaNoCache) return new(ReuseKind.Validate, Reason.MissRequest);

        TimeSpan age = DeltaSeconds.Clamp(currentAge);
        TimeSpan staleness = Staleness.Of(s, age);
        if (wanted.MaxAge is { } maxAge && (maxAge <= 0 || age > DeltaSeconds.ToSpan(maxAge)))
            return new(ReuseKind.Validate, Reason.MissRequest);
        if (wanted.MinFresh is { } minFresh && -staleness < DeltaSeconds.ToSpan(minFresh))
            return new(ReuseKind.Validate, Reason.MissRequest);
        if (staleness < TimeSpan.Zero) return new(ReuseKind.Fresh, Reason.HitMemory);

        if (wanted.MaxStale && !Staleness.Forbids(s.Response.CacheControl)
            && (wanted.MaxStaleSeconds is not { } maxStale || staleness <= DeltaSeconds.ToSpan(maxStale)))
            return new(ReuseKind.Stale, Reason.Stale);
        // Who bounds the age without max-stale wants nothing stale (§5.2.1.1).
        bool refusesStale = wanted.MaxAge is not null || wanted.MinFresh is not null;
        return new(ReuseKind.Validate, refusesStale ? Reason.MissRequest : Reason.MissExpired);
    }

    /// <summary>Whether the status is an error in the sense of stale-if-error (RFC 5861 §4).</summary>
    public static bool IsError(int status) => status is 500 or 502 or 503 or 504;

    /// <summary>
    /// Whether the stored response may stand in for an error: within the response's stale-if-error, or the request's,
    /// or, when the origin can't be reached (§4.2.4), within <paramref name="unreachableWindow"/>; the last two only
    /// where the response does not forbid stale use.
    /// </summary>
    /// <param name="s">What is stored.</param>
    /// <param name="currentAge">Its age.</param>
    /// <param name="q">The request. Its no-cache is a preference (§5.2.1.4) and does not forbid this.</param>
    /// <param name="unreachableWindow">The configured window; zero for none.</param>
    /// <param name="unreachable">No answer came; false: an answer for which <see cref="IsError"/> holds.</param>
    public static bool MayServeStaleOnError(
        in StoredFacts s, TimeSpan currentAge, in RequestFacts q, TimeSpan unreachableWindow, bool unreachable)
    {
        CacheControl cc = s.Response.CacheControl;
        if (cc.NoCache) return false;
        TimeSpan staleness = Staleness.Of(s, currentAge);
        if (staleness < TimeSpan.Zero) return true;
        if (!Staleness.ForbidsWindows(cc) && IsWithin(staleness, cc.StaleIfError)) return true;
        if (Staleness.Forbids(cc)) return false;
        return IsWithin(staleness, q.CacheControl.StaleIfError)
            || (unreachable && unreachableWindow > TimeSpan.Zero && staleness <= unreachableWindow);
    }

    /// <summary>
    /// Whether the stored response, being stale, may be served while it is validated in the background (RFC 5861 §3).
    /// </summary>
    public static bool MayServeWhileRevalidating(in StoredFacts s, TimeSpan currentAge)
    {
        CacheControl cc = s.Response.CacheControl;
        TimeSpan staleness = Staleness.Of(s, currentAge);
        return staleness >= TimeSpan.Zero && !Staleness.ForbidsWindows(cc) && IsWithin(staleness, cc.StaleWhileRevalidate);
    }

    private static bool IsWithin(TimeSpan staleness, long? window) =>
        window is { } seconds && staleness <= DeltaSeconds.ToSpan(seconds);
}
