using System.Diagnostics;

namespace Larder.Tests.Support;

/// <summary>What a soak came to.</summary>
/// <param name="Operations">How many operations were done.</param>
/// <param name="Stale">Reads of a value older than what had been acknowledged when they began.</param>
/// <param name="Heap">Bytes on the managed heap after a collection, once a round.</param>
/// <param name="Took">How long it took.</param>
public sealed record SoakResult(long Operations, long Stale, IReadOnlyList<long> Heap, TimeSpan Took)
{
    /// <summary>
    /// By how many bytes the heap grew for each million operations, over the second half of the rounds (caches, pools and code have their
    /// size by then): the slope of the least squares.
    /// </summary>
    public double BytesPerMillion
    {
        get
        {
            long[] late = [.. Heap.Skip(Heap.Count / 2)];
            double perRound = (double)Operations / Heap.Count / 1e6, middle = (late.Length - 1) / 2.0, mean = late.Average();
            double slope = late.Select((bytes, i) => (i - middle) * (bytes - mean)).Sum() / late.Select((_, i) => (i - middle) * (i - middle)).Sum();
            return slope / perRound;
        }
    }
}

/// <summary>
/// Everything a cache can do, from several threads, for long: more keys than there is room for, every kind of
/// invalidation, lifetimes that end. Each key's origin is a version that only grows.
/// </summary>
public static class Soak
{
    private const int Keys = 4096;
    private const int Threads = 4;

    /// <summary>The system's clock, whose timers never ring: an upkeep of its own in the midst of a check would look like a fault.</summary>
    public static TimeProvider Clock { get; } = new ClockWithoutTimers();

    private sealed class ClockWithoutTimers : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Timer();

        private sealed class Timer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => default;
        }
    }

    /// <param name="cache">One with <see cref="Clock"/>.</param>
    /// <param name="operations">How many.</param>
    /// <param name="rounds">After each the cache is checked and the heap measured.</param>
    /// <param name="report">Told of each round.</param>
    public static SoakResult Run(LarderCache cache, long operations, int rounds, Action<string>? report = null)
    {
        long[] origin = new long[Keys], acknowledged = new long[Keys];
        long stale = 0, done = 0, start = Stopwatch.GetTimestamp();
        var heap = new List<long>();
        var upkeep = (Upkeep)StoreIntegrity.Field(cache, "_upkeep");
        Collect();
        for (int round = 0; round < rounds; round++)
        {
            // Each thread owns the writes of its keys, so that what is acknowledged only grows.
            int seed = round * Threads;
            Parallel.For(0, Threads, new() { MaxDegreeOfParallelism = Threads }, t => Work(t, new Random(seed + t), operations / rounds / Threads));
            done += operations / rounds / Threads * Threads;
            int entries = cache.Statistics.Entries;
            Settle(cache);
            heap.Add(Collect());
            report?.Invoke($"{done:N0} operations, {Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s, heap {heap[^1]:N0} B, {entries:N0} entries, {stale} stale");
        }
        return new(done, Interlocked.Read(ref stale), heap, Stopwatch.GetElapsedTime(start));

        void Work(int t, Random random, long count)
        {
            for (long i = 0; i < count; i++)
            {
                if (t == 0 && i % 10_000 == 0) upkeep.Run();
                int choice = random.Next(1000);
                // Some keys are asked for much more often than others.
                int k = random.Next(4) > 0 ? random.Next(Keys / 16) : random.Next(Keys);
                if (choice < 960) Read(k, choice);
                else Write(k / Threads * Threads + t, choice, random);
            }
        }

        void Read(int k, int choice)
        {
            long least = Volatile.Read(ref acknowledged[k]);
            long seen = choice < 500
                ? cache.GetLocal<long>(Key(k)) is { Found: true, Value: var found } ? found : long.MaxValue
                : cache.GetOrCreateAsync(Key(k), (origin, k), static (source, _) => new ValueTask<long>(Volatile.Read(ref source.origin[source.k])), Options(k)).AsTask().GetAwaiter().GetResult();
            if (seen < least) Interlocked.Increment(ref stale);
        }

        void Write(int k, int choice, Random random)
        {
            long version = Interlocked.Increment(ref origin[k]);
            if (choice < 975) cache.SetAsync(Key(k), version, Options(k)).AsTask().GetAwaiter().GetResult();
            else if (choice < 985) cache.RemoveAsync(Key(k)).AsTask().GetAwaiter().GetResult();
            else
            {
                Invalidation what = random.Next(200) switch
                {
                    0 => Invalidation.All,
                    1 => Invalidation.Glob($"key:{k}*"),
                    2 => Invalidation.Regex($"^key:{k}$"),
                    3 => Invalidation.Prefix($"key:{k}"),
                    4 => Invalidation.AllTags($"group:{k % 64}", $"own:{k}"),
                    < 20 => Invalidation.Tag($"group:{k % 64}"),
                    < 30 => Invalidation.User($"user:{k % 512}"),
                    < 40 => Invalidation.AnyTag($"own:{k}", "nobody's"),
                    < 100 => Invalidation.Tag($"own:{k}"),
                    _ => Invalidation.Key(Key(k)),
                };
                cache.InvalidateAsync(random.Next(2) == 0 ? what : what.Soft(), "soak", count: random.Next(500) == 0).AsTask().GetAwaiter().GetResult();
            }
            Volatile.Write(ref acknowledged[k], version);
        }
    }

    /// <summary>What other tests left behind is not to be measured.</summary>
    private static long Collect()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    /// <summary>Entries, of which there are now more and now fewer, and events that are kept for a while would look like growth.</summary>
    private static void Settle(LarderCache cache)
    {
        StoreIntegrity.Check(cache);
        cache.InvalidateAsync(Invalidation.All, count: true).AsTask().GetAwaiter().GetResult();
        ((Upkeep)StoreIntegrity.Field(cache, "_upkeep")).Run();
        var index = (InvalidationIndex)StoreIntegrity.Field(cache, "_index");
        index.Forget(index.Newest);
    }

    private static readonly string[] AllKeys = [.. Enumerable.Range(0, Keys).Select(k => "key:" + k)];

    private static readonly EntryOptions[] AllOptions =
    [
        .. Enumerable.Range(0, Keys).Select(k => new EntryOptions
        {
            Tags = [$"group:{k % 64}:x", $"own:{k}"], User = $"user:{k % 512}", Ttl = TimeSpan.FromMilliseconds(200 + k % 7 * 1000),
        }),
    ];

    private static string Key(int k) => AllKeys[k];

    private static EntryOptions Options(int k) => AllOptions[k];
}
