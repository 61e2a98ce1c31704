using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using Larder.Redis;
using Microsoft.Extensions.DependencyInjection;

namespace Larder.Benchmarks;

/// <summary>Caches on a running server: what the tier costs a hit in memory, what a hit in Redis takes, how fast events travel and a log is read.</summary>
internal static class RedisTierMeasurement
{
    private const int Keys = 4096, ValueBytes = 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly EntryOptions Kept = new() { Ttl = TimeSpan.FromHours(1) };
    private static readonly string[] AllKeys = [.. Enumerable.Range(0, Keys).Select(k => $"key:{k}")];

    /// <summary>Writes the figures of one kind, separated by blanks; the caller knows their order.</summary>
    /// <param name="kind"><c>memory</c>, <c>hits</c>, <c>travel</c> or <c>replay</c>.</param>
    public static async Task<int> RunAsync(int port, string kind, bool quick, TextWriter output)
    {
        double[] figures = kind switch
        {
            "memory" => await MemoryAsync(port, quick ? 11 : 101),
            "hits" => await HitsAsync(port, quick ? 0.3 : 3),
            "travel" => await TravelAsync(port, quick ? 50 : 1000),
            "replay" => await ReplayAsync(port, quick ? 2000 : 100_000),
            _ => throw new ArgumentException("There is no such kind.", nameof(kind)),
        };
        await output.WriteLineAsync(string.Join(' ', figures.Select(figure => figure.ToString("G6", CultureInfo.InvariantCulture))));
        return 0;
    }

    /// <summary>The time of a hit in memory with the tier to that without it: the median of turns, each first the one, then the other.</summary>
    private static async Task<double[]> MemoryAsync(int port, int turns)
    {
        using var plain = new LarderCache(new() { MaxEntries = 2 * Keys });
        using LarderCache shared = await StartAsync(port, 2 * Keys);
        foreach (string key in AllKeys)
        {
            await plain.SetAsync(key, key, Kept);
            await shared.SetAsync(key, key, Kept);
        }
        var ratios = new double[turns];
        for (int turn = -3; turn < turns; turn++)
        {
            // Who is second finds the processor as the first has left it.
            bool plainFirst = turn % 2 == 0;
            double first = await HitAsync(plainFirst ? plain : shared), second = await HitAsync(plainFirst ? shared : plain);
            if (turn >= 0) ratios[turn] = plainFirst ? second / first : first / second;
        }
        return [Quantile(ratios, 0.5), Quantile(ratios, 0.25), Quantile(ratios, 0.75)];
    }

    /// <returns>Nanoseconds for each.</returns>
    private static async Task<double> HitAsync(LarderCache cache)
    {
        const int Rounds = 40;
        long began = Stopwatch.GetTimestamp();
        for (int round = 0; round < Rounds; round++)
            foreach (string key in AllKeys)
                _ = await cache.GetOrCreateAsync<string>(key, static _ => throw new InvalidOperationException("A hit was none."), Kept);
        return Stopwatch.GetElapsedTime(began).TotalNanoseconds / (Rounds * (double)Keys);
    }

    /// <summary>For 1, 32 and 64 callers: hits in Redis a second, bytes allocated by each; then commands of the server for each.</summary>
    private static async Task<double[]> HitsAsync(int port, double seconds)
    {
        using (LarderCache writer = await StartAsync(port, 2 * Keys))
            await Task.WhenAll(AllKeys.Select(key => writer.SetAsync(key, new byte[ValueBytes], Kept).AsTask()));
        // What is asked for is never there still: it was pushed out by all others.
        using LarderCache reader = await StartAsync(port, maxEntries: 1);
        var figures = new List<double>();
        foreach (int callers in (int[])[1, 32, 64])
        {
            await FindAsync(reader, callers, seconds / 3);
            (double rate, double bytes) = await FindAsync(reader, callers, seconds);
            figures.AddRange([rate, bytes]);
        }
        await using RedisLink link = await LinkAsync(port);
        long before = await ReadsAsync(link);
        const int Asked = 1000;
        for (int i = 0; i < Asked; i++) await FindOneAsync(reader, i);
        figures.Add((await ReadsAsync(link) - before) / (double)Asked);
        return [.. figures];
    }

    private static async Task<(double Rate, double Bytes)> FindAsync(LarderCache cache, int callers, double seconds)
    {
        long allocated = GC.GetTotalAllocatedBytes(precise: true), began = Stopwatch.GetTimestamp(), end = began + (long)(seconds * Stopwatch.Frequency);
        long[] done = await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            long count = 0;
            // Each has keys of its own: one that another has just brought into memory would be no hit in Redis.
            for (int share = Keys / callers; Stopwatch.GetTimestamp() < end; count++) await FindOneAsync(cache, (int)(caller * share + count % share));
            return count;
        })));
        return (done.Sum() / Stopwatch.GetElapsedTime(began).TotalSeconds, (GC.GetTotalAllocatedBytes(precise: true) - allocated) / (double)done.Sum());
    }

    // Its own box would count.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask FindOneAsync(LarderCache cache, int at)
    {
        LookupResult<byte[]> found = await cache.GetAsync<byte[]>(AllKeys[at % Keys]);
        if (found.Reason != Reason.HitRedis || found.Value is not { Length: ValueBytes }) throw new InvalidOperationException($"A hit in Redis was {found.Reason}.");
    }

    /// <summary>Milliseconds from the call of an invalidation until three other nodes have applied it: median and 99th percentile.</summary>
    private static async Task<double[]> TravelAsync(int port, int times)
    {
        using LarderCache sender = await StartAsync(port, 10);
        LarderCache[] others = [await StartAsync(port, 10), await StartAsync(port, 10), await StartAsync(port, 10)];
        var took = new double[times];
        for (int i = -10; i < times; i++)
        {
            // One event each time, and nobody else sends any.
            long next = 1 + others.Max(SeenBy);
            long began = Stopwatch.GetTimestamp();
            InvalidationResult result = await sender.InvalidateAsync(Invalidation.Tag("t"));
            if (result.Status != InvalidationStatus.Acknowledged) throw new InvalidOperationException($"An invalidation is {result.Status}.");
            await UntilAsync(() => others.All(other => SeenBy(other) >= next));
            if (i >= 0) took[i] = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        }
        foreach (LarderCache other in others) other.Dispose();
        return [Quantile(took, 0.5), Quantile(took, 0.99)];
    }

    /// <summary>Seconds until a new node has read a log of so many events, and until one whose connections were ended is back.</summary>
    private static async Task<double[]> ReplayAsync(int port, int events)
    {
        await using RedisLink link = await LinkAsync(port);
        await link.SendAsync(["FLUSHALL"], Patience);
        using LarderCache node = await StartAsync(port, 10);
        ulong epoch = node.Remote!.Tier.Follower.Epoch;
        var log = new LogCommands(new("larder:"), Patience);
        const int Together = 500;
        for (int i = 0; i < events; i += Together)
            await Task.WhenAll(Enumerable.Range(i, Math.Min(Together, events - i)).Select(async n =>
            {
                EventField[] fields = [new("kind", "tag"u8.ToArray()), new("text", Encoding.ASCII.GetBytes($"t:{n}"))];
                if ((await log.AppendAsync(link.Current!, RemoteStream.Groups, epoch, fields)).Outcome != LogOutcome.Done) throw new InvalidOperationException("An event was not appended.");
            }));
        await UntilAsync(() => SeenBy(node) >= events);

        long began = Stopwatch.GetTimestamp();
        using LarderCache late = await StartAsync(port, 10);
        await UntilAsync(() => SeenBy(late) >= events);
        double fresh = Stopwatch.GetElapsedTime(began).TotalSeconds;

        // Both caches have two.
        long back = await StatAsync(link, "stats", "total_connections_received:") + 4;
        began = Stopwatch.GetTimestamp();
        // All but the one that says so.
        await link.SendAsync(["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"], Patience);
        while (await StatAsync(link, "stats", "total_connections_received:") < back)
        {
        }
        await UntilAsync(() => SeenBy(late) >= events);
        return [fresh, Stopwatch.GetElapsedTime(began).TotalSeconds];
    }

    private static long SeenBy(LarderCache cache) => cache.Remote!.Tier.Follower.Usable?.SeenUpTo ?? -1;

    private static async Task<LarderCache> StartAsync(int port, int maxEntries)
    {
        var redis = new RedisOptions { Timeout = Patience };
        redis.Endpoints.Add(new("127.0.0.1", port));
        var cache = new LarderCache(new LarderOptions { MaxEntries = maxEntries }.UseRedis(redis));
        await UntilAsync(() => SeenBy(cache) >= 0);
        return cache;
    }

    private static async Task<RedisLink> LinkAsync(int port)
    {
        var options = new RedisOptions { Timeout = Patience };
        options.Endpoints.Add(new("127.0.0.1", port));
        var link = new RedisLink(options);
        await link.WhenConnectedAsync(new CancellationTokenSource(Patience).Token);
        return link;
    }

    /// <summary>How many commands on slots the server has run; the tier's look at the log once a second is none.</summary>
    private static Task<long> ReadsAsync(RedisLink link) => StatAsync(link, "commandstats", "cmdstat_(?:get|set|mget|strlen|getrange):calls=");

    /// <summary>The sum of the numbers behind a pattern in a section of <c>INFO</c>.</summary>
    private static async Task<long> StatAsync(RedisLink link, string section, string pattern) =>
        Regex.Matches((await link.SendAsync(["INFO", section], Patience)).Value.Text!, pattern + "(\\d+)").Sum(m => long.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture));

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (long began = Stopwatch.GetTimestamp(); !condition(); await Task.Yield())
            if (Stopwatch.GetElapsedTime(began) > Patience) throw new TimeoutException("It never happened.");
    }

    private static double Quantile(double[] values, double share) => values.Order().ElementAt((int)(share * (values.Length - 1)));
}
