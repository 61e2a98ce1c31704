using Larder.AspNetCore.Rfc9111;

namespace Larder.AspNetCore;

/// <summary>
/// The states of a request in the cache, all of them. <see cref="RequestJudge"/> goes from Receive to a verdict without
/// any I/O; <see cref="LarderMiddleware"/> carries the verdict out.
/// </summary>
/// <remarks>
/// <code>
///            Receive ──not GET or HEAD, safe── or an obstacle──────────────▶ Pass
///               │  └───────unsafe method───────────────────────────────────▶ Write ──▶ invalidates
///               ▼
///            Lookup ──nothing usable──────────────────┐
///               │                                     ▼
///               ▼              another request is   Join ──it stored──▶ Judge again
///             Judge             fetching the same     │
///   fresh ┌─────┼─────────┐                           ▼ first, or alone
///         ▼     │ stale   │                         Look (into Redis) ──something──▶ Judge again
///      Deliver  │         └──only-if-cached──▶ Refuse │
///         ▲     │                                     ▼ nothing usable, or no Redis tier
///         │     │                                   Fetch ──200──▶ recorded while it passes ──▶ Store
///         ▲     └─────────────────────────────────▶ (conditional where a validator is stored)
///         ├──────────304: the stored response is freshened───────────┤
///         └──────────failed: a stale response may stand in───────────┘
/// </code>
/// A stale response within its stale-while-revalidate window is delivered, and Refresh runs the Fetch for nobody.
/// </remarks>
internal enum State : byte
{
    /// <summary>To the origin and back, untouched; not looked up, not stored.</summary>
    Pass,
    /// <summary>To the origin; a success, or an unknown outcome, invalidates (RFC 9111 §4.4).</summary>
    Write,
    /// <summary>Answer from the stored response.</summary>
    Deliver,
    /// <summary>Answer from the stored response, stale, and fetch a new one in the background (RFC 5861 §3).</summary>
    DeliverAndRefresh,
    /// <summary>To Redis, where there is one, and then to the origin; what comes back is stored, or confirms or replaces what is stored.</summary>
    Fetch,
    /// <summary>504: only-if-cached, and nothing usable is stored (RFC 9111 §5.2.1.7).</summary>
    Refuse,
}

/// <summary>What is to be done with a request, and why.</summary>
internal readonly struct Verdict
{
    public required State Next { get; init; }
    public required Reason Reason { get; init; }
    /// <summary>What to deliver, or what is stored but not fresh.</summary>
    public StoredResponse? Stored { get; init; }
    /// <summary>What decides on its use, by now.</summary>
    public StoredFacts Facts { get; init; }
    /// <summary>Its age.</summary>
    public TimeSpan Age { get; init; }
    /// <summary>For Fetch: where the answer will be stored.</summary>
    public FetchKey? Key { get; init; }

    public static Verdict Pass(Reason reason) => new() { Next = State.Pass, Reason = reason };
}
