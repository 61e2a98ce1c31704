namespace Larder.AspNetCore.Rfc9111;

/// <summary>Whether a response may be stored in a shared cache (RFC 9111 §3), with Larder's stricter house rules.</summary>
internal static class Storability
{
    /// <summary>Decides; <see cref="Reason.None"/> means "store it", anything else says why not.</summary>
    /// <param name="q">The request as the origin saw it.</param>
    /// <param name="r">The response.</param>
    /// <param name="declaredPublic">A rule says that the answer is the same for everybody.</param>
    /// <param name="hasRuleTtl">A rule gives a lifetime, should the origin give none.</param>
    /// <param name="isPrivateRule">The key holds the user: <c>private</c> and credentials are no obstacle.</param>
    /// <param name="storeErrors">
    /// Also store codes that a single odd request can provoke (<see cref="StatusCodes.IsProvocable"/>), since this one is not odd, or the program wants it.
    /// </param>
    public static Reason Decide(
        in RequestFacts q, in ResponseFacts r, bool declaredPublic, bool hasRuleTtl, bool isPrivateRule,
        bool storeErrors = false)
    {
        CacheControl cc = r.CacheControl;
        if (q.IsHead) return Reason.UnstoredMethod;
        if (q.CacheControl.NoStore) return Reason.UnstoredNoStore;
        if (StatusCodes.IsNeverStored(r.Status)) return Reason.UnstoredStatus;

        bool understood = StatusCodes.IsUnderstood(r.Status);
        if (cc.NoStore && !(cc.MustUnderstand && understood)) return Reason.UnstoredNoStore;
        if (cc.MustUnderstand && !understood) return Reason.UnstoredStatus;
        if (StatusCodes.IsProvocable(r.Status) && !storeErrors) return Reason.UnstoredStatus;

        if (cc.Private && !isPrivateRule) return Reason.UnstoredPrivate;
        if (r.HasSetCookie) return Reason.UnstoredSetCookie;
        if (!MayShare(q, r, declaredPublic, isPrivateRule)) return Reason.UnstoredCredentials;
        if (r.HasVaryStar) return Reason.UnstoredVary;

        // A rule that gives errors a lifetime permits storing them; others' lifetimes are for what may be cached without one.
        if (!IsPermitted(r, isPrivateRule) && !(hasRuleTtl && r.Status >= 400)) return Reason.UnstoredStatus;
        return IsOfUse(r, hasRuleTtl) ? Reason.None : Reason.UnstoredNoFreshness;
    }

    /// <summary>
    /// Whether the answer to this request may serve others, and others' answers this request. Authorization: with
    /// public, s-maxage or must-revalidate (§3.5). Cookies (house rule): with public or s-maxage. Both: when a rule
    /// declares it public, or the key holds the user.
    /// </summary>
    public static bool MayShare(in RequestFacts q, in ResponseFacts r, bool declaredPublic, bool isPrivateRule)
    {
        CacheControl cc = r.CacheControl;
        if (declaredPublic || isPrivateRule || cc.Public || cc.SMaxAge is not null) return true;
        return !q.HasCookie && (!q.HasAuthorization || cc.MustRevalidate);
    }

    /// <summary>
    /// Whether the field must not be stored with the response, because a <c>private</c> or <c>no-cache</c> directive
    /// names it (§5.2.2.4, §5.2.2.7). With a private rule only <c>no-cache</c> counts.
    /// </summary>
    public static bool IsWithheld(in CacheControl cc, string fieldName, bool isPrivateRule) =>
        Names(cc.NoCacheFields, fieldName) || (!isPrivateRule && Names(cc.PrivateFields, fieldName));

    /// <summary>Whether <see cref="IsWithheld"/> can be true at all; spares the caller the walk over all fields.</summary>
    public static bool WithholdsFields(in CacheControl cc) => cc.NoCacheFields is not null || cc.PrivateFields is not null;

    /// <summary>The last condition of §3: something that permits storing a response of this code.</summary>
    private static bool IsPermitted(in ResponseFacts r, bool isPrivateRule)
    {
        CacheControl cc = r.CacheControl;
        return StatusCodes.IsHeuristicallyCacheable(r.Status) || cc.Public || cc.MaxAge is not null
            || cc.SMaxAge is not null || r.HasExpires || (cc.Private && isPrivateRule);
    }

    /// <summary>A stored response is of use while fresh, for validation, or in a window of staleness.</summary>
    private static bool IsOfUse(in ResponseFacts r, bool hasRuleTtl)
    {
        if (r.HasValidator) return true;
        CacheControl cc = r.CacheControl;
        if (cc.NoCache) return false;
        // Without a Date the time of arrival would count; the least possible one errs on the side of storing.
        TimeSpan? rule = hasRuleTtl ? DeltaSeconds.MaxSpan : null;
        if (Freshness.Lifetime(r, r.Date ?? DateTimeOffset.MinValue, rule).Value > TimeSpan.Zero) return true;
        return (cc.StaleWhileRevalidate > 0 || cc.StaleIfError > 0) && !Staleness.ForbidsWindows(cc);
    }

    private static bool Names(string[]? fields, string name)
    {
        foreach (string field in fields ?? [])
        {
            if (FieldSyntax.Is(field, name)) return true;
        }
        return false;
    }
}
