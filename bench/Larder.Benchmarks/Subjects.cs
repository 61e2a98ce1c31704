using System.Collections.Concurrent;
using Microsoft.Extensions.Caching.Memory;

namespace Larder.Benchmarks;

/// <summary>
/// The three that are compared, all with the same capacity. The dictionary has no bound, no expiry and no statistics: it is
/// the limit, not a competitor. MemoryCache gets a size limit and an absolute expiry, because Larder always has both.
/// </summary>
internal static class Subjects
{
    public static readonly MemoryCacheEntryOptions EntryOptions = new() { Size = 1, AbsoluteExpirationRelativeToNow = TimeSpan.FromHours(1) };

    public static ConcurrentDictionary<string, string> Dictionary() => new();

    public static MemoryCache MemoryCache(int capacity) => new(new MemoryCacheOptions { SizeLimit = capacity });

    public static LarderCache Larder(int capacity) => new(new LarderOptions { MaxEntries = capacity, MaxBytes = 1L << 34 });

    /// <summary>What a completed call returned; the benchmarks that use it do not leave the caller's thread.</summary>
    public static T Now<T>(this ValueTask<T> task) => task.IsCompletedSuccessfully ? task.Result : task.AsTask().GetAwaiter().GetResult();
}
