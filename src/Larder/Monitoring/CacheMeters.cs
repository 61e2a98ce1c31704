using System.Diagnostics.Metrics;

namespace Larder;

/// <summary>
/// The instruments over all living caches of the process, by name. They are asked, not told: a call pays nothing for them,
/// whether somebody collects or not.
/// </summary>
/// <remarks>
/// Names are those that the framework's own memory cache uses, so that dashboards know them. Caches of one name are added up:
/// two measurements with the same tags would hide one of them. What a cache had counted when it was disposed of stays in the
/// sums, for counters must not fall.
/// </remarks>
internal static class CacheMeters
{
    private const string NameTag = "cache.name";

    private static readonly Lock Gate = new();
    private static readonly List<WeakReference<LarderCache>> Watched = [];
    private static readonly Dictionary<string, Counted> Departed = [];

    /// <summary>What a cache counts.</summary>
    private sealed record Counted(long Evictions, long Expirations, long Invalidations, long[] Reasons)
    {
        public static Counted Of(LarderCache cache) => new(
            cache.Removals.Evictions, cache.Removals.Expirations, cache.InvalidationHistory.Totals.Events,
            [.. Enum.GetValues<Reason>().Select(reason => cache.Reasons[reason])]);

        public Counted Plus(Counted other) => new(
            Evictions + other.Evictions, Expirations + other.Expirations, Invalidations + other.Invalidations,
            [.. Reasons.Zip(other.Reasons, (one, more) => one + more)]);
    }

    static CacheMeters()
    {
        Meter meter = LarderMeter.Instance;
        meter.CreateObservableCounter("cache.requests", Requests, "{request}", "Calls that ended, by outcome and reason.");
        meter.CreateObservableCounter("cache.evictions", () => Counts(c => c.Evictions), "{eviction}", "Entries that made room for others.");
        meter.CreateObservableCounter("cache.expirations", () => Counts(c => c.Expirations), "{expiration}", "Entries whose time was over when they were removed.");
        meter.CreateObservableCounter("cache.invalidations", () => Counts(c => c.Invalidations), "{invalidation}", "Invalidations, where their history is kept.");
        meter.CreateObservableUpDownCounter("cache.entries", () => Levels(c => c.Memory.Count), "{entry}", "Entries in memory.");
        meter.CreateObservableGauge("cache.remote.state", () => Remotes(tiers => tiers.Min(tier => (long)tier.State)), null, "The tier that nodes share: 0 away, 1 behind, 2 in use; of caches of one name the least.");
        meter.CreateObservableUpDownCounter("cache.remote.pending", () => Remotes(tiers => tiers.Sum(tier => (long)tier.Pending)), "{invalidation}", "Invalidations on their way to the tier that nodes share, or waiting for it.");
        meter.CreateObservableGauge("cache.estimated_size", () => Levels(c => c.Memory.Bytes), "By", "Estimated bytes of the entries in memory.");
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
        lock (Gate)
        {
            if (Watched.RemoveAll(watched => watched.TryGetTarget(out LarderCache? one) && ReferenceEquals(one, cache)) == 0) return;
            var last = Counted.Of(cache);
            Departed[cache.Name] = Departed.TryGetValue(cache.Name, out Counted? before) ? before.Plus(last) : last;
        }
    }

    private static List<Measurement<long>> Requests() =>
        [.. from cache in Sums()
            from reason in Enum.GetValues<Reason>()
            where reason.EndsCall() && cache.Value.Reasons[(int)reason] > 0
            select new Measurement<long>(cache.Value.Reasons[(int)reason], TagOf(cache.Key),
                new("cache.request.type", reason.Outcome().Name()), new("cache.request.reason", reason.Name()))];

    private static List<Measurement<long>> Counts(Func<Counted, long> figure) =>
        [.. Sums().Select(cache => new Measurement<long>(figure(cache.Value), TagOf(cache.Key)))];

    private static List<Measurement<long>> Levels(Func<LarderCache, long> figure)
    {
        lock (Gate) return [.. Living_NeedsGate().GroupBy(cache => cache.Name, figure).Select(figures => new Measurement<long>(figures.Sum(), TagOf(figures.Key)))];
    }

    private static List<Measurement<long>> Remotes(Func<IEnumerable<RemoteTierStatus>, long> figure)
    {
        lock (Gate)
            return [.. from cache in Living_NeedsGate()
                       let tier = cache.RemoteTier
                       where tier is not null
                       group tier by cache.Name into tiers
                       select new Measurement<long>(figure(tiers), TagOf(tiers.Key))];
    }

    private static Dictionary<string, Counted> Sums()
    {
        lock (Gate)
        {
            var sums = new Dictionary<string, Counted>(Departed);
            foreach (LarderCache cache in Living_NeedsGate())
                sums[cache.Name] = sums.TryGetValue(cache.Name, out Counted? before) ? before.Plus(Counted.Of(cache)) : Counted.Of(cache);
            return sums;
        }
    }

    private static IEnumerable<LarderCache> Living_NeedsGate() =>
        Watched.Select(watched => watched.TryGetTarget(out LarderCache? cache) ? cache : null).OfType<LarderCache>();
}
