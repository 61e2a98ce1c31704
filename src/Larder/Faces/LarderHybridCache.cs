using Microsoft.Extensions.Caching.Hybrid;

namespace Larder;

/// <summary>
/// <see cref="HybridCache"/> over a <see cref="LarderCache"/>: the same calls, with invalidation that fills can't
/// race and tags that are hierarchical.
/// </summary>
public sealed class LarderHybridCache(LarderCache cache) : HybridCache
{
    private const HybridCacheEntryFlags NoRead = HybridCacheEntryFlags.DisableLocalCacheRead;
    private const HybridCacheEntryFlags NoWrite = HybridCacheEntryFlags.DisableLocalCacheWrite;

    /// <inheritdoc/>
    public override ValueTask<T> GetOrCreateAsync<TState, T>(
        string key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory,
        HybridCacheEntryOptions? options = null, IEnumerable<string>? tags = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(factory);
        // What HybridCache makes of a key that is none: the data, uncached.
        if (string.IsNullOrEmpty(key)) return factory(state, cancellationToken);
        HybridCacheEntryFlags flags = options?.Flags ?? HybridCacheEntryFlags.None;
        if ((flags & (NoRead | NoWrite | HybridCacheEntryFlags.DisableUnderlyingData)) == 0)
            return cache.GetOrCreateAsync(key, state, factory, Convert(options, tags), cancellationToken);
        return WithFlagsAsync(key, state, factory, flags, Convert(options, tags), cancellationToken);
    }

    /// <inheritdoc/>
    public override async ValueTask SetAsync<T>(
        string key, T value, HybridCacheEntryOptions? options = null, IEnumerable<string>? tags = null, CancellationToken cancellationToken = default)
    {
        if ((options?.Flags & NoWrite) == NoWrite)
        {
            // The value is not to be kept here, but it has superseded the one that is.
            await cache.RemoveAsync(key, cancellationToken).ConfigureAwait(false);
            return;
        }
        await cache.SetAsync(key, value, Convert(options, tags), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask RemoveAsync(string key, CancellationToken cancellationToken = default) =>
        await cache.RemoveAsync(key, cancellationToken).ConfigureAwait(false);

    /// <summary>Invalidates everything with the tag or a tag below it; <c>*</c> stands for everything, an empty tag for nothing.</summary>
    public override async ValueTask RemoveByTagAsync(string tag, CancellationToken cancellationToken = default)
    {
        if (string.IsNullOrWhiteSpace(tag)) return;
        await cache.InvalidateAsync(tag == "*" ? Invalidation.All : Invalidation.Tag(tag), cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask<T> WithFlagsAsync<TState, T>(
        string key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory,
        HybridCacheEntryFlags flags, EntryOptions? options, CancellationToken cancellationToken)
    {
        if ((flags & NoRead) == 0)
        {
            LookupResult<T> found = await cache.GetAsync<T>(key, cancellationToken).ConfigureAwait(false);
            if (found.Found) return found.Value;
        }
        if ((flags & HybridCacheEntryFlags.DisableUnderlyingData) != 0) return default!;
        Stamp stamp = cache.BeginFill();
        T value = await factory(state, cancellationToken).ConfigureAwait(false);
        if ((flags & NoWrite) == 0) cache.TryStore(key, value, options ?? new(), stamp);
        return value;
    }

    private static EntryOptions? Convert(HybridCacheEntryOptions? options, IEnumerable<string>? tags)
    {
        // In one process the local lifetime is the lifetime, but never longer than the overall one.
        TimeSpan? ttl = options?.LocalCacheExpiration ?? options?.Expiration;
        if (options?.Expiration < ttl) ttl = options.Expiration;
        return ttl is null && tags is null ? null : new EntryOptions { Ttl = ttl, Tags = tags is null ? [] : [.. tags] };
    }
}
