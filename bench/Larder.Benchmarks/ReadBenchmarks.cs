using System.Collections.Concurrent;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Caching.Memory;

namespace Larder.Benchmarks;

/// <summary>One thread reads 10,000 entries, none of which is evicted: hits, misses, and get-or-create that finds the value.</summary>
public class ReadBenchmarks
{
    private const string Value = "value";
    private readonly ConcurrentDictionary<string, string> _dictionary = Subjects.Dictionary();
    private readonly MemoryCache _memoryCache = Subjects.MemoryCache(2 * Workload.Entries);
    private readonly LarderCache _larder = Subjects.Larder(2 * Workload.Entries);
    private string[] _order = [];
    private string[] _absent = [];
    private string _captured = Value;

    [GlobalSetup]
    public void Setup()
    {
        string[] keys = Workload.Keys(Workload.Entries);
        foreach (string key in keys)
        {
            _dictionary[key] = Value;
            _memoryCache.Set(key, Value, Subjects.EntryOptions);
            _larder.SetAsync(key, Value).Now();
        }
        _order = Workload.ZipfOrder(keys);
        _absent = Workload.ZipfOrder(Workload.Keys(Workload.Entries, "nobody"));
        _captured = new(Value.AsSpan());
        if (_order.Any(key => !_larder.GetLocal<string>(key).Found || !_memoryCache.TryGetValue(key, out _)))
            throw new InvalidOperationException("A hit would be a miss.");
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _memoryCache.Dispose();
        _larder.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Workload.Operations), BenchmarkCategory("Hit")]
    public string? HitDictionary() => Dictionary(_order);

    [Benchmark(OperationsPerInvoke = Workload.Operations), BenchmarkCategory("Hit")]
    public string? HitLarder() => Larder(_order);

    [Benchmark(OperationsPerInvoke = Workload.Operations), BenchmarkCategory("Hit")]
    public string? HitMemoryCache() => MemoryCache(_order);

    [Benchmark(Baseline = true, OperationsPerInvoke = Workload.Operations), BenchmarkCategory("Miss")]
    public string? MissDictionary() => Dictionary(_absent);

    [Benchmark(OperationsPerInvoke = Workload.Operations), BenchmarkCategory("Miss")]
    public string? MissLarder() => Larder(_absent);

    [Benchmark(OperationsPerInvoke = Workload.Operations), BenchmarkCategory("Miss")]
    public string? MissMemoryCache() => MemoryCache(_absent);

    [Benchmark(Baseline = true, OperationsPerInvoke = Workload.Operations), BenchmarkCategory("GetOrCreate")]
    public string? GetOrCreateDictionary()
    {
        string? last = null;
        foreach (string key in _order) last = _dictionary.GetOrAdd(key, static (_, made) => made, _captured);
        return last;
    }

    [Benchmark(OperationsPerInvoke = Workload.Operations), BenchmarkCategory("GetOrCreate")]
    public string? GetOrCreateLarder()
    {
        string? last = null;
        foreach (string key in _order) last = _larder.GetOrCreateAsync(key, _captured, static (made, _) => new ValueTask<string>(made)).Now();
        return last;
    }

    /// <summary>Its extension takes no state: a static lambda that needs none is the best case.</summary>
    [Benchmark(OperationsPerInvoke = Workload.Operations), BenchmarkCategory("GetOrCreate")]
    public string? GetOrCreateMemoryCache()
    {
        string? last = null;
        foreach (string key in _order) last = _memoryCache.GetOrCreateAsync(key, static _ => Task.FromResult(Value)).GetAwaiter().GetResult();
        return last;
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Workload.Operations), BenchmarkCategory("GetOrCreateClosure")]
    public string? GetOrCreateClosureDictionary()
    {
        string? last = null;
        foreach (string key in _order)
        {
            string made = _captured;
            last = _dictionary.GetOrAdd(key, _ => made);
        }
        return last;
    }

    [Benchmark(OperationsPerInvoke = Workload.Operations), BenchmarkCategory("GetOrCreateClosure")]
    public string? GetOrCreateClosureLarder()
    {
        string? last = null;
        foreach (string key in _order)
        {
            string made = _captured;
            last = _larder.GetOrCreateAsync(key, _ => new ValueTask<string>(made)).Now();
        }
        return last;
    }

    [Benchmark(OperationsPerInvoke = Workload.Operations), BenchmarkCategory("GetOrCreateClosure")]
    public string? GetOrCreateClosureMemoryCache()
    {
        string? last = null;
        foreach (string key in _order)
        {
            string made = _captured;
            last = _memoryCache.GetOrCreateAsync(key, _ => Task.FromResult(made)).GetAwaiter().GetResult();
        }
        return last;
    }

    private string? Dictionary(string[] order)
    {
        string? last = null;
        foreach (string key in order)
            if (_dictionary.TryGetValue(key, out string? value)) last = value;
        return last;
    }

    private string? Larder(string[] order)
    {
        string? last = null;
        foreach (string key in order)
            if (_larder.GetLocal<string>(key) is { Found: true } found) last = found.Value;
        return last;
    }

    private string? MemoryCache(string[] order)
    {
        string? last = null;
        foreach (string key in order)
            if (_memoryCache.TryGetValue(key, out string? value)) last = value;
        return last;
    }
}
