using Microsoft.Extensions.Caching.Hybrid;

namespace Larder;

/// <summary>
/// What <see cref="LarderHybridCache"/> does beyond the cache's own limits. The names and defaults are those of the framework's
/// <c>HybridCacheOptions</c>, so that a program that changes over keeps its settings.
/// </summary>
public sealed class LarderHybridCacheOptions
{
    /// <summary>Longest key that is cached, in characters; a call with a longer one runs its factory uncached. 1,024 by default.</summary>
    public int MaximumKeyLength { get; set; } = 1024;

    /// <summary>Largest value that is stored, in bytes; a larger one is handed out uncached. 1 MiB by default.</summary>
    public long MaximumPayloadBytes { get; set; } = 1 << 20;

    /// <summary>
    /// What holds where a call says nothing: its flags where the call has none, its lifetimes where the call has neither.
    /// </summary>
    public HybridCacheEntryOptions? DefaultEntryOptions { get; set; }
}
