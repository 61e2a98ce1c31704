using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.AspNetCore.OutputCaching;

namespace Larder.AspNetCore;

/// <summary>
/// Keeps what ASP.NET Core's own output caching (<c>UseOutputCache</c>) stores, within the limits of a
/// <see cref="LarderCache"/> and under its invalidations. What the middleware looked for and then made is a fill: an
/// eviction in between keeps it out, which the framework's own store does not.
/// </summary>
/// <remarks>
/// Tags are hierarchical and compared without regard to case, as everywhere in the cache: <c>product</c> evicts
/// <c>product:7</c> too. A response with a tag that the cache does not allow (empty, over 256 characters, with control characters,
/// beginning with <c>=</c>) could not be evicted by it, so it is not stored. Arrays are handed out as they are: the
/// middleware only reads them.
/// </remarks>
public sealed class LarderOutputCacheStore : IOutputCacheStore
{
    private const string Space = "output:", HashedSpace = "output#";

    private readonly LarderCache _cache;
    private readonly MissFills _fills;

    /// <summary>A store in the cache: nothing is kept beside it.</summary>
    public LarderOutputCacheStore(LarderCache cache)
    {
        ArgumentNullException.ThrowIfNull(cache);
        (_cache, _fills) = (cache, new(cache));
        cache.Serializers.Use(new DistributedValueSerializer(cache.Clock));
    }

    /// <inheritdoc/>
    public ValueTask<byte[]?> GetAsync(string key, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<byte[]?>(cancellationToken);
        key = KeyOf(key);
        LookupResult<DistributedValue> found = _cache.GetLocal<DistributedValue>(key);
        if (!found.Found) _fills.Begin(key);
        return new(found.Value?.Bytes);
    }

    /// <inheritdoc/>
    public ValueTask SetAsync(string key, byte[] value, string[]? tags, TimeSpan validFor, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        ArgumentNullException.ThrowIfNull(value);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        foreach (string tag in tags ?? [])
        {
            if (TagRules.Problem(tag) is not { } problem) continue;
            Log.OutputTagRefused(_cache.Logger, problem);
            return default;
        }
        key = KeyOf(key);
        var stored = new DistributedValue(value, null, CacheClock.After(_cache.Clock.Now, validFor));
        var options = new EntryOptions { Ttl = validFor, Tags = tags ?? [], Size = value.Length + DistributedValue.Overhead };
        if (!_fills.TryEnd(key, stored, options)) _cache.Set(key, stored, options);
        return default;
    }

    /// <inheritdoc/>
    public async ValueTask EvictByTagAsync(string tag, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tag);
        // Nothing is stored with one that is not allowed.
        if (TagRules.Problem(tag) is null) await _cache.InvalidateAsync(Invalidation.Tag(tag), "output cache", cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A space of its own among the cache's keys; long keys by their hash, which can't be mistaken for another's own.</summary>
    private string KeyOf(string key) =>
        key.Length + Space.Length <= _cache.Options.MaxKeyLength ? Space + key
        : HashedSpace + Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(key.AsSpan())));
}
