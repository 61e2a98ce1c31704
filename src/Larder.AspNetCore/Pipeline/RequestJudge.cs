using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Features.Authentication;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>Receive, Lookup and Judge: from a request to what is to be done with it, without I/O and, for a hit, without allocation.</summary>
internal sealed class RequestJudge(HttpCache cache, bool keyForwardingHeaders)
{
    public Verdict Receive(HttpContext context)
    {
        HttpRequest request = context.Request;
        bool isHead = HttpMethods.IsHead(request.Method);
        KeyedBody? body = null;
        if (EndpointRule.Invalidates(context)) return new() { Next = State.Write, Reason = Reason.BypassMethod };
        if (!isHead && !HttpMethods.IsGet(request.Method) && (body = context.Features.Get<KeyedBody>()) is null)
            return IsSafe(request.Method) ? Verdict.Pass(Reason.BypassMethod) : new() { Next = State.Write, Reason = Reason.BypassMethod };
        RequestFacts facts = FactsOf(context, isHead);
        if (Obstacle(request, facts, hasKeyedBody: body is not null) is not Reason.None and var obstacle) return Verdict.Pass(obstacle);

        var key = new KeyBuilder(stackalloc char[256]);
        try
        {
            return Lookup(context, facts, body, ref key);
        }
        finally
        {
            key.Dispose();
        }
    }

    /// <summary>As <see cref="RequestFacts.From"/>, by the server's fast properties: a hit reads no header by name.</summary>
    internal static RequestFacts FactsOf(HttpContext context, bool isHead)
    {
        IHeaderDictionary headers = context.Request.Headers;
        StringValues cacheControl = headers.CacheControl;
        return new()
        {
            CacheControl = CacheControl.Parse(cacheControl),
            HasAuthorization = headers.Authorization.Count > 0 || headers["X-Api-Key"].Count > 0 || headers["X-Auth-Token"].Count > 0 || IsSignedIn(context),
            HasCookie = headers.Cookie.Count > 0,
            IsHead = isHead,
            PragmaNoCache = cacheControl.Count == 0 && Pragma.IsNoCache(headers.Pragma),
        };
    }

    /// <summary>Whether a request carries what may make its answer somebody's own.</summary>
    public static bool HasCredentials(HttpContext context) => FactsOf(context, isHead: false) is { HasAuthorization: true } or { HasCookie: true };

    /// <summary>Who is signed in without a header (a certificate, the connection) has credentials, too. Asking the feature makes no user where there is none.</summary>
    private static bool IsSignedIn(HttpContext context) =>
        context.Features.Get<IHttpAuthenticationFeature>()?.User?.Identity is { IsAuthenticated: true };

    /// <summary>The rule by which a request that is no GET or HEAD may be cached by its body; null where there is none.</summary>
    public CompiledRule? BodyRuleFor(HttpContext context, RuleSet rules)
    {
        if (!rules.KeysBodies && EndpointRule.Of(context) is null or { Rule.Body: null }) return null;
        CompiledRule? rule = RuleFor(context, rules, RequestTarget.Of(context));
        return rule?.Rule is { Body: not null, Never: false } ? rule : null;
    }

    private Verdict Lookup(HttpContext context, in RequestFacts facts, KeyedBody? body, ref KeyBuilder key)
    {
        RuleSet rules = body?.Rules ?? cache.Rules;
        // What shapes the key must be known before anything is looked up; else only where nothing is found.
        CompiledRule? rule = body?.Rule ?? (rules.ShapesKeys || EndpointRule.Of(context) is not null ? RuleFor(context, rules, RequestTarget.Of(context)) : null);
        if (rule?.Rule.Never == true) return Verdict.Pass(Reason.BypassRule);
        if (RequestKey.AppendBase(context, ref key, keyForwardingHeaders, rule?.Rule.Query ?? QueryPolicy.AsSent, out Range target) is not Reason.None and var unkeyed) return Verdict.Pass(unkeyed);
        if (rule?.EndpointMark is { } mark) RequestKey.AppendEndpoint(ref key, mark);
        if (rule?.Rule.VaryBy is { } own)
        {
            if (!cache.TryKeyOf(context, own, out string? more)) return Verdict.Pass(Reason.BypassUnkeyed);
            if (more is not null) RequestKey.AppendOwn(ref key, more);
        }
        if (body is not null) RequestKey.AppendBody(ref key, body);
        HttpEntry? found = Find(key.Written, rules, out Reason missing, out long freshUntil);
        string? user = null;
        // A shared entry was stored under these very rules, so it says all they would say.
        if (found is null)
        {
            rule ??= RuleFor(context, rules, key.Written[target]);
            if (rule?.Rule.Never == true) return Verdict.Pass(Reason.BypassRule);
            if (rule?.IsPrivate == true)
            {
                RequestUser known = cache.UserOf(context, rule.Rule.User);
                if (!known.IsKnown) return Verdict.Pass(Reason.BypassUser);
                user = known.Id;
                RequestKey.AppendUser(ref key, known);
                found = Find(key.Written, rules, out missing, out freshUntil);
            }
        }
        if (found is StoredResponse { Part: not null }) found = null;
        int primaryLength = key.Length;
        if (found is VariantIndex index && (found = FindVariant(index, context.Request.Headers, ref key, out freshUntil)) is null) missing = Reason.MissVary;

        if (found is null && FindPart(context, facts, rules, ref key, primaryLength) is { } part) return part;
        Verdict verdict = found is StoredResponse stored
            ? Judge(context, facts, stored, freshUntil)
            : new() { Next = facts.CacheControl.OnlyIfCached ? State.Refuse : State.Fetch, Reason = missing };
        if (verdict.Next is not (State.Fetch or State.DeliverAndRefresh) && !(verdict.Next == State.Refuse && cache.Engine.Remote is not null)) return verdict;

        key.Truncate(primaryLength);
        string primary = key.ToString();
        return verdict with
        {
            Key = new(
                primary[..target.End], primary, target, context.Request.Path.Value ?? "/", context.Request.RouteValues, user, rules,
                rule ?? RuleFor(context, rules, key.Written[target])),
        };
    }

    /// <summary>Whether a request may be handed a response that is still arriving for another one: it is the answer to this one as well, and nothing has overtaken it.</summary>
    public bool MayFollow(HttpContext context, RuleSet rules, GrowingResponse growing)
    {
        if (!ReferenceEquals(growing.Key.Rules, rules) || ResponseStorer.VariantKey(growing.Key, growing.Nominated, context.Request.Headers) != growing.VariantKey) return false;
        Verdict verdict = Judge(context, FactsOf(context, isHead: false), growing.Stored, long.MaxValue);
        return verdict is { Next: State.Deliver, Reason: Reason.HitMemory } && !growing.IsOvertaken(cache.Engine);
    }

    /// <param name="freshUntil">When its freshness ends by the engine: an event may have ended it before its time.</param>
    private Verdict Judge(HttpContext context, in RequestFacts facts, StoredResponse stored, long freshUntil)
    {
        if (stored.RequiresAuthorization && !EndpointMarks.IsAuthorized(context)) return Verdict.Pass(Reason.BypassAuthorization);
        if ((facts.HasAuthorization || facts.HasCookie)
            && !Storability.MayShare(facts, stored.Facts.Response, stored.IsDeclaredPublic, stored.IsPrivate)) return Verdict.Pass(Reason.BypassCredentials);
        long now = cache.Clock.Now;
        TimeSpan age = stored.AgeAt(now);
        StoredFacts known = freshUntil > now ? stored.Facts : stored.Facts.StaleFrom(age - TimeSpan.FromMilliseconds(now - freshUntil));
        ReuseDecision decision = Reuse.Decide(facts, known, age);
        State next = decision.Kind switch
        {
            ReuseKind.Fresh or ReuseKind.Stale => State.Deliver,
            _ when facts.CacheControl.OnlyIfCached => State.Refuse,
            _ when decision.Reason == Reason.MissExpired && Reuse.MayServeWhileRevalidating(known, age) => State.DeliverAndRefresh,
            _ => State.Fetch,
        };
        return new() { Next = next, Reason = next == State.DeliverAndRefresh ? Reason.Stale : decision.Reason, Stored = stored, Facts = known, Age = age };
    }

    /// <summary>What makes a GET or HEAD one that is neither answered from the cache nor stored.</summary>
    private static Reason Obstacle(HttpRequest request, in RequestFacts facts, bool hasKeyedBody)
    {
        IHeaderDictionary headers = request.Headers;
        if (headers.Upgrade.Count > 0) return Reason.BypassUpgrade;
        if (!hasKeyedBody && (request.ContentLength > 0 || headers.TransferEncoding.Count > 0 || HasUnannouncedBody(request))) return Reason.BypassBody;
        if (facts.CacheControl.NoStore) return Reason.BypassNoStore;
        return Conditionals.IsForOrigin(headers.IfMatch, headers.IfUnmodifiedSince) ? Reason.BypassPrecondition : Reason.None;
    }

    /// <summary>From HTTP/2 on a body needs no header that announces it.</summary>
    private static bool HasUnannouncedBody(HttpRequest request) =>
        !HttpProtocol.IsHttp11(request.Protocol) && request.ContentLength is null
        && request.HttpContext.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true;

    private HttpEntry? FindVariant(VariantIndex index, IHeaderDictionary headers, ref KeyBuilder key, out long freshUntil)
    {
        freshUntil = 0;
        int primaryLength = key.Length;
        foreach (string[] nominated in index.Nominated)
        {
            RequestKey.AppendVariant(ref key, nominated, headers);
            HttpEntry? variant = Find(key.Written, index.Rules, out _, out freshUntil);
            key.Truncate(primaryLength);
            if (variant is StoredResponse { Part: null }) return variant;
        }
        return null;
    }

    /// <summary>Where no whole response is stored: a part of it that holds the range which is asked for, and is fresh.</summary>
    private Verdict? FindPart(HttpContext context, in RequestFacts facts, RuleSet rules, ref KeyBuilder key, int primaryLength)
    {
        IHeaderDictionary headers = context.Request.Headers;
        if (headers.Range.Count != 1 || facts.IsHead) return null;
        key.Truncate(primaryLength);
        string[][] lists = Find(key.Written, rules, out _, out _) is VariantIndex index ? index.Nominated : [[]];
        foreach (string[] nominated in lists)
        {
            if (nominated.Length > 0) RequestKey.AppendVariant(ref key, nominated, headers);
            key.Append(PartialResponses.KeyEnd);
            HttpEntry? found = Find(key.Written, rules, out _, out long freshUntil);
            key.Truncate(primaryLength);
            if (found is not StoredResponse stored || !PartialResponses.Covers(stored, headers.Range, headers.IfRange, cache.Now)) continue;
            Verdict verdict = Judge(context, facts, stored, freshUntil);
            if (verdict is { Next: State.Deliver, Reason: Reason.HitMemory }) return verdict;
        }
        return null;
    }

    private HttpEntry? Find(ReadOnlySpan<char> key, RuleSet rules, out Reason missing, out long freshUntil)
    {
        HttpEntry? found = cache.Engine.FindKept<HttpEntry>(key, out missing, out freshUntil);
        if (found is null || ReferenceEquals(found.Rules, rules)) return found;
        missing = Reason.MissIncompatible;
        return null;
    }

    /// <summary>An endpoint's own rule is nearer than one of the set, but what the set never caches it can't open.</summary>
    private static CompiledRule? RuleFor(HttpContext context, RuleSet rules, ReadOnlySpan<char> target)
    {
        CompiledRule? rule = rules.Find(RuleSubject.Of(context.Request, RequestTarget.IsPlain(target)));
        return rule?.Rule.Never == true ? rule : EndpointRule.Of(context) ?? rule;
    }

    /// <summary>RFC 9110 §9.2.1 and the registry of methods; what is unknown may write.</summary>
    private static bool IsSafe(string method) =>
        HttpMethods.IsOptions(method) || HttpMethods.IsTrace(method) || HttpMethods.IsConnect(method)
        || method is "QUERY" or "PROPFIND" or "REPORT" or "SEARCH";
}
