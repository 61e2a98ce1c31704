using System.Globalization;

namespace Larder.Benchmarks;

/// <summary>Managed bytes per entry of a million entries, net of keys and values: those exist before the cache does.</summary>
internal static class MemoryMeasurement
{
    private const int Entries = 1_000_000;

    public static int Run(TextWriter output)
    {
        string[] keys = Workload.Keys(Entries);
        string[] values = [.. Enumerable.Range(0, Entries).Select(i => i.ToString("D16", CultureInfo.InvariantCulture))];
        output.WriteLine("| 1,000,000 entries | bytes per entry, net of key and value | entries held |");
        output.WriteLine("|---|---:|---:|");

        Measure("ConcurrentDictionary", Subjects.Dictionary, (cache, i) => cache[keys[i]] = values[i], cache => cache.Count);
        Measure("Larder", () => Subjects.Larder(Entries), (cache, i) => cache.SetAsync(keys[i], values[i]).Now(), cache => cache.Statistics.Entries);
        Measure("MemoryCache", () => Subjects.MemoryCache(Entries),
            (cache, i) => Microsoft.Extensions.Caching.Memory.CacheExtensions.Set(cache, keys[i], values[i], Subjects.EntryOptions), cache => cache.Count);

        GC.KeepAlive(keys);
        GC.KeepAlive(values);
        return 0;

        void Measure<T>(string name, Func<T> make, Action<T, int> add, Func<T, long> count) where T : class
        {
            long before = Settled();
            T cache = make();
            for (int i = 0; i < Entries; i++) add(cache, i);
            long held = count(cache);
            long bytes = Settled() - before;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {(double)bytes / held:F0} | {held:N0} |"));
            GC.KeepAlive(cache);
            (cache as IDisposable)?.Dispose();
        }
    }

    private static long Settled()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }
        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
