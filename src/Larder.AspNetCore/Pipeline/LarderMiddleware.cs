using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>Carries out what <see cref="RequestJudge"/> decides; the states are listed in <see cref="State"/>.</summary>
internal sealed class LarderMiddleware(RequestDelegate next, HttpCache cache, RequestJudge judge)
{
    /// <summary>How often a request waits for another's answer before it asks the origin by itself.</summary>
    private const int MaxJoins = 3;

    private readonly RemoteLookup? _remote = RemoteLookup.Of(cache, judge);
    private readonly BackgroundRefresh _refresh = new(next, cache, RemoteLookup.Of(cache, judge));

    public Task InvokeAsync(HttpContext context)
    {
        string method = context.Request.Method;
        if (HttpMethods.IsGet(method) || HttpMethods.IsHead(method)) return ReadAsync(context);
        if (PurgeRequest.Is(context, cache.Options)) return PurgeRequest.AnswerAsync(context, cache);
        RuleSet rules = cache.Rules;
        return judge.BodyRuleFor(context, rules) is { } rule ? ReadWithBodyAsync(context, rules, rule) : WriteAsync(context);
    }

    /// <summary>A request that carries a position is answered when this node has seen it, else by the origin.</summary>
    private Task ReadAsync(HttpContext context) =>
        cache.Position is { } position && position.Take(context.Request.Headers) is { Count: > 0 } carried ? CatchUpAsync(position, carried, context) : AnswerAsync(context);

    private Task WriteAsync(HttpContext context)
    {
        cache.Position?.Take(context.Request.Headers);
        return AnswerAsync(context);
    }

    /// <summary>The body is part of the key; one that can't be is no part of a write either: the rule says that these requests are reads.</summary>
    private async Task ReadWithBodyAsync(HttpContext context, RuleSet rules, CompiledRule rule)
    {
        KeyedBody? body;
        try
        {
            body = await KeyedBody.ReadAsync(context, rules, rule);
        }
        catch
        {
            cache.Count(Reason.BypassBody);
            throw;
        }
        if (body is not null)
        {
            context.Features.Set(body);
            await ReadAsync(context);
            return;
        }
        cache.Position?.Take(context.Request.Headers);
        await new Passage(cache, context, Reason.BypassBody, writes: false).RunAsync(next);
    }

    private async Task CatchUpAsync(PositionHeader position, StringValues carried, HttpContext context)
    {
        if (await position.CatchUpAsync(carried, context.RequestAborted)) await AnswerAsync(context);
        else await new Passage(cache, context, Reason.BypassPosition, writes: false).RunAsync(next);
    }

    private Task AnswerAsync(HttpContext context)
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
                return AskAsync(context, verdict, null);
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
        for (int joins = 0; joins < MaxJoins && MayCollapse(context.Request, verdict); joins++)
        {
            using CollapsedRequest? own = cache.Collapsed.Join(verdict.Key!.Primary, RequestJudge.HasCredentials(context), out CollapsedRequest? leader);
            if (own is null && leader is null) break;
            bool hasHeaders = leader is not null && await CollapsedRequests.WaitForHeadersAsync(leader, context.RequestAborted);
            if (hasHeaders && leader!.Growing is { } growing)
            {
                // It will not be stored either: one of those who wait asks anew, for all of them.
                if (growing.IsOvertaken(cache.Engine))
                {
                    cache.Collapsed.Remove(leader);
                    continue;
                }
                if (judge.MayFollow(context, verdict.Key!.Rules, growing) && await HasFollowedAsync(context, growing)) return;
            }
            bool ended = hasHeaders && await cache.Collapsed.WaitForAsync(leader!, context.RequestAborted);
            if (leader is not null && context.RequestAborted.IsCancellationRequested)
            {
                cache.Count(verdict.Reason);
                return;
            }
            // Another may have stored an answer since the first judgement, also where this request is the first now.
            StoredResponse? before = verdict.Stored;
            verdict = judge.Receive(context);
            if (verdict.Next is State.Deliver or State.DeliverAndRefresh)
            {
                // Others find it in memory: they need not wait for this client to take its answer.
                own?.Dispose();
                if (verdict.Next == State.DeliverAndRefresh) _refresh.Start(context, verdict);
                await DeliverAsync(context, verdict.Stored!, verdict.Age, leader is null ? verdict.Reason : Reason.Coalesced);
                return;
            }
            if (own is not null)
            {
                await AskAsync(context, verdict, own);
                return;
            }
            if (leader?.Unreachable is { } unreachable && MayStandIn(context.Request, verdict, unreachable))
            {
                await DeliverAsync(context, verdict.Stored!, verdict.Age, Reason.StaleError);
                return;
            }
            if (leader?.FailedStatus is { } status && verdict.Next == State.Fetch && OrdinaryRequest.Is(context, context.Request.Headers))
            {
                cache.Count(Reason.Coalesced);
                await SharedFailure.WriteAsync(context, status, verdict.Reason);
                return;
            }
            // What the first one stored and cannot serve this request will not do so next time.
            if (!ended || !ReferenceEquals(verdict.Stored, before)) break;
        }
        await AskAsync(context, verdict, null);
    }

    /// <summary>
    /// Hands out an answer while it arrives for another request. False where it broke off before anything of it left; what breaks off later breaks off here too, so that
    /// nobody takes half for the whole.
    /// </summary>
    private async Task<bool> HasFollowedAsync(HttpContext context, GrowingResponse growing)
    {
        if (!growing.Recorder.TryAddReader()) return false;
        var before = new ResponseSnapshot(context.Response);
        bool isAnswered = true;
        try
        {
            await StoredResponseWriter.WriteAsync(context, growing.Stored, growing.Stored.AgeAt(cache.Clock.Now), Reason.Coalesced, cache.Time);
        }
        catch (IncompleteBodyException) when (!context.Response.HasStarted)
        {
            before.Restore();
            isAnswered = false;
        }
        catch (IncompleteBodyException)
        {
            context.Abort();
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client has left.
        }
        finally
        {
            growing.Recorder.RemoveReader();
            if (isAnswered) cache.Count(Reason.Coalesced);
        }
        return isAnswered;
    }

    private Task AskAsync(HttpContext context, in Verdict verdict, CollapsedRequest? own) =>
        _remote is { } remote && remote.IsWorthwhile(context, verdict) ? LookAsync(remote, context, verdict, own) : AskOrigin(context, verdict, own, null);

    /// <summary>Look: what Redis has answers the request, or stands by while the origin is asked.</summary>
    private async Task LookAsync(RemoteLookup remote, HttpContext context, Verdict verdict, CollapsedRequest? own)
    {
        (verdict, FaceFill fill) = await remote.RunAsync(context, verdict);
        if (verdict.Next is not (State.Deliver or State.DeliverAndRefresh))
        {
            await AskOrigin(context, verdict, own, fill);
            return;
        }
        // Others find it in memory: they need not wait for this client to take its answer.
        own?.Dispose();
        if (verdict.Next == State.DeliverAndRefresh) _refresh.Start(context, verdict);
        await DeliverAsync(context, verdict.Stored!, verdict.Age, verdict.Reason);
    }

    private Task AskOrigin(HttpContext context, in Verdict verdict, CollapsedRequest? own, FaceFill? fill)
    {
        if (verdict.Next == State.Fetch) return new Fetch(cache, context, verdict, own, fill).RunAsync(next);
        own?.Dispose();
        return verdict.Next == State.Refuse ? Refuse(context) : new Passage(cache, context, verdict.Reason, writes: false).RunAsync(next);
    }

    private bool MayStandIn(HttpRequest request, in Verdict verdict, bool unreachable) =>
        verdict is { Next: State.Fetch, Stored: not null }
        && cache.MayServeStaleOnError(verdict.Facts, verdict.Age, RequestFacts.From(isHead: false, new HeaderLookup(request.Headers)), unreachable);

    /// <summary>Who wants its own validation, or a part of an answer that is not stored yet, gains nothing by waiting.</summary>
    private static bool MayCollapse(HttpRequest request, in Verdict verdict) =>
        verdict.Next == State.Fetch && verdict.Reason is not (Reason.MissRequest or Reason.MissValidate)
        && !HttpMethods.IsHead(request.Method) && request.Headers.Range.Count == 0;

    private Task Refuse(HttpContext context)
    {
        cache.Count(Reason.ErrorOnlyIfCached);
        context.Response.StatusCode = Microsoft.AspNetCore.Http.StatusCodes.Status504GatewayTimeout;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers[ResponseHeaders.XCache] = "ERROR";
        context.Response.Headers[ResponseHeaders.CacheStatusName] = $"larder; detail={Reason.ErrorOnlyIfCached.Name()}";
        return Task.CompletedTask;
    }
}
