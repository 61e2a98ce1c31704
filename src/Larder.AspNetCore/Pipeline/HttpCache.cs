using System.Security.Claims;
using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Larder.AspNetCore;

/// <summary>What all requests share: the engine, the options, the rules, the clock, what is in flight.</summary>
internal sealed class HttpCache
{
    private readonly Func<HttpContext, RequestUser> _user;
    private volatile RuleSet _rules;

    public HttpCache(LarderCache engine, HttpCacheOptions options, TimeProvider time)
    {
        Engine = engine;
        Options = options;
        Time = time;
        Budget = new(Math.Max(options.MaxBodyBytes, engine.Options.MaxBytes / 4));
        Storer = new(this);
        Collapsed = new(time);
        _rules = HttpEntrySerializer.Of(engine).Share(new(options.Rules, RulesFingerprint.Of(options)));
        Position = options.PositionHeader is { } header ? new(header, options.PositionPatience, engine) : null;
        _user = options.User is { } user ? UserSource.Function(user).Of : AuthenticatedUser;
    }

    public LarderCache Engine { get; }

    public HttpCacheOptions Options { get; }

    public TimeProvider Time { get; }

    /// <summary>The engine's: a response and its entry are dated by one clock.</summary>
    public CacheClock Clock => Engine.Clock;

    public RecordingBudget Budget { get; }

    public ResponseStorer Storer { get; }

    public CollapsedRequests Collapsed { get; }

    /// <summary>What tells of endpoints whose wishes can't be met; null where nobody is to be told.</summary>
    public EndpointCheck? Endpoints { get; init; }

    /// <summary>Null where no header carries positions.</summary>
    public PositionHeader? Position { get; }

    public DateTimeOffset Now => Time.GetUtcNow();

    public RuleSet Rules => _rules;

    /// <summary>Rules that may be followed in the place of those of the options.</summary>
    /// <exception cref="AggregateException">One that can't work.</exception>
    public RuleSet RulesOf(IReadOnlyList<CacheRule> rules) => new(rules, RulesFingerprint.Of(Options, rules));

    /// <summary>Follows other rules from now on. Those that mean the same as known ones are replaced by these, so that what was stored under them is still used.</summary>
    public void Replace(RuleSet rules) => _rules = HttpEntrySerializer.Of(Engine).Share(rules);

    /// <summary>The user of a request; none where the program's own function fails, which must not fail the request.</summary>
    /// <param name="context">The request.</param>
    /// <param name="source">How the rule tells users apart; null for the program's way.</param>
    public RequestUser UserOf(HttpContext context, UserSource? source)
    {
        try
        {
            return source is null ? _user(context) : source.Of(context);
        }
        catch (Exception e)
        {
            Log.UserFailed(LoggerOf(context), e);
            return default;
        }
    }

    /// <summary>What a rule's function makes of a request; false where it fails, which must not fail the request.</summary>
    public bool TryKeyOf(HttpContext context, Func<HttpContext, string?> function, out string? key)
    {
        try
        {
            key = function(context);
            return key is null || key.Length <= RequestKey.MaxLength;
        }
        catch (Exception e)
        {
            Log.KeyFailed(LoggerOf(context), e);
            key = null;
            return false;
        }
    }

    /// <summary>Whether the rule lets a response be stored; a condition that fails says no.</summary>
    public bool Accepts(HttpContext context, CompiledRule? rule)
    {
        try
        {
            return rule?.Accepts(context) != false;
        }
        catch (Exception e)
        {
            Log.ConditionFailed(LoggerOf(context), e);
            return false;
        }
    }

    public ILogger LoggerOf(HttpContext context) =>
        context.RequestServices?.GetService<ILogger<HttpCache>>() ?? NullLogger<HttpCache>.Instance;

    public void Count(Reason reason) => Engine.Reasons.Count(reason);

    public bool MayServeStaleOnError(in StoredFacts stored, TimeSpan age, in RequestFacts request, bool unreachable) =>
        Reuse.MayServeStaleOnError(stored, age, request, Options.KeepStale, unreachable);

    /// <summary>Invalidates what a handler has said.</summary>
    public async ValueTask InvalidateAsync(HttpCacheFeature said)
    {
        foreach (Invalidation what in said.Invalidations) await InvalidateAsync(what);
    }

    /// <summary>Invalidates. Where a strict node can't tell the others yet that fails no request: it holds here, and they are told when that is possible.</summary>
    public async ValueTask InvalidateAsync(Invalidation what)
    {
        try
        {
            await Engine.InvalidateAsync(what);
        }
        catch (PendingInvalidationException)
        {
            Log.InvalidationPending(Engine.Logger);
        }
    }

    private static RequestUser AuthenticatedUser(HttpContext context) =>
        context.User.Identity is { IsAuthenticated: true }
        && (context.User.FindFirst(ClaimTypes.NameIdentifier) ?? context.User.FindFirst("sub")) is { } claim
            ? new(claim.Issuer, claim.Value)
            : default;
}

/// <summary>Whose private entries a request may see; two who are called alike by different issuers are two users.</summary>
internal readonly record struct RequestUser(string? Issuer, string? Id)
{
    public bool IsKnown => !string.IsNullOrEmpty(Id);
}
