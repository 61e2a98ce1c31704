using System.Globalization;

namespace Larder.Bench.Traces.Policies;

/// <summary>Larder itself, called as a program calls it: looked up, and set when it was missing.</summary>
internal sealed class RealLarder : IPolicy, IDisposable
{
    private static readonly object Value = new();
    private static readonly TimeSpan NoExpiry = TimeSpan.FromDays(1);

    private readonly Setting _setting;
    private readonly LarderCache _cache;
    private readonly string[] _names;
    private readonly long _overhead;

    public RealLarder(Setting setting)
    {
        _setting = setting;
        bool weighed = setting.Trace.Costs is not null;
        _cache = new(new()
        {
            MaxEntries = weighed ? 100_000_000 : (int)setting.Capacity,
            MaxBytes = weighed ? setting.Capacity : 1L << 40,
            MaxEntryBytes = 2_000_000_000,
        });
        _names = [.. Enumerable.Range(0, setting.Keys).Select(key => key.ToString("x8", CultureInfo.InvariantCulture))];
        _overhead = Overhead(_names[0]);
    }

    public bool Access(int key)
    {
        string name = _names[key];
        if (_cache.GetLocal<object>(name).Found) return true;
        long size = _setting.Trace.Costs is null ? 0 : Math.Max(0, _setting.CostOf(key) - _overhead);
        _cache.SetAsync(name, Value, new() { Size = size, ShareInstance = true, Ttl = NoExpiry }).AsTask().GetAwaiter().GetResult();
        return false;
    }

    public void Dispose() => _cache.Dispose();

    /// <summary>What an entry costs beside its value; taken off each value, so that all policies weigh the same.</summary>
    private static long Overhead(string key)
    {
        using var cache = new LarderCache(new());
        cache.SetAsync(key, Value, new() { Size = 0, ShareInstance = true }).AsTask().GetAwaiter().GetResult();
        return cache.Statistics.Bytes;
    }
}
