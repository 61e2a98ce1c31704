using System.Buffers;
using System.Diagnostics;
using Microsoft.Extensions.Caching.Distributed;

namespace Larder;

/// <summary>
/// <see cref="IDistributedCache"/> and <see cref="IBufferDistributedCache"/> over a <see cref="LarderCache"/>, whose keys and limits it
/// shares. Values are copied in and out.
/// </summary>
/// <remarks>
/// A value without expiration stays until it is evicted or removed, as the interface has it. A sliding one is given its
/// time anew by each get and refresh, up to its absolute end. Keys and values over the cache's limits are not stored.
/// What a set after a miss means is said at <see cref="LarderDistributedCacheOptions.MissesBeginFills"/>.
/// The synchronous calls of the interface do their work themselves where memory answers, or there is no Redis tier; else they wait for
/// the asynchronous ones.
/// </remarks>
public sealed class LarderDistributedCache : IBufferDistributedCache
{
    /// <summary>How often a set is tried that was refused for another key's sake, with which its key shares a mark.</summary>
    private const int MaxTries = 8;
    /// <summary>How long a set may come after its miss: as long as that is remembered.</summary>
    private static readonly TimeSpan FillLife = TimeSpan.FromMilliseconds(2 * MissNotes.Life);

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
    public byte[]? Get(string key) => Copy(Waited(FindAsync(key)));

    /// <inheritdoc/>
    public Task<byte[]?> GetAsync(string key, CancellationToken token = default)
    {
        if (token.IsCancellationRequested) return Task.FromCanceled<byte[]?>(token);
        ValueTask<byte[]?> found = FindAsync(key);
        return found.IsCompletedSuccessfully ? Task.FromResult(Copy(found.Result)) : CopyAsync(found);
    }

    /// <inheritdoc/>
    public bool TryGet(string key, IBufferWriter<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        return Write(Waited(FindAsync(key)), destination);
    }

    /// <inheritdoc/>
    public ValueTask<bool> TryGetAsync(string key, IBufferWriter<byte> destination, CancellationToken token = default)
    {
        if (token.IsCancellationRequested) return ValueTask.FromCanceled<bool>(token);
        ArgumentNullException.ThrowIfNull(destination);
        ValueTask<byte[]?> found = FindAsync(key);
        return found.IsCompletedSuccessfully ? new(Write(found.Result, destination)) : WriteAsync(found, destination);
    }

    /// <inheritdoc/>
    public void Set(string key, byte[] value, DistributedCacheEntryOptions options)
    {
        ArgumentNullException.ThrowIfNull(value);
        Waited(StoreAsync(key, value.AsSpan().ToArray(), options));
    }

    /// <inheritdoc/>
    public Task SetAsync(string key, byte[] value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        if (token.IsCancellationRequested) return Task.FromCanceled(token);
        ArgumentNullException.ThrowIfNull(value);
        return TaskOf(StoreAsync(key, value.AsSpan().ToArray(), options));
    }

    /// <inheritdoc/>
    public void Set(string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options) => Waited(StoreAsync(key, value.ToArray(), options));

    /// <inheritdoc/>
    public ValueTask SetAsync(string key, ReadOnlySequence<byte> value, DistributedCacheEntryOptions options, CancellationToken token = default)
    {
        if (token.IsCancellationRequested) return ValueTask.FromCanceled(token);
        ValueTask<Reason> stored = StoreAsync(key, value.ToArray(), options);
        return stored.IsCompletedSuccessfully ? default : new(stored.AsTask());
    }

    /// <inheritdoc/>
    public void Refresh(string key) => Waited(ProlongAsync(key));

    /// <inheritdoc/>
    public Task RefreshAsync(string key, CancellationToken token = default) => token.IsCancellationRequested ? Task.FromCanceled(token) : TaskOf(ProlongAsync(key));

    /// <inheritdoc/>
    public void Remove(string key) => Waited(_cache.RemoveAsync(key));

    /// <inheritdoc/>
    public Task RemoveAsync(string key, CancellationToken token = default) => token.IsCancellationRequested ? Task.FromCanceled(token) : TaskOf(_cache.RemoveAsync(key, CancellationToken.None));

    private ValueTask<byte[]?> FindAsync(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        if (_cache.TryHit(key, mayBeDue: true, out DistributedValue hit, out Entry? seen, out Reason missed))
        {
            Prolong(key, hit);
            return new(hit.Bytes);
        }
        if (_cache.Remote is { } remote) return AskAsync(remote, key, seen, missed);
        LookupResult<DistributedValue> found = _cache.PartialFills[EntryAccess.Whole].Lookups.Answer<DistributedValue>(seen, key, missed, allowStale: false);
        if (!found.Found && BeginsFill(key)) _cache.Misses.Add(key);
        return new(found.Value?.Bytes);
    }

    /// <summary>Looks a key up in Redis that is no plain hit in memory.</summary>
    private async ValueTask<byte[]?> AskAsync(RemoteCalls remote, string key, Entry? seen, Reason missed)
    {
        bool begins = BeginsFill(key);
        LookupResult<DistributedValue> found;
        if (begins)
        {
            // In this order: what happens from here on overtakes the set.
            _cache.Misses.Add(key);
            (found, SlotClaim? claim) = await remote.ClaimAsync<DistributedValue>(key, seen, missed, FillLife).ConfigureAwait(false);
            if (found.Found) _cache.Misses.End(key);
            else _cache.Misses.Claimed(key, claim);
        }
        else
        {
            found = await remote.GetAsync<DistributedValue>(key, seen, missed, allowStale: false).ConfigureAwait(false);
        }
        if (!found.Found) return null;
        Prolong(key, found.Value);
        return found.Value.Bytes;
    }

    /// <summary>Whether a miss of the key is the beginning of a fill.</summary>
    private bool BeginsFill(string key) => _missesBeginFills && key.Length <= _cache.Options.MaxKeyLength;

    private ValueTask<bool> ProlongAsync(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        if (_cache.Find<DistributedValue>(key) is not { } stored) return _cache.Remote is { } remote ? FindAndProlongAsync(remote, key) : new(false);
        Prolong(key, stored);
        return new(true);
    }

    private async ValueTask<bool> FindAndProlongAsync(RemoteCalls remote, string key)
    {
        if (await remote.FindAsync(key).ConfigureAwait(false) is not { Value: DistributedValue stored }) return false;
        Prolong(key, stored);
        return true;
    }

    private void Prolong(string key, DistributedValue stored)
    {
        if (stored.Sliding is not { } sliding) return;
        long now = _cache.Clock.Now;
        _cache.Memory.Prolong(key, stored, now, Math.Min(CacheClock.After(now, sliding), stored.AbsoluteEnd));
        if (_cache.Remote is { } remote && stored.TakesTurn(now)) remote.Tier.Sliding.Use(key, sliding);
    }

    private ValueTask<Reason> StoreAsync(string key, byte[] bytes, DistributedCacheEntryOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        ArgumentNullException.ThrowIfNull(options);
        long now = _cache.Clock.Now;
        TimeSpan? absolute = TimeToAbsoluteEnd(options), sliding = options.SlidingExpiration;
        long dueAt = sliding is null ? long.MaxValue : CacheClock.After(now, SlidingValues.QuarterOf(CacheClock.After(0, sliding.Value)));
        var stored = new DistributedValue(bytes, sliding, CacheClock.After(now, absolute ?? TimeSpan.MaxValue), dueAt);
        TimeSpan ttl = absolute is null || sliding < absolute ? sliding ?? TimeSpan.MaxValue : absolute.Value;
        var entryOptions = new EntryOptions { Ttl = ttl, Size = bytes.Length + DistributedValue.Overhead };
        return _missesBeginFills && TryEndFill(key, stored, entryOptions) ? new(Reason.None) : _cache.SetForFaceAsync(key, stored, entryOptions);
    }

    /// <summary>Stores what follows a miss, unless something that covers the key came in between; false where no miss is known.</summary>
    private bool TryEndFill(string key, DistributedValue stored, EntryOptions options)
    {
        for (int tries = 1; ; tries++)
        {
            (bool isFill, bool isOvertaken) = _cache.Misses.Judge(key, out long stamp, out SlotClaim? claim);
            if (!isFill) return false;
            Reason unstored = isOvertaken ? Reason.UnstoredOvertaken : _cache.Store(key, stored, options, new(stamp, 0), claim);
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

    private static byte[]? Copy(byte[]? bytes) => bytes?.AsSpan().ToArray();

    private static async Task<byte[]?> CopyAsync(ValueTask<byte[]?> found) => Copy(await found.ConfigureAwait(false));

    private static bool Write(byte[]? bytes, IBufferWriter<byte> destination)
    {
        if (bytes is null) return false;
        destination.Write(bytes);
        return true;
    }

    private static async ValueTask<bool> WriteAsync(ValueTask<byte[]?> found, IBufferWriter<byte> destination) => Write(await found.ConfigureAwait(false), destination);

    private static Task TaskOf<T>(ValueTask<T> call) => call.IsCompletedSuccessfully ? Task.CompletedTask : call.AsTask();

    /// <summary>The result of a call that memory answers, as all of them do without Redis; else it is waited for, no longer than the tier's own deadlines.</summary>
    private static T Waited<T>(ValueTask<T> call) => call.IsCompleted ? call.GetAwaiter().GetResult() : call.AsTask().GetAwaiter().GetResult();

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
