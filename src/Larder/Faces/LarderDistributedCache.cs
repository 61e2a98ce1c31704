using System.Buffers;
using System.Diagnostics;
using Microsoft.Extensions.Caching.Distributed;

namespace Larder;

/// <summary>
/// <see cref="IDistributedCache"/> and <see cref="IBufferDistributedCache"/> over a <see cref="LarderCache"/>, whose keys and limits it
/// shares. Values are copied in and out. Nothing in here does I/O: the synchronous calls are not the asynchronous ones waited for.
/// </summary>
/// <remarks>
/// A value without expiration stays until it is evicted or removed, as the interface has it. A sliding one is given its
/// time anew by each get and refresh, up to its absolute end. Keys and values over the cache's limits are not stored.
/// What a set after a miss means is said at <see cref="LarderDistributedCacheOptions.MissesBeginFills"/>.
/// </remarks>
public sealed class LarderDistributedCache : IBufferDistributedCache
{
    /// <summary>How often a set is tried that was refused for another key's sake, with which its key shares a mark.</summary>
    private const int MaxTries = 8;

    private readonly LarderCache _cache;
    private readonly bool _missesBeginFills;

    /// <summary>A face of the cache: nothing is kept beside it.</summary>
    public LarderDistributedCache(LarderCache cache)
    {
        ArgumentNullException.ThrowIfNull(cache);
        _cache = cache;
        _missesBeginFills = cache.Options.DistributedCache.MissesBeginFills;
        cache.Serializers.Use(new DistributedValueSerializer(cache.Clock));
    }

    /// <inheritdoc/>
    public byte[]? Get(string key) => Find(key)?.AsSpan().ToArray();

    /// <inheritdoc/>
    public Task<byte[]?> GetAsync(string key, CancellationToken token = default) =>
        token.IsCancellationRequested ? Task.FromCanceled<byte[]?>(token) : Task.FromResult(Get(key));

    /// <inheritdoc/>
    public bool TryGet(string key, IBufferWriter<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        if (Find(key) is not { } bytes) return false;
        destination.Write(bytes);
        return true;
    }

    /// <inheritdoc/>
    public ValueTask<bool> TryGetAsync(string key, IBufferWriter<byte> destination, CancellationToken token = default) =>
        token.IsCancellationRequested ? ValueTask.FromCanceled<bool>(token) : new(TryGet(key, destination));

    /// <inheritdoc/>
    public void Set(string key, byte[] value, DistributedCacheEntryOptions options)
    {
        ArgumentNullException.ThrowIfNull(value);
        Store(key, value.AsSpan().ToArray(), options);
    }

    /// <inheritdoc/>
    public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        if (token.IsCancellationRequested) return Task.FromCanceled(token);
        Set(key, value, options);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Set(string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options) => Store(key, value.ToArray(), options);

    /// <inheritdoc/>
    public ValueTask SetAsync(string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        if (token.IsCancellationRequested) return ValueTask.FromCanceled(token);
        Set(key, value, options);
        return default;
    }

    /// <inheritdoc/>
    public void Refresh(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        if (_cache.Find<DistributedValue>(key, out _) is { } stored) Prolong(key, stored);
    }

    /// <inheritdoc/>
    public Task RefreshAsync(string key, CancellationToken token = default)
    {
        if (token.IsCancellationRequested) return Task.FromCanceled(token);
        Refresh(key);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Remove(string key) => Done(_cache.RemoveAsync(key));

    /// <inheritdoc/>
    public Task RemoveAsync(string key, CancellationToken token = default)
    {
        if (token.IsCancellationRequested) return Task.FromCanceled(token);
        Remove(key);
        return Task.CompletedTask;
    }

    private byte[]? Find(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        LookupResult<DistributedValue> found = _cache.GetLocal<DistributedValue>(key);
        if (!found.Found)
        {
            if (_missesBeginFills && key.Length <= _cache.Options.MaxKeyLength) _cache.Misses.Add(key);
            return null;
        }
        Prolong(key, found.Value);
        return found.Value.Bytes;
    }

    private void Prolong(string key, DistributedValue stored)
    {
        if (stored.Sliding is not { } sliding) return;
        long now = _cache.Clock.Now;
        _cache.Memory.Prolong(key, stored, now, Math.Min(CacheClock.After(now, sliding), stored.AbsoluteEnd));
    }

    private void Store(string key, byte[] bytes, DistributedCacheEntryOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        ArgumentNullException.ThrowIfNull(options);
        TimeSpan? absolute = TimeToAbsoluteEnd(options);
        var stored = new DistributedValue(bytes, options.SlidingExpiration, CacheClock.After(_cache.Clock.Now, absolute ?? TimeSpan.MaxValue));
        TimeSpan ttl = absolute is null || options.SlidingExpiration < absolute ? options.SlidingExpiration ?? TimeSpan.MaxValue : absolute.Value;
        var entryOptions = new EntryOptions { Ttl = ttl, Size = bytes.Length + DistributedValue.Overhead };
        if (!_missesBeginFills || !TryEndFill(key, stored, entryOptions)) Done(_cache.SetForFaceAsync(key, stored, entryOptions));
    }

    /// <summary>Stores what follows a miss, unless something that covers the key came in between; false where no miss is known.</summary>
    private bool TryEndFill(string key, DistributedValue stored, EntryOptions options)
    {
        for (int tries = 1; ; tries++)
        {
            (bool isFill, bool isOvertaken) = _cache.Misses.Judge(key, out long stamp);
            if (!isFill) return false;
            Reason unstored = isOvertaken ? Reason.UnstoredOvertaken : _cache.Store(key, stored, options, new(stamp, 0));
            if (unstored == Reason.UnstoredOvertaken && !isOvertaken && tries < MaxTries) continue;
            _cache.Misses.End(key);
            if (unstored == Reason.UnstoredOvertaken)
            {
                _cache.Reasons.Count(unstored);
                Log.SetOvertaken(_cache.Logger);
            }
            return true;
        }
    }

    /// <summary>In memory the call has ended when it returns. Other nodes are told in the background: an interface without a task reaches this one .</summary>
    private static void Done<T>(ValueTask<T> call)
    {
        if (call.IsCompleted) call.GetAwaiter().GetResult();
    }

    /// <summary>The nearer of the two absolute ends, from now.</summary>
    private TimeSpan? TimeToAbsoluteEnd(DistributedCacheEntryOptions options)
    {
        TimeSpan? left = options.AbsoluteExpirationRelativeToNow;
        if (options.AbsoluteExpiration is not { } end) return left;
        TimeSpan untilEnd = end - _cache.Clock.UtcNow;
        if (untilEnd <= TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(nameof(options), end, "The absolute expiration must lie in the future.");
        return left < untilEnd ? left : untilEnd;
    }
}
