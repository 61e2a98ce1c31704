using System.Globalization;
using Larder;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds caches to the program's health checks.</summary>
public static class LarderHealthChecksBuilderExtensions
{
    /// <summary>
    /// Reports whether the cache shares its values with other nodes: healthy where it does, and where it has nothing to share with; degraded while Redis is away, or
    /// this node is behind. It is never unhealthy: memory and the source answer.
    /// </summary>
    /// <param name="builder">What <c>AddHealthChecks</c> has returned.</param>
    /// <param name="cacheName">The name of a named cache; empty for the one without.</param>
    /// <param name="tags">What the check can be filtered by.</param>
    public static IHealthChecksBuilder AddLarder(this IHealthChecksBuilder builder, string cacheName = "", params string[] tags)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(cacheName);
        return builder.Add(new(
            cacheName.Length == 0 ? "larder" : $"larder:{cacheName}",
            provider => new LarderHealthCheck(cacheName.Length == 0 ? provider.GetRequiredService<LarderCache>() : provider.GetRequiredKeyedService<LarderCache>(cacheName)),
            HealthStatus.Degraded, tags));
    }
}

/// <summary>How the tier that a cache shares with other nodes is doing; asks nobody, so it can't hang.</summary>
internal sealed class LarderHealthCheck(LarderCache cache) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(Check());

    private HealthCheckResult Check()
    {
        if (cache.RemoteTier is not { } tier) return HealthCheckResult.Healthy("in memory only");
        var data = new Dictionary<string, object>
        {
            ["state"] = tier.State.ToString(),
            ["pending"] = tier.Pending,
            ["dropped"] = tier.Dropped,
        };
        return tier.State == RemoteTierState.InUse
            ? HealthCheckResult.Healthy("shared through Redis", data)
            : HealthCheckResult.Degraded(string.Create(CultureInfo.InvariantCulture, $"Redis is not used, memory and the source answer: {tier.Problem ?? "this node does not know all events yet"} ({tier.Pending} invalidations wait)"), data: data);
    }
}
