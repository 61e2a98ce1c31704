using System.Collections.Concurrent;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Caching.Memory;

namespace Larder.Benchmarks;

/// <summary>One thread makes missing values with a factory that has its result at once, and removes each again.</summary>
public class FillBenchmarks
{
    private readonly ConcurrentDictionary<string, string> _dictionary = new();
    private readonly MemoryCache _memoryCache = Subjects.MemoryCache(2 * Workload.Entries);
    private readonly LarderCache _larder = Subjects.Larder(2 * Workload.Entries);
    private string[] _order = [];

    [GlobalSetup]
    public void Setup() => _order = Workload.ZipfOrder(Workload.Keys(Workload.Entries));

    [GlobalCleanup]
    public void Cleanup()
    {
        _memoryCache.Dispose();
        _larder.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Workload.Operations), BenchmarkCategory("Fill")]
    public void FillDictionary()
    {
        foreach (string key in _order)
        {
            _dictionary.GetOrAdd(key, static (_, made) => made, key);
            _dictionary.TryRemove(key, out _);
        }
    }

    [Benchmark(OperationsPerInvoke = Workload.Operations), BenchmarkCategory("Fill")]
    public void FillLarder()
    {
        foreach (string key in _order)
        {
            _larder.GetOrCreateAsync(key, key, static (made, _) => new ValueTask<string>(made)).Now();
            _larder.RemoveAsync(key).Now();
        }
    }

    [Benchmark(OperationsPerInvoke = Workload.Operations), BenchmarkCategory("Fill")]
    public void FillMemoryCache()
    {
        foreach (string key in _order)
        {
            string made = key;
            _memoryCache.GetOrCreateAsync(key, _ => Task.FromResult(made), Subjects.EntryOptions).GetAwaiter().GetResult();
            _memoryCache.Remove(key);
        }
    }
}
