namespace Larder;

/// <summary>
/// Why a call ended as it did. The one vocabulary of Larder: results, events, metrics, logs,
/// <c>Cache-Status</c> and the dashboard all use these words, written in kebab case (<see cref="ReasonNames"/>).
/// </summary>
public enum Reason : byte
{
    /// <summary>
    /// Nothing to tell: the value was stored, where <see cref="LarderCache.SetAsync"/> or <see cref="LarderCache.TryStore"/> returns it.
    /// Never the reason of a finished call.
    /// </summary>
    None,

    /// <summary>A fresh entry in this process's memory.</summary>
    HitMemory,
    /// <summary>A fresh entry in Redis.</summary>
    HitRedis,
    /// <summary>What is stored was confirmed by its origin (304) or factory and served.</summary>
    Revalidated,
    /// <summary>The caller waited for a fill that another caller had begun.</summary>
    Coalesced,
    /// <summary>A stale entry within one of its windows: it is being refreshed, or the caller accepts stale values.</summary>
    Stale,
    /// <summary>A stale entry, because the origin or the factory failed.</summary>
    StaleError,

    /// <summary>Nothing is stored under the key.</summary>
    MissCold,
    /// <summary>What was stored is no longer fresh.</summary>
    MissExpired,
    /// <summary>What was stored had to make room for others.</summary>
    MissEvicted,
    /// <summary>What was stored is covered by an invalidation newer than its stamp.</summary>
    MissInvalidated,
    /// <summary>Responses are stored for the URL, but none for these request headers (Vary).</summary>
    MissVary,
    /// <summary>The request refuses what is stored (no-cache, max-age, min-fresh).</summary>
    MissRequest,
    /// <summary>What is stored must be confirmed by its origin each time (no-cache).</summary>
    MissValidate,
    /// <summary>This node is strict, and can't know at this moment whether what is stored still holds.</summary>
    MissUnproven,
    /// <summary>What is stored is of another type than was asked for.</summary>
    MissIncompatible,

    /// <summary>The request method is not cached here.</summary>
    BypassMethod,
    /// <summary>A rule says never.</summary>
    BypassRule,
    /// <summary>The request carries a body that is no part of the key.</summary>
    BypassBody,
    /// <summary>The request carries credentials or cookies, and what is stored is not declared public.</summary>
    BypassCredentials,
    /// <summary>A private rule, and no user is known.</summary>
    BypassUser,
    /// <summary>The endpoint demands authorization, which has not taken place yet.</summary>
    BypassAuthorization,
    /// <summary>The request asks for another protocol (WebSocket).</summary>
    BypassUpgrade,
    /// <summary>The request says no-store.</summary>
    BypassNoStore,
    /// <summary>The request carries a precondition that only the origin can judge (If-Match, If-Unmodified-Since).</summary>
    BypassPrecondition,
    /// <summary>The request carries a header that would change the answer and is no part of the key.</summary>
    BypassUnkeyed,
    /// <summary>
    /// The key can't be one: empty, blank, or with characters that are not allowed. <c>HybridCache</c>'s rule, and for users of
    /// cached methods that are too long; <see cref="LarderCache"/> itself throws on an empty key and takes a blank one.
    /// </summary>
    BypassKey,
    /// <summary>The caller carries a position that this node has not seen in time, or can't compare with its own.</summary>
    BypassPosition,
    /// <summary>The request is too large to be a key.</summary>
    BypassLimit,

    /// <summary>Not stored: the response or request says no-store.</summary>
    UnstoredNoStore,
    /// <summary>Not stored: the response is private.</summary>
    UnstoredPrivate,
    /// <summary>Not stored: the request carried credentials or cookies and the response is not declared public.</summary>
    UnstoredCredentials,
    /// <summary>Not stored: the response sets a cookie.</summary>
    UnstoredSetCookie,
    /// <summary>Not stored: the status code is not cached here.</summary>
    UnstoredStatus,
    /// <summary>Not stored: neither the response nor a rule gives a lifetime or a validator.</summary>
    UnstoredNoFreshness,
    /// <summary>Not stored: <c>Vary: *</c>.</summary>
    UnstoredVary,
    /// <summary>Not stored: larger than the limit for one entry.</summary>
    UnstoredTooLarge,
    /// <summary>Not stored: the body ended early or the request was aborted.</summary>
    UnstoredIncomplete,
    /// <summary>Not stored: the value could not be serialized or weighed.</summary>
    UnstoredUnserializable,
    /// <summary>Not stored: the fill was overtaken by an invalidation or a newer value.</summary>
    UnstoredOvertaken,
    /// <summary>Not stored: too much is being recorded at once.</summary>
    UnstoredBudget,
    /// <summary>Not stored: more tags than an entry may have.</summary>
    UnstoredTooManyTags,
    /// <summary>Not stored: one of its tags is not allowed.</summary>
    UnstoredTag,
    /// <summary>Not stored: the condition on the result was false.</summary>
    UnstoredCondition,
    /// <summary>Not stored: the method's answers are not kept (HEAD, unsafe methods).</summary>
    UnstoredMethod,
    /// <summary>Kept in this process's memory only: larger than what the Redis tier takes.</summary>
    UnstoredRedis,

    /// <summary>The origin can't be reached (refused, unresolved, reset).</summary>
    ErrorUnreachable,
    /// <summary>The origin or the factory did not answer in time.</summary>
    ErrorTimeout,
    /// <summary>The origin broke the protocol.</summary>
    ErrorProtocol,
    /// <summary>only-if-cached, and nothing usable is stored.</summary>
    ErrorOnlyIfCached,
    /// <summary>The factory failed.</summary>
    ErrorFactory,
    /// <summary>The factory failed a moment ago; its failure is remembered and it was not asked again.</summary>
    ErrorRemembered,
}

/// <summary>The coarse result of a call, for counting: what a <see cref="Reason"/> comes to.</summary>
public enum Outcome : byte
{
    /// <summary>Served from the cache, fresh.</summary>
    Hit,
    /// <summary>Served from the cache, stale.</summary>
    Stale,
    /// <summary>Served from the cache after the origin confirmed it.</summary>
    Revalidated,
    /// <summary>Served from another caller's fill.</summary>
    Coalesced,
    /// <summary>Looked for, not usable, filled.</summary>
    Miss,
    /// <summary>Not looked for.</summary>
    Bypass,
    /// <summary>Answered with an error.</summary>
    Error,
}
