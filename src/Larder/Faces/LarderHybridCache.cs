using System.Runtime.CompilerServices;
using Microsoft.Extensions.Caching.Hybrid;

namespace Larder;

/// <summary>
/// <see cref="HybridCache"/> over a <see cref="LarderCache"/>: the same calls, with invalidation that fills can't
/// race and tags that are hierarchical.
/// </summary>
/// <remarks>
/// As the framework's own does, it hands out the data uncached where a key can't be one: empty or blank, over
/// <see cref="LarderHybridCacheOptions.MaximumKeyLength"/>, with control characters, or malformed Unicode. A value over
/// <see cref="LarderHybridCacheOptions.MaximumPayloadBytes"/> is handed out and not stored. In memory only the local flags
/// and the shorter of the two lifetimes mean something; the distributed flags will, with a second tier.
/// </remarks>
public sealed class LarderHybridCache(LarderCache cache) : HybridCache
{
    private const HybridCacheEntryFlags NoRead = HybridCacheEntryFlags.DisableLocalCacheRead;
    private const HybridCacheEntryFlags NoWrite = HybridCacheEntryFlags.DisableLocalCacheWrite;
    private const HybridCacheEntryFlags NoMaking = HybridCacheEntryFlags.DisableUnderlyingData;

    private readonly LarderHybridCacheOptions _options = cache.Options.HybridCache;
    private readonly int _maximumKeyLength = Math.Min(cache.Options.HybridCache.MaximumKeyLength, cache.Options.MaxKeyLength);
    private readonly EntryOptions _default = Convert(null, null, cache.Options.HybridCache);

    /// <summary>Callers keep their options in static fields: converted once, a hit need not allocate.</summary>
    private readonly ConditionalWeakTable<HybridCacheEntryOptions, EntryOptions> _converted = [];

    /// <inheritdoc/>
    public override ValueTask<T> GetOrCreateAsync<TState, T>(
        string key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory,
        HybridCacheEntryOptions? options = null, IEnumerable<string>? tags = null, CancellationToken cancellationToken = default) =>
        AnswerAsync(key, key, state, factory, options, tags, cancellationToken);

    /// <summary>The same by a span, which becomes a string only where the value is not there yet.</summary>
    /// <inheritdoc cref="HybridCache.GetOrCreateAsync{TState, T}(ReadOnlySpan{char}, TState, Func{TState, CancellationToken, ValueTask{T}}, HybridCacheEntryOptions?, IEnumerable{string}?, CancellationToken)"/>
    public override ValueTask<T> GetOrCreateAsync<TState, T>(
        ReadOnlySpan<char> key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory,
        HybridCacheEntryOptions? options = null, IEnumerable<string>? tags = null, CancellationToken cancellationToken = default) =>
        AnswerAsync(key, null, state, factory, options, tags, cancellationToken);

    /// <summary>Stores a value; under a key that can't be one, and over the limits, nothing is stored.</summary>
    /// <inheritdoc/>
    public override async ValueTask SetAsync<T>(
        string key, T value, HybridCacheEntryOptions? options = null, IEnumerable<string>? tags = null, CancellationToken cancellationToken = default)
    {
        if (WhyUnusable(key) != Reason.None) return;
        // A value that is not to be kept here has all the same superseded the one that is.
        if ((FlagsOf(options) & NoWrite) != 0) await cache.RemoveAsync(key, cancellationToken).ConfigureAwait(false);
        else await cache.SetAsync(key, value, Convert(options, tags), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask RemoveAsync(string key, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (WhyUnusable(key) == Reason.None) await cache.RemoveAsync(key, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Invalidates everything with the tag or a tag below it; <c>*</c> stands for everything, an empty tag for nothing.</summary>
    public override async ValueTask RemoveByTagAsync(string tag, CancellationToken cancellationToken = default)
    {
        if (string.IsNullOrWhiteSpace(tag)) return;
        await cache.InvalidateAsync(tag == "*" ? Invalidation.All : Invalidation.Tag(tag), cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    /// <param name="key">The key.</param>
    /// <param name="text">The key as a string, where the caller has it.</param>
    private ValueTask<T> AnswerAsync<TState, T>(
        ReadOnlySpan<char> key, string? text, TState state, Func<TState, CancellationToken, ValueTask<T>> factory,
        HybridCacheEntryOptions? options, IEnumerable<string>? tags, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(factory);
        cancellationToken.ThrowIfCancellationRequested();
        HybridCacheEntryFlags flags = FlagsOf(options);
        if (WhyUnusable(key) is not Reason.None and var unusable) return Uncached(state, factory, flags, unusable, cancellationToken);
        EntryOptions converted = Convert(options, tags);
        return (flags & (NoRead | NoWrite | NoMaking)) != 0 ? PartlyAsync(text ?? key.ToString(), state, factory, flags, converted, cancellationToken)
            : text is not null ? cache.GetOrCreateAsync(text, state, factory, converted, cancellationToken)
            : cache.GetOrCreateAsync(key, state, factory, converted, cancellationToken);
    }

    private async ValueTask<T> PartlyAsync<TState, T>(
        string key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory,
        HybridCacheEntryFlags flags, EntryOptions options, CancellationToken cancellationToken)
    {
        Reason missed = Reason.MissRequest;
        if ((flags & NoRead) == 0 && cache.TryHit(key, out T hit, out missed)) return hit;
        if ((flags & NoMaking) != 0)
        {
            cache.Reasons.Count(missed);
            return default!;
        }
        EntryAccess access = ((flags & NoRead) == 0 ? EntryAccess.Whole : EntryAccess.NoRead) | ((flags & NoWrite) == 0 ? EntryAccess.Whole : EntryAccess.NoWrite);
        var call = new FillCall<PlainFactory<TState, T>, T>(key, new(state, factory), cache.RulesOf(options), missed);
        return (await cache.PartialFills.RunAsync(call, access, cancellationToken).ConfigureAwait(false)).Value!;
    }

    private ValueTask<T> Uncached<TState, T>(
        TState state, Func<TState, CancellationToken, ValueTask<T>> factory, HybridCacheEntryFlags flags, Reason why, CancellationToken cancellationToken)
    {
        cache.Reasons.Count(why);
        return (flags & NoMaking) == 0 ? factory(state, cancellationToken) : default;
    }

    private Reason WhyUnusable(ReadOnlySpan<char> key) =>
        key.Length > _maximumKeyLength ? Reason.BypassLimit
        : key.IsWhiteSpace() || key.ContainsAnyInRange('\0', '\u001f') || !IsWellFormed(key) ? Reason.BypassKey
        : Reason.None;

    /// <summary>Whether every surrogate has its other half: other keys would be one key in UTF-8.</summary>
    private static bool IsWellFormed(ReadOnlySpan<char> key)
    {
        for (int at; (at = key.IndexOfAnyInRange('\ud800', '\udfff')) >= 0; key = key[(at + 2)..])
            if (at + 1 >= key.Length || !char.IsSurrogatePair(key[at], key[at + 1])) return false;
        return true;
    }

    private HybridCacheEntryFlags FlagsOf(HybridCacheEntryOptions? options) =>
        options?.Flags ?? _options.DefaultEntryOptions?.Flags ?? HybridCacheEntryFlags.None;

    private EntryOptions Convert(HybridCacheEntryOptions? options, IEnumerable<string>? tags) =>
        tags is not null ? Convert(options, tags, _options)
        : options is null ? _default
        : _converted.TryGetValue(options, out EntryOptions? converted) ? converted
        : _converted.GetOrAdd(options, Convert(options, null, _options));

    private static EntryOptions Convert(HybridCacheEntryOptions? options, IEnumerable<string>? tags, LarderHybridCacheOptions defaults)
    {
        string[] list = tags is null ? [] : [.. tags];
        if (list.Contains("*")) throw new ArgumentException("The tag '*' stands for everything and can't be given to an entry.", nameof(tags));
        // HybridCache keeps nulls like any other value, and what is longer than Larder's lifetimes can be is as good as for ever.
        TimeSpan? ttl = TtlOf(options) ?? TtlOf(defaults.DefaultEntryOptions);
        return new() { Ttl = ttl > EntryRules.Longest ? TimeSpan.MaxValue : ttl, Tags = list, MaxBytes = defaults.MaximumPayloadBytes, StoreNull = true };
    }

    /// <summary>In one process the local lifetime is the lifetime, but never longer than the overall one.</summary>
    private static TimeSpan? TtlOf(HybridCacheEntryOptions? options)
    {
        TimeSpan? ttl = options?.LocalCacheExpiration ?? options?.Expiration;
        return options?.Expiration < ttl ? options.Expiration : ttl;
    }
}
