using System.Collections.Concurrent;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Caching.Memory;

namespace Larder.Benchmarks;

/// <summary>One thread replaces the values of 10,000 entries; nothing is evicted.</summary>
public class WriteBenchmarks
{
    private readonly ConcurrentDictionary<string, string> _dictionary = Subjects.Dictionary();
    private readonly MemoryCache _memoryCache = Subjects.MemoryCache(2 * Workload.Entries);
    private readonly LarderCache _larder = Subjects.Larder(2 * Workload.Entries);
    private string[] _order = [];

    [GlobalSetup]
    public void Setup()
    {
        _order = Workload.ZipfOrder(Workload.Keys(Workload.Entries));
        SetDictionary();
        SetLarder();
        SetMemoryCache();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _memoryCache.Dispose();
        _larder.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Workload.Operations), BenchmarkCategory("Set")]
    public void SetDictionary()
    {
        foreach (string key in _order) _dictionary[key] = key;
    }

    [Benchmark(OperationsPerInvoke = Workload.Operations), BenchmarkCategory("Set")]
    public void SetLarder()
    {
        foreach (string key in _order) _larder.SetAsync(key, key).Now();
    }

    [Benchmark(OperationsPerInvoke = Workload.Operations), BenchmarkCategory("Set")]
    public void SetMemoryCache()
    {
        foreach (string key in _order) _memoryCache.Set(key, key, Subjects.EntryOptions);
    }
}
