using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OutputCaching;

namespace Larder.AspNetCore;

/// <summary>
/// Keeps what ASP.NET Core's own output caching (<c>UseOutputCache</c>) stores, within the limits of a
/// <see cref="LarderCache"/> and under its invalidations. A request looks first and stores what it made later: whatever
/// evicts the response in between keeps it out, which the framework's own store does not.
/// </summary>
/// <remarks>
/// The look is noted in the request, so what is stored without one (outside of a request, or by a policy that allows storing and
/// not looking) is not taken: it may be older than an eviction, and it can be made again.
/// Tags are hierarchical and compared without regard to case, as everywhere in the cache: <c>product</c> evicts
/// <c>product:7</c> too. A response with a tag that the cache does not allow (empty, over 256 characters, with control characters,
/// beginning with <c>=</c>) could not be evicted by it, so it is not stored. Arrays are handed out as they are: the
/// middleware only reads them.
/// </remarks>
public sealed class LarderOutputCacheStore : IOutputCacheStore
{
    private const string Space = "output:", HashedSpace = "output#";

    private readonly LarderCache _cache;
    private readonly IHttpContextAccessor _contexts;
    private int _hasTold;

    /// <summary>A store in the cache: nothing is kept beside it.</summary>
    public LarderOutputCacheStore(LarderCache cache, IHttpContextAccessor contexts)
    {
        ArgumentNullException.ThrowIfNull(cache);
        ArgumentNullException.ThrowIfNull(contexts);
        (_cache, _contexts) = (cache, contexts);
        cache.Serializers.Use(new DistributedValueSerializer(cache.Clock));
    }

    /// <summary>How long a request may take after its look for what it makes to go into Redis.</summary>
    private static readonly TimeSpan FillLife = TimeSpan.FromMinutes(1);

    /// <summary>When a request looked, before it made what it stores.</summary>
    private sealed record Look(string Key, Stamp Stamp)
    {
        /// <summary>What the response may replace in Redis; null where it was not asked, or may replace nothing.</summary>
        public SlotClaim? Claim { get; set; }
    }

    /// <inheritdoc/>
    public ValueTask<byte[]?> GetAsync(string key, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<byte[]?>(cancellationToken);
        key = KeyOf(key);
        // Noted for hits as well: a policy may find the response not fresh enough.
        var look = new Look(key, _cache.BeginFill());
        if (_contexts.HttpContext is { } context) context.Items[this] = look;
        if (_cache.Remote is not { } remote) return new(_cache.GetLocal<DistributedValue>(key).Value?.Bytes);
        return _cache.TryHit(key, mayBeDue: true, out DistributedValue hit, out Entry? seen, out Reason missed) ? new(hit.Bytes) : AskAsync(remote, look, seen, missed);
    }

    private static async ValueTask<byte[]?> AskAsync(RemoteCalls remote, Look look, Entry? seen, Reason missed)
    {
        (LookupResult<DistributedValue> found, look.Claim) = await remote.ClaimAsync<DistributedValue>(look.Key, seen, missed, FillLife).ConfigureAwait(false);
        return found.Value?.Bytes;
    }

    /// <inheritdoc/>
    public ValueTask SetAsync(string key, byte[] value, string[]? tags, TimeSpan validFor, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        ArgumentNullException.ThrowIfNull(value);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        Reason unstored = Store(KeyOf(key), value, tags ?? [], validFor);
        if (unstored != Reason.None) _cache.Reasons.Count(unstored);
        return default;
    }

    /// <inheritdoc/>
    public async ValueTask EvictByTagAsync(string tag, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tag);
        // Nothing is stored with one that is not allowed.
        if (TagRules.Problem(tag) is null) await _cache.InvalidateAsync(Invalidation.Tag(tag), "output cache", cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    private Reason Store(string key, byte[] value, string[] tags, TimeSpan validFor)
    {
        foreach (string tag in tags)
        {
            if (TagRules.Problem(tag) is not { } problem) continue;
            if (Interlocked.Exchange(ref _hasTold, 1) == 0) Log.OutputTagRefused(_cache.Logger, problem);
            return Reason.UnstoredTag;
        }
        if (_contexts.HttpContext?.Items[this] is not Look look || look.Key != key) return Reason.UnstoredOvertaken;
        var stored = new DistributedValue(value, null, CacheClock.After(_cache.Clock.Now, validFor));
        return _cache.Store(key, stored, new() { Ttl = validFor, Tags = tags, Size = value.Length + DistributedValue.Overhead }, look.Stamp, look.Claim);
    }

    /// <summary>A space of its own among the cache's keys; long keys by their hash, which can't be mistaken for another's own.</summary>
    private string KeyOf(string key) =>
        key.Length + Space.Length <= _cache.Options.MaxKeyLength ? Space + key
        : HashedSpace + Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(key.AsSpan())));
}
