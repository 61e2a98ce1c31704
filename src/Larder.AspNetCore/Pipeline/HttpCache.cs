using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Larder.AspNetCore;

/// <summary>What all requests share: the engine, the options, the rules, the clock, what is in flight.</summary>
internal sealed class HttpCache
{
    private readonly Func<HttpContext, string?> _user;
    private volatile RuleSet _rules;

    public HttpCache(LarderCache engine, HttpCacheOptions options, TimeProvider time)
    {
        Engine = engine;
        Options = options;
        Time = time;
        Clock = new(time);
        Budget = new(Math.Max(options.MaxBodyBytes, engine.Statistics.MaxBytes / 4));
        Storer = new(this);
        Collapsed = new(time);
        _rules = new(options.Rules);
        _user = options.User ?? AuthenticatedUser;
    }

    public LarderCache Engine { get; }

    public HttpCacheOptions Options { get; }

    public TimeProvider Time { get; }

    public CacheClock Clock { get; }

    public RecordingBudget Budget { get; }

    public ResponseStorer Storer { get; }

    public CollapsedRequests Collapsed { get; }

    public DateTimeOffset Now => Time.GetUtcNow();

    public RuleSet Rules => _rules;

    /// <summary>What was stored under the old rules is not used any more.</summary>
    public void Use(RuleSet rules) => _rules = rules;

    /// <summary>The user of a request; none where the program's own function fails, which must not fail the request.</summary>
    public string? UserOf(HttpContext context)
    {
        try
        {
            return _user(context);
        }
        catch (Exception e)
        {
            Log.UserFailed(context.RequestServices?.GetService<ILogger<HttpCache>>() ?? NullLogger<HttpCache>.Instance, e);
            return null;
        }
    }

    public void Count(Reason reason) => Engine.Reasons.Count(reason);

    public bool MayServeStaleOnError(StoredResponse stored, TimeSpan age, in RequestFacts request, bool unreachable) =>
        Reuse.MayServeStaleOnError(stored.Facts, age, request, Options.KeepStale, unreachable);

    private static string? AuthenticatedUser(HttpContext context) =>
        context.User.Identity is { IsAuthenticated: true }
            ? context.User.FindFirst(System.Security.Claims.ClaimTypes.NameIdentifier)?.Value ?? context.User.FindFirst("sub")?.Value
            : null;
}
