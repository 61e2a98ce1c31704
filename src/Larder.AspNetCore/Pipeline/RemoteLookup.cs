using Microsoft.AspNetCore.Http;

namespace Larder.AspNetCore;

/// <summary>
/// Look: asks Redis for what memory has nothing usable for, before the origin is asked (docs/invalidation.md, R-27). What is there enters memory, and
/// the request is judged anew by that; the claims that are taken on the way let the origin's answer go to Redis.
/// </summary>
/// <remarks>At most two round trips: one for the URL and the variants that are known, and one for those that it told of.</remarks>
internal sealed class RemoteLookup(HttpCache cache, RemoteCalls remote, RequestJudge judge)
{
    /// <summary>How long a ticket lives: an answer takes as long as its first client takes to read it.</summary>
    private static readonly TimeSpan TicketLife = TimeSpan.FromMinutes(1);

    /// <summary>Null for a cache without the Redis tier.</summary>
    public static RemoteLookup? Of(HttpCache cache, RequestJudge judge) => cache.Engine.Remote is { } remote ? new(cache, remote, judge) : null;

    /// <summary>Whether it may bring anything: an answer that could not be stored a moment ago will not be in Redis either, and such requests must not pay for it.</summary>
    public bool IsWorthwhile(HttpContext context, in Verdict verdict) =>
        verdict is { Next: State.Fetch or State.Refuse, Key: { } key } && !cache.Collapsed.WasUnstorable(key.Primary, RequestJudge.HasCredentials(context));

    /// <summary>Looks, and judges the request again.</summary>
    /// <returns>The verdict, and what the origin's answer is stored with.</returns>
    public async Task<(Verdict Verdict, FaceFill Fill)> RunAsync(HttpContext context, Verdict verdict)
    {
        FetchKey key = verdict.Key!;
        // What HEAD brings is not stored, and a request that is refused brings nothing: they leave no ticket.
        int claimed = !HttpMethods.IsHead(context.Request.Method) && verdict.Next != State.Refuse ? 2 : 0;
        FaceFill fill = remote.BeginFill();
        List<string> keys = [key.Primary, .. VariantKeys(key, context.Request)];
        bool found = await fill.LookAsync<HttpEntry>(keys, claimed, TicketLife);
        List<string> told = VariantKeys(key, context.Request);
        bool isFirstKnown = told.Count > 0 && keys.Contains(told[0]);
        told.RemoveAll(keys.Contains);
        if (told.Count > 0) found |= await fill.LookAsync<HttpEntry>(told, isFirstKnown || claimed == 0 ? 0 : 1, TicketLife);
        if (!found) return (verdict, fill);
        Verdict now = judge.Receive(context);
        return (now.Reason == Reason.HitMemory && now.Next == State.Deliver ? now with { Reason = Reason.HitRedis } : now, fill);
    }

    /// <summary>The keys under which a variant for the request may be, the likeliest first; none as far as memory knows of no variants.</summary>
    private List<string> VariantKeys(FetchKey key, HttpRequest request) =>
        cache.Engine.FindKept<HttpEntry>(key.Primary, out _, out _) is VariantIndex index && ReferenceEquals(index.Rules, key.Rules)
            ? [.. index.Nominated.Select(nominated => ResponseStorer.VariantKey(key, nominated, request.Headers))]
            : [];
}
