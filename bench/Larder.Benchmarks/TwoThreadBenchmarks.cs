using System.Collections.Concurrent;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Caching.Memory;

namespace Larder.Benchmarks;

/// <summary>
/// Two threads hit the same 10,000 entries. The time is per operation of both together: half of one thread's means that
/// they did not disturb each other.
/// </summary>
public class TwoThreadBenchmarks
{
    private readonly ReadBenchmarks _reads = new();
    private readonly Barrier _start = new(2);
    private readonly Barrier _end = new(2);
    private Func<string?>? _work;
    private Thread? _second;

    [GlobalSetup]
    public void Setup()
    {
        _reads.Setup();
        _second = new(Follow) { IsBackground = true };
        _second.Start();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _work = null;
        _start.SignalAndWait();
        _second!.Join();
        _reads.Cleanup();
        _start.Dispose();
        _end.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = 2 * Workload.Operations), BenchmarkCategory("TwoThreadHit")]
    public string? TwoThreadHitDictionary() => Together(_reads.HitDictionary);

    [Benchmark(OperationsPerInvoke = 2 * Workload.Operations), BenchmarkCategory("TwoThreadHit")]
    public string? TwoThreadHitLarder() => Together(_reads.HitLarder);

    [Benchmark(OperationsPerInvoke = 2 * Workload.Operations), BenchmarkCategory("TwoThreadHit")]
    public string? TwoThreadHitMemoryCache() => Together(_reads.HitMemoryCache);

    private string? Together(Func<string?> work)
    {
        _work = work;
        _start.SignalAndWait();
        string? last = work();
        _end.SignalAndWait();
        return last;
    }

    private void Follow()
    {
        while (true)
        {
            _start.SignalAndWait();
            if (_work is not { } work) return;
            work();
            _end.SignalAndWait();
        }
    }
}
