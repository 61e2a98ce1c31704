using Microsoft.AspNetCore.Http;

namespace Larder.AspNetCore;

/// <summary>Carries out what <see cref="RequestJudge"/> decides; the states are listed in <see cref="State"/>.</summary>
internal sealed class LarderMiddleware(RequestDelegate next, HttpCache cache, RequestJudge judge)
{
    /// <summary>How often a request waits for another's answer before it asks the origin by itself.</summary>
    private const int MaxJoins = 3;

    private readonly BackgroundRefresh _refresh = new(next, cache);

    public Task InvokeAsync(HttpContext context)
    {
        Verdict verdict = judge.Receive(context);
        switch (verdict.Next)
        {
            case State.Deliver:
                return DeliverAsync(context, verdict.Stored!, verdict.Age, verdict.Reason);
            case State.DeliverAndRefresh:
                _refresh.Start(context, verdict);
                return DeliverAsync(context, verdict.Stored!, verdict.Age, verdict.Reason);
            case State.Fetch:
                return FetchAsync(context, verdict);
            case State.Refuse:
                return Refuse(context);
            default:
                return new Passage(cache, context, verdict.Reason, writes: verdict.Next == State.Write).RunAsync(next);
        }
    }

    private Task DeliverAsync(HttpContext context, StoredResponse stored, TimeSpan age, Reason reason)
    {
        cache.Count(reason);
        return StoredResponseWriter.WriteAsync(context, stored, age, reason, cache.Time);
    }

    /// <summary>Join: the first request for a key asks the origin; those that come meanwhile wait and judge again.</summary>
    private async Task FetchAsync(HttpContext context, Verdict verdict)
    {
        if (!MayCollapse(context.Request))
        {
            await new Fetch(cache, context, verdict, null).RunAsync(next);
            return;
        }
        for (int joins = 0; joins < MaxJoins; joins++)
        {
            using CollapsedRequest? own = cache.Collapsed.Join(verdict.Key!.Primary, out CollapsedRequest? leader);
            if (leader is null)
            {
                await new Fetch(cache, context, verdict, own).RunAsync(next);
                return;
            }
            bool ended = await cache.Collapsed.WaitForAsync(leader, context.RequestAborted);
            verdict = judge.Receive(context);
            if (verdict.Next is State.Deliver or State.DeliverAndRefresh)
            {
                await DeliverAsync(context, verdict.Stored!, verdict.Age, Reason.Coalesced);
                return;
            }
            if (!ended || verdict.Next != State.Fetch) break;
        }
        if (verdict.Next == State.Fetch) await new Fetch(cache, context, verdict, null).RunAsync(next);
        else await new Passage(cache, context, verdict.Reason, writes: false).RunAsync(next);
    }

    private static bool MayCollapse(HttpRequest request) => HttpMethods.IsGet(request.Method) && request.Headers.Range.Count == 0;

    private Task Refuse(HttpContext context)
    {
        cache.Count(Reason.ErrorOnlyIfCached);
        context.Response.StatusCode = StatusCodes.Status504GatewayTimeout;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers[ResponseHeaders.XCache] = "ERROR";
        context.Response.Headers[ResponseHeaders.CacheStatusName] = $"larder; detail={Reason.ErrorOnlyIfCached.Name()}";
        return Task.CompletedTask;
    }
}
