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
/// <see cref="LarderHybridCacheOptions.MaximumPayloadBytes"/>, or with tags that Larder can't hold (<see cref="HybridTags"/>), is handed out
/// and not stored. Options and tags are looked at where a value is made or set, not on a hit. Each flag says what is left out:
/// the local ones of memory, the distributed ones of Redis, where there is that tier. The shorter of the two lifetimes holds in both.
/// </remarks>
public sealed class LarderHybridCache(LarderCache cache) : HybridCache
{
    /// <summary>What a set leaves out that keeps its value nowhere.</summary>
    private const EntryAccess NowhereKept = EntryAccess.NoWrite | EntryAccess.NoRemoteWrite;
    private const HybridCacheEntryFlags NoMaking = HybridCacheEntryFlags.DisableUnderlyingData;

    private readonly LarderHybridCacheOptions _options = cache.Options.HybridCache;
    private readonly int _maximumKeyLength = Math.Min(cache.Options.HybridCache.MaximumKeyLength, cache.Options.MaxKeyLength);
    private readonly EntryOptions _default = Convert(null, cache.Options.HybridCache);
    private readonly HybridTags _tags = new(cache.Options.MaxTags, cache.Logger);

    /// <summary>Callers keep their options in static fields: converted once.</summary>
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
        cancellationToken.ThrowIfCancellationRequested();
        EntryAccess left = AccessOf(FlagsOf(options)) & NowhereKept;
        // A value that is not to be kept somewhere has all the same superseded the one that is.
        if (left == (cache.Remote is null ? EntryAccess.NoWrite : NowhereKept))
        {
            await cache.RemoveAsync(key, cancellationToken).ConfigureAwait(false);
            return;
        }
        Reason unstored = left == EntryAccess.Whole || cache.Remote is not { } remote
            ? await cache.SetAsync(key, value, Convert(options, tags), cancellationToken).ConfigureAwait(false)
            : await SetInOneAsync(remote, key, value, cache.RulesOf(Convert(options, tags)), left).ConfigureAwait(false);
        if (unstored != Reason.None) cache.Reasons.Count(unstored);
    }

    /// <summary>Sets a value that is to be kept in memory only, or in Redis only.</summary>
    private ValueTask<Reason> SetInOneAsync<T>(RemoteCalls remote, string key, T value, EntryRules rules, EntryAccess left) =>
        remote.ApplyAsync(key, (Cache: cache, value, rules, left), static (set, key) =>
        {
            set.Cache.Misses.Overtake(key);
            Reason unstored = set.Cache.PartialFills[set.left].Storer.Set(key, set.value, set.rules, out Entry? stored);
            return (unstored, set.left == EntryAccess.NoWrite ? stored : null);
        });

    /// <inheritdoc/>
    public override async ValueTask RemoveAsync(string key, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (WhyUnusable(key) == Reason.None) await cache.RemoveAsync(key, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Invalidates everything with the tag or a tag below it; <c>*</c> stands for everything, an empty tag for nothing.</summary>
    public override async ValueTask RemoveByTagAsync(string tag, CancellationToken cancellationToken = default)
    {
        if (HybridTags.CoveredBy(tag) is { } covered) await cache.InvalidateAsync(covered, cancellationToken: cancellationToken).ConfigureAwait(false);
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
        if (WhyUnusable(key) is not Reason.None and var unusable) return UncachedAsync(text ?? key.ToString(), state, factory, flags, unusable, cancellationToken);
        EntryAccess access = AccessOf(flags);
        // A value that is due is refreshed on the way to making it: by calls that make and store.
        bool mayBeDue = access != EntryAccess.Whole || (flags & NoMaking) != 0;
        (Entry? seen, Reason missed) = (null, Reason.MissRequest);
        if ((access & EntryAccess.NoRead) == 0 && cache.TryHit(key, mayBeDue, out T hit, out seen, out missed)) return new(hit);
        if ((flags & NoMaking) != 0)
        {
            if ((access & EntryAccess.NoRemoteRead) == 0 && cache.Remote is { } remote)
                return FoundAsync(remote.GetAsync<T>(text ?? key.ToString(), seen, missed, allowStale: false, cache.PartialFills[access].Remote));
            cache.Reasons.Count(missed);
            return default;
        }
        var call = new FillCall<PlainFactory<TState, T>, T>(text ?? key.ToString(), new(state, factory), cache.RulesOf(Convert(options, tags)), missed);
        return LookupResult.ValueOf(cache.PartialFills.RunAsync(call, access, seen, cancellationToken));
    }

    /// <summary>A key that is too long is still one: who asks for it shares a run. What can't be a key at all names nothing that could be shared.</summary>
    private ValueTask<T> UncachedAsync<TState, T>(
        string key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory, HybridCacheEntryFlags flags, Reason why, CancellationToken cancellationToken)
    {
        bool makes = (flags & NoMaking) == 0;
        if (makes && why == Reason.BypassLimit)
            return LookupResult.ValueOf(cache.PartialFills.BypassAsync(
                new FillCall<PlainFactory<TState, T>, T>(key, new(state, factory), cache.RulesOf(_default), why), cancellationToken));
        cache.Reasons.Count(why);
        return makes ? factory(state, cancellationToken) : default;
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

    /// <summary>What a call leaves out: the flags of reading and writing have the same bits. Without Redis nothing of it is there.</summary>
    private EntryAccess AccessOf(HybridCacheEntryFlags flags) =>
        (EntryAccess)flags & (cache.Remote is null ? EntryAccess.NoRead | EntryAccess.NoWrite : EntryAccess.None);

    private static async ValueTask<T> FoundAsync<T>(ValueTask<LookupResult<T>> looking) => (await looking.ConfigureAwait(false)).Value!;

    private EntryOptions Convert(HybridCacheEntryOptions? options, IEnumerable<string>? tags)
    {
        EntryOptions converted =
            options is null ? _default
            : _converted.TryGetValue(options, out EntryOptions? known) ? known
            : _converted.GetOrAdd(options, Convert(options, _options));
        return tags is null ? converted : _tags.Apply(converted, tags);
    }

    private static EntryOptions Convert(HybridCacheEntryOptions? options, LarderHybridCacheOptions defaults)
    {
        // HybridCache keeps nulls like any other value, and what is longer than Larder's lifetimes can be is as good as for ever.
        TimeSpan? ttl = TtlOf(options) ?? TtlOf(defaults.DefaultEntryOptions);
        return new() { Ttl = ttl > EntryRules.Longest ? TimeSpan.MaxValue : ttl, MaxBytes = defaults.MaximumPayloadBytes, StoreNull = true };
    }

    /// <summary>In one process the local lifetime is the lifetime, but never longer than the overall one.</summary>
    private static TimeSpan? TtlOf(HybridCacheEntryOptions? options)
    {
        TimeSpan? ttl = options?.LocalCacheExpiration ?? options?.Expiration;
        return options?.Expiration < ttl ? options.Expiration : ttl;
    }
}
