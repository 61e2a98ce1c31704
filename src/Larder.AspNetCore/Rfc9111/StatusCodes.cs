namespace Larder.AspNetCore.Rfc9111;

/// <summary>What a status code means to a cache.</summary>
internal static class StatusCodes
{
    /// <summary>Cacheable without explicit freshness (RFC 9110 §15.1), without 206, which is stored as a part of the whole that it is of.</summary>
    public static bool IsHeuristicallyCacheable(int status) =>
        status is 200 or 203 or 204 or 300 or 301 or 308 or 404 or 405 or 410 or 414 or 501;

    /// <summary>
    /// Never stored: interim and impossible codes (RFC 9111 §3), parts (206), answers that depend on a condition or a
    /// range which is no part of the key (304, 412, 416), and a proxy's own challenge (407).
    /// </summary>
    public static bool IsNeverStored(int status) =>
        status is < 200 or > 599 or 206 or 304 or 407 or 412 or 416;

    /// <summary>
    /// Codes that one request's oddities (size, syntax, method, pace) or a moment's trouble bring about: all errors but 404 and 410, which are about
    /// the resource. Stored, they may deny it to everybody: cache-poisoned denial of service.
    /// </summary>
    public static bool IsProvocable(int status) => status >= 400 && status is not (404 or 410);

    /// <summary>Understood in the sense of RFC 9111 §5.2.2.3: final, defined by RFC 9110, and stored here at all.</summary>
    public static bool IsUnderstood(int status) => !IsNeverStored(status) && status is
        (>= 200 and <= 205) or (>= 300 and <= 303) or 305 or 307 or 308
        or (>= 400 and <= 417) or 421 or 422 or 426 or (>= 500 and <= 505);
}
