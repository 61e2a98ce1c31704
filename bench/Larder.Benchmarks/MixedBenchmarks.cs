using System.Collections.Concurrent;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Caching.Memory;

namespace Larder.Benchmarks;

/// <summary>
/// 100,000 keys in a cache of 10,000: 95 of 100 operations read and fill on a miss, 5 write. The dictionary evicts nothing and
/// soon hits always: it shows what bounding costs, not how well it is done. The share of hits is in <c>--hits</c>.
/// </summary>
public class MixedBenchmarks
{
    private const int DistinctKeys = 100_000;
    private const int WriteEvery = 20;
    private readonly ConcurrentDictionary<string, string> _dictionary = Subjects.Dictionary();
    private readonly MemoryCache _memoryCache = Subjects.MemoryCache(Workload.Entries);
    private readonly LarderCache _larder = Subjects.Larder(Workload.Entries);
    private string[] _order = [];
    private int _position;

    [GlobalSetup]
    public void Setup() => _order = Workload.ZipfOrder(Workload.Keys(DistinctKeys), 16 * Workload.Operations);

    [GlobalCleanup]
    public void Cleanup()
    {
        _memoryCache.Dispose();
        _larder.Dispose();
    }

    /// <returns>How many of the reads were hits.</returns>
    [Benchmark(Baseline = true, OperationsPerInvoke = Workload.Operations), BenchmarkCategory("Mixed")]
    public int MixedDictionary()
    {
        int hits = 0, i = 0;
        foreach (string key in Next())
        {
            if (i++ % WriteEvery == 0) _dictionary[key] = key;
            else if (_dictionary.TryGetValue(key, out _)) hits++;
            else _dictionary[key] = key;
        }
        return hits;
    }

    /// <inheritdoc cref="MixedDictionary"/>
    [Benchmark(OperationsPerInvoke = Workload.Operations), BenchmarkCategory("Mixed")]
    public int MixedLarder()
    {
        int hits = 0, i = 0;
        foreach (string key in Next())
        {
            if (i++ % WriteEvery == 0) _larder.SetAsync(key, key).Now();
            else if (_larder.GetLocal<string>(key).Found) hits++;
            else _larder.SetAsync(key, key).Now();
        }
        return hits;
    }

    /// <inheritdoc cref="MixedDictionary"/>
    [Benchmark(OperationsPerInvoke = Workload.Operations), BenchmarkCategory("Mixed")]
    public int MixedMemoryCache()
    {
        int hits = 0, i = 0;
        foreach (string key in Next())
        {
            if (i++ % WriteEvery == 0) _memoryCache.Set(key, key, Subjects.EntryOptions);
            else if (_memoryCache.TryGetValue(key, out _)) hits++;
            else _memoryCache.Set(key, key, Subjects.EntryOptions);
        }
        return hits;
    }

    /// <summary>The share of reads that hit over <paramref name="passes"/> walks, the first of which fills the cache and is not counted.</summary>
    internal static double HitShare(Func<int> walk, int passes)
    {
        walk();
        long hits = 0;
        for (int pass = 0; pass < passes; pass++) hits += walk();
        return (double)hits / (passes * (Workload.Operations - (Workload.Operations + WriteEvery - 1) / WriteEvery));
    }

    private ReadOnlySpan<string> Next()
    {
        int start = _position;
        _position = (start + Workload.Operations) % _order.Length;
        return _order.AsSpan(start, Workload.Operations);
    }
}
