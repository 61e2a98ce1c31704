using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Larder.AspNetCore;

/// <summary>
/// Refresh: fetches what is stale for nobody, while a stale response is served (RFC 5861 §3). At most one for a key at
/// a time, and a bounded number in all; a failure leaves what is stored until its window ends.
/// </summary>
internal sealed class BackgroundRefresh(RequestDelegate next, HttpCache cache, RemoteLookup? remote)
{
    private const int Most = 256;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<string, bool> _underWay = new(KeyComparer.Instance);

    public void Start(HttpContext context, Verdict verdict)
    {
        string key = verdict.Key!.Primary;
        if (_underWay.ContainsKey(key)) return;
        IServiceScopeFactory? scopes = context.RequestServices?.GetService<IServiceScopeFactory>();
        HttpContext detached = DetachedExchange.CopyOf(context);
        if (_underWay.Count >= Most || !_underWay.TryAdd(key, true)) return;
        verdict = verdict with { Reason = Reason.MissExpired };
        // The client's own flow (its activity, its logging scopes) ends with its answer.
        using (ExecutionContext.SuppressFlow())
            _ = Task.Run(() => RunAsync(detached, scopes, verdict, key));
    }

    private async Task RunAsync(HttpContext context, IServiceScopeFactory? scopes, Verdict verdict, string key)
    {
        using var patience = new CancellationTokenSource(Patience, cache.Time);
        AsyncServiceScope? scope = null;
        ILogger logger = NullLogger<BackgroundRefresh>.Instance;
        try
        {
            scope = scopes?.CreateAsyncScope();
            context.RequestAborted = patience.Token;
            if (scope is { } services) context.RequestServices = services.ServiceProvider;
            logger = context.RequestServices?.GetService<ILogger<BackgroundRefresh>>() ?? logger;
            FaceFill? fill = null;
            if (remote is not null)
            {
                (Verdict now, fill) = await remote.RunAsync(context, verdict);
                // Another node has refreshed it.
                if (now.Next == State.Deliver) return;
                if (now.Stored is { } newer) verdict = verdict with { Stored = newer, Facts = now.Facts };
            }
            await new Fetch(cache, context, verdict, null, fill).RunAsync(next);
        }
        catch (Exception e)
        {
            Log.RefreshFailed(logger, e);
        }
        finally
        {
            await EndAsync(context, scope, logger);
            _underWay.TryRemove(key, out _);
        }
    }

    /// <summary>What the application left to be done at the end is done after a failure, too.</summary>
    private static async Task EndAsync(HttpContext context, AsyncServiceScope? scope, ILogger logger)
    {
        try
        {
            await context.Response.CompleteAsync();
            if (scope is { } services) await services.DisposeAsync();
        }
        catch (Exception e)
        {
            Log.RefreshFailed(logger, e);
        }
    }
}
