using Larder.AspNetCore;
using Larder.Gateway.Configuration;
using Larder.Gateway.Forwarding;
using Microsoft.Extensions.Logging;

namespace Larder.Gateway.Hosting;

/// <summary>
/// Has a running gateway follow another configuration: rules, origins, headers and timeouts. Requests in progress end as they
/// began. What was stored under rules that mean the same is still used. All else stays as it was at the start, and is named.
/// </summary>
internal sealed class GatewayReload(GatewayOptions started, Forwarder forwarder, HttpCache cache, ILogger<GatewayReload> logger)
{
    private readonly Lock _gate = new();

    /// <summary>Follows other options.</summary>
    public void Apply(GatewayOptions options)
    {
        lock (_gate)
        {
            // Both are built before either holds: a configuration holds as a whole or not at all.
            RuleSet rules = cache.RulesOf(options.Rules);
            // A signal may come when the gateway has stopped.
            if (!forwarder.Replace(GatewayHost.ForwarderOptionsOf(options))) return;
            cache.Replace(rules);
        }
        Log.Reloaded(logger, string.Join(", ", forwarder.Plan.Origins.Select(origin => origin.Name)), options.Rules.Count);
        string[] kept = [.. Kept(options)];
        if (kept.Length > 0) Log.NeedsRestart(logger, string.Join(", ", kept));
    }

    /// <summary>Tells what is wrong with a configuration that is not followed.</summary>
    public void Refuse(IEnumerable<ConfigProblem> problems)
    {
        foreach (ConfigProblem problem in problems) Log.NotReloaded(logger, problem.ToString());
    }

    /// <summary>What differs from the start and takes a start to change.</summary>
    private IEnumerable<string> Kept(GatewayOptions options)
    {
        if (!options.Urls.SequenceEqual(started.Urls, StringComparer.OrdinalIgnoreCase) || !options.Http2Urls.SequenceEqual(started.Http2Urls, StringComparer.OrdinalIgnoreCase)) yield return "urls";
        if (options.Tls != started.Tls) yield return "tls";
        if ((options.MaxEntries, options.MaxBytes) != (started.MaxEntries, started.MaxBytes)) yield return "memory";
        if (options.MaxBodyBytes != started.MaxBodyBytes) yield return "body";
        if (options.KeepStale != started.KeepStale) yield return "keepStale";
        if (options.CacheErrors != started.CacheErrors) yield return "cacheErrors";
        if (!IsSame(options.Caching, started.Caching)) yield return "heuristics, compress, cacheControlTargets, tagHeaders, positionHeader, purge or esi";
        if (!options.PrivateUserHeader.Equals(started.PrivateUserHeader, StringComparison.OrdinalIgnoreCase)) yield return "privateUserHeader";
        if (options.Redis != started.Redis) yield return "redis";
    }

    private static bool IsSame(CachingOptions one, CachingOptions other) =>
        (one.Heuristics, one.Compress, one.PositionHeader, one.PurgeKey, one.Esi) == (other.Heuristics, other.Compress, other.PositionHeader, other.PurgeKey, other.Esi)
        && (one.CacheControlTargets ?? []).SequenceEqual(other.CacheControlTargets ?? []) && (one.TagHeaders ?? []).SequenceEqual(other.TagHeaders ?? [])
        && (one.PurgeFrom ?? []).SequenceEqual(other.PurgeFrom ?? []) && (one.PurgeFrom is null) == (other.PurgeFrom is null)
        && one.EsiPaths.Select(static path => path.Text).SequenceEqual(other.EsiPaths.Select(static path => path.Text));
}
