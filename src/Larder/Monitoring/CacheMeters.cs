using System.Diagnostics.Metrics;

namespace Larder;

/// <summary>
/// The instruments over all living caches of the process, by name. They are asked, not told: a call pays nothing for them,
/// whether somebody collects or not.
/// </summary>
/// <remarks>
/// Names are those that the framework's own memory cache uses, so that dashboards know them. Caches of one name are added up:
/// two measurements with the same tags would hide one of them.
/// </remarks>
internal static class CacheMeters
{
    private const string NameTag = "cache.name";

    private static readonly Lock Gate = new();
    private static readonly List<WeakReference<LarderCache>> Watched = [];

    static CacheMeters()
    {
        Meter meter = LarderMeter.Instance;
        meter.CreateObservableCounter("cache.requests", Requests, "{request}", "Calls that ended, by outcome and reason.");
        meter.CreateObservableCounter("cache.evictions", () => Sums(c => c.Statistics.Evictions), "{eviction}", "Entries that made room for others.");
        meter.CreateObservableCounter("cache.expirations", () => Sums(c => c.Statistics.Expirations), "{expiration}", "Entries whose time was over when they were removed.");
        meter.CreateObservableCounter("cache.invalidations", () => Sums(c => c.InvalidationHistory.Totals.Events), "{invalidation}", "Invalidations, where their history is kept.");
        meter.CreateObservableUpDownCounter("cache.entries", () => Sums(c => c.Statistics.Entries), "{entry}", "Entries in memory.");
        meter.CreateObservableGauge("cache.estimated_size", () => Sums(c => c.Statistics.Bytes), "By", "Estimated bytes of the entries in memory.");
    }

    /// <summary>How a name appears in tags: the nameless cache is <c>default</c>.</summary>
    public static KeyValuePair<string, object?> TagOf(string cacheName) => new(NameTag, cacheName.Length == 0 ? "default" : cacheName);

    public static void Watch(LarderCache cache)
    {
        lock (Gate)
        {
            Watched.RemoveAll(watched => !watched.TryGetTarget(out _));
            Watched.Add(new(cache));
        }
    }

    public static void Unwatch(LarderCache cache)
    {
        lock (Gate) Watched.RemoveAll(watched => !watched.TryGetTarget(out LarderCache? one) || ReferenceEquals(one, cache));
    }

    private static List<Measurement<long>> Requests() =>
        [.. from cache in Living()
            from reason in Enum.GetValues<Reason>()
            where reason.EndsCall()
            group cache.Reasons[reason] by (cache.Name, reason) into counts
            where counts.Any(count => count > 0)
            select new Measurement<long>(counts.Sum(), TagOf(counts.Key.Name),
                new("cache.request.type", counts.Key.reason.Outcome().Name()), new("cache.request.reason", counts.Key.reason.Name()))];

    private static List<Measurement<long>> Sums(Func<LarderCache, long> figure) =>
        [.. Living().GroupBy(cache => cache.Name, figure).Select(figures => new Measurement<long>(figures.Sum(), TagOf(figures.Key)))];

    private static List<LarderCache> Living()
    {
        lock (Gate) return [.. Watched.Select(watched => watched.TryGetTarget(out LarderCache? cache) ? cache : null).OfType<LarderCache>()];
    }
}
