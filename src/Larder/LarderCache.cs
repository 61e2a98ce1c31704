using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Larder;

/// <summary>
/// One cache: bounded memory, one fill per key, tags, invalidation without races.
/// </summary>
/// <remarks>
/// The way of a call, in order:
/// <list type="number">
/// <item>key: checked; one that is too long is not cached</item>
/// <item>memory: looked up without a lock</item>
/// <item>judge: expired, invalidated, of another type, or a hit</item>
/// <item>fill: one flight per key runs the factory</item>
/// <item>stamp: the result is refused if something newer covers it</item>
/// <item>store: room is made, the entry becomes visible</item>
/// <item>answer: the value, with its reason</item>
/// </list>
/// Nothing the cache does may fail a call: what can't be stored is handed out all the same.
/// </remarks>
public sealed class LarderCache : IDisposable, IAsyncDisposable
{
    private readonly LarderOptions _options;
    private readonly CacheClock _clock;
    private readonly Ordinals _ordinals = new();
    private readonly InvalidationIndex _index;
    private readonly MemoryStore _memory;
    private readonly EntryFactory _entries;
    private readonly FillStage _fill;
    private readonly Refreshes _refreshes = new();
    private readonly Upkeep _upkeep;
    private long _fills;

    /// <summary>Makes a cache of its own; programs with dependency injection call <c>services.AddLarder()</c> instead.</summary>
    /// <param name="options">Limits and defaults.</param>
    /// <param name="time">The clock; the system's by default.</param>
    /// <param name="logger">Where failures of listeners and serializers are told.</param>
    /// <param name="services">Where serializers are looked for.</param>
    /// <param name="name">What messages and metrics call it.</param>
    /// <exception cref="ArgumentException">The options are out of range; the message names each field. Or another living cache has the same <see cref="SnapshotOptions.Path"/>.</exception>
    public LarderCache(LarderOptions? options = null, TimeProvider? time = null, ILogger<LarderCache>? logger = null, IServiceProvider? services = null, string name = "")
    {
        _options = options ?? new();
        if (new LarderOptionsValidator().Validate(name, _options) is { Failed: true } invalid) throw new ArgumentException(invalid.FailureMessage, nameof(options));
        time ??= TimeProvider.System;
        logger = logger is null ? NullLogger<LarderCache>.Instance : new QuietLogger(logger);
        (Name, Logger) = (name, logger);
        SnapshotPaths.Claim(this);
        _clock = new(time);
        _index = new(_ordinals);
        Misses = new(_ordinals, _index, _clock);
        Events = new(logger);
        Removals = new(Events);
        _memory = new(_options.MaxEntries, _options.MaxBytes, _ordinals, _index, Removals.Tell);
        Serializers = new(services);
        _entries = new(_options, _clock, Serializers, logger);
        _upkeep = new(_memory, _index, _clock, time);
        var receiver = new LocalReceiver(_memory, _index, Misses, _clock, _upkeep);
        RemoteTier? tier = _options.Remote is not { } remote ? null : new(remote(_clock), receiver, _memory, _index, new(_entries, Serializers), WireLimits.OfTier(_options), _clock, time);
        FillStage Fills(EntryAccess access) => new(access, _clock, time, _ordinals, _memory, _index, _entries, _refreshes, tier, _options.Chance, Reasons, Events, logger, name);
        _fill = Fills(EntryAccess.Whole);
        PartialFills = new(_fill, tier is not null, Fills);
        Keys = new(_options.Keys, _options.MaxKeyLength, time, logger, name);
        InvalidationLog = tier is null ? new InProcessLog(receiver, _ordinals) : tier.Events;
        if (tier is not null) _remote = new(tier, _fill.Remote!, _clock, _entries, _fill.Lookups, Reasons, Events);
        InvalidationHistory = new(_options.InvalidationHistory, _options.InvalidationsPerHour, time, logger);
        Snapshots = new(Name, _options, time, _clock, _memory, _index, InvalidationLog, new(_entries, Serializers), tier, logger);
        CacheMeters.Watch(this);
    }

    /// <summary>The name under which the cache was added; empty for the one without.</summary>
    public string Name { get; }

    /// <summary>Makes keys of endpoints, requests and operations.</summary>
    public CacheKeys Keys { get; }

    /// <summary>What happens to entries: to those of a call at once, to those that a group invalidation covers when they are found.</summary>
    public CacheEvents Events { get; }

    /// <summary>Saves what is in memory to a file and loads it again.</summary>
    public Snapshots Snapshots { get; }

    /// <summary>Where a face registers how its own values are written.</summary>
    internal Serializers Serializers { get; }

    /// <summary>How calls ended, data and HTTP alike.</summary>
    internal ReasonCounters Reasons { get; } = new();

    /// <summary>How often calls ended with each reason since the cache was made, by the reason's written form.</summary>
    public IReadOnlyDictionary<string, long> ReasonCounts => Reasons.ToDictionary();

    /// <summary>The last invalidations and how many there were.</summary>
    public InvalidationHistory InvalidationHistory { get; }

    /// <summary>What compressing values costs and brings (<see cref="LarderOptions.Compression"/>).</summary>
    public CompressionStatistics Compression => _entries.Compressor.Statistics;

    // What the faces need of the engine.
    internal LarderOptions Options => _options;
    internal CacheClock Clock => _clock;
    internal MemoryStore Memory => _memory;
    internal IInvalidationLog InvalidationLog { get; }
    internal MissNotes Misses { get; }
    internal ILogger Logger { get; }
    internal PartialFills PartialFills { get; }
    internal RemoteCalls? Remote => _remote;
    internal int FillsUnderWay => PartialFills.UnderWay;
    internal Removals Removals { get; }
    /// <summary>Behind all that a hit looks at, so that nothing of that lies farther away for it; null without the Redis tier.</summary>
    private readonly RemoteCalls? _remote;

    /// <summary>Figures since the cache was made.</summary>
    public CacheStatistics Statistics => new(
        Reasons.Sum(o => o is Outcome.Hit or Outcome.Stale or Outcome.Revalidated), Reasons.Sum(o => o == Outcome.Miss),
        Removals.Evictions, Removals.Expirations, _memory.Count, _memory.CountExpired(_clock.Now), _memory.Bytes, _options.MaxEntries, _options.MaxBytes);

    /// <summary>Returns the value under the key, or runs the factory and keeps what it returns.</summary>
    /// <typeparam name="TState">What the factory needs: passed along so that it can be a static lambda, which allocates nothing.</typeparam>
    /// <typeparam name="T">The type of the value.</typeparam>
    /// <param name="key">The key: any text but the empty one.</param>
    /// <param name="state">Passed to the factory.</param>
    /// <param name="factory">Makes the value; run once for all callers that wait. Its token is cancelled when none is left.</param>
    /// <param name="options">How the value is kept.</param>
    /// <param name="cancellationToken">Ends the waiting of this caller.</param>
    /// <exception cref="ArgumentException">The key is empty, or an option is out of range.</exception>
    /// <exception cref="TimeoutException">The factory exceeded <see cref="EntryOptions.HardTimeout"/>, and no stale value stands in.</exception>
    /// <exception cref="InvalidOperationException">Factories wait for each other, or one for its own key.</exception>
    public ValueTask<T> GetOrCreateAsync<TState, T>(
        string key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory,
        EntryOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        ArgumentNullException.ThrowIfNull(factory);
        Entry? entry = _memory.Find(key, out int hash);
        return TryTake(entry, mayBeDue: false, out T value, out _)
            ? new(value)
            : LookupResult.ValueOf(FillAsync<PlainFactory<TState, T>, T>(key, new(state, factory), options, entry, hash, cancellationToken));
    }

    /// <summary>The same by a span, which becomes a string only where the value is not there yet.</summary>
    /// <inheritdoc cref="GetOrCreateAsync{TState, T}(string, TState, Func{TState, CancellationToken, ValueTask{T}}, EntryOptions?, CancellationToken)"/>
    public ValueTask<T> GetOrCreateAsync<TState, T>(
        ReadOnlySpan<char> key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory,
        EntryOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(factory);
        if (key.IsEmpty || key.Length > _options.MaxKeyLength) return GetOrCreateAsync(key.ToString(), state, factory, options, cancellationToken);
        Entry? entry = _memory.Find(key, out int hash);
        return TryTake(entry, mayBeDue: false, out T value, out _)
            ? new(value)
            : LookupResult.ValueOf(FillAsync<PlainFactory<TState, T>, T>(key.ToString(), new(state, factory), options, entry, hash, cancellationToken));
    }

    /// <inheritdoc cref="GetOrCreateAsync{TState, T}(string, TState, Func{TState, CancellationToken, ValueTask{T}}, EntryOptions?, CancellationToken)"/>
    public ValueTask<T> GetOrCreateAsync<T>(
        string key, Func<CancellationToken, ValueTask<T>> factory, EntryOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(factory);
        return GetOrCreateAsync(key, factory, static (make, token) => make(token), options, cancellationToken);
    }

    /// <summary>Looks a key up without making its value; a stale value counts as none.</summary>
    public ValueTask<LookupResult<T>> GetAsync<T>(string key, CancellationToken cancellationToken = default) => GetAsync<T>(key, false, cancellationToken);

    /// <summary>Looks a key up without making its value.</summary>
    /// <param name="key">The key: any text but the empty one.</param>
    /// <param name="allowStale">Whether a value within one of its stale windows is good enough; nothing refreshes it.</param>
    /// <param name="cancellationToken">Nothing is waited for; a cancelled token is refused.</param>
    public ValueTask<LookupResult<T>> GetAsync<T>(string key, bool allowStale, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        cancellationToken.ThrowIfCancellationRequested();
        if (TryGet(key, out LookupResult<T> hit, out Entry? seen, out Reason missed)) return new(hit);
        return _remote is null ? new(_fill.Lookups.Answer<T>(seen, key, missed, allowStale)) : _remote.GetAsync<T>(key, seen, missed, allowStale);
    }

    /// <summary>Looks a key up in this process's memory; a stale value counts as none.</summary>
    public LookupResult<T> GetLocal<T>(ReadOnlySpan<char> key) => TryGet(key, out LookupResult<T> hit, out Entry? seen, out Reason missed) ? hit : _fill.Lookups.Answer<T>(seen, key, missed, allowStale: false);

    /// <summary>Stores a value, null too; fills of the key that are under way will not overwrite it.</summary>
    /// <returns><see cref="Reason.None"/> when it was stored, otherwise why not; what was stored before is gone in any case.</returns>
    public ValueTask<Reason> SetAsync<T>(string key, T value, EntryOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ArgumentException.ThrowIfNullOrEmpty(key);
        return PutAsync(key, value, RulesOf(options));
    }

    /// <summary>Removes a key; fills of it that are under way will not be stored.</summary>
    /// <returns>Whether it was there.</returns>
    public ValueTask<bool> RemoveAsync(string key, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ArgumentException.ThrowIfNullOrEmpty(key);
        return _remote is null ? new ValueTask<bool>(Remove(key)) : _remote.ApplyAsync(key, this, static (cache, key) => (cache.Remove(key), (Entry?)null));
    }

    private bool Remove(string key)
    {
        Misses.Overtake(key);
        RemovalCause cause =
            _memory.Find(key) is not { Value: not StoredFailure } entry || !_index.IsCurrent(entry) ? RemovalCause.Invalidated
            : entry.IsGone(_clock.Now) ? RemovalCause.Expired
            : RemovalCause.Removed;
        (_, bool removed) = _memory.Invalidate(key, cause);
        return removed && cause == RemovalCause.Removed;
    }

    /// <summary>
    /// Invalidates everything that <paramref name="what"/> covers. It holds when the task ends: from then on nobody is
    /// handed what was made before, or only as stale where the invalidation is soft. Memory is freed in the background,
    /// or at once when the count is asked for.
    /// </summary>
    /// <param name="what">What is covered.</param>
    /// <param name="reason">Why, for <see cref="InvalidationHistory"/>: at most 256 characters, no control characters.</param>
    /// <param name="count">
    /// Whether to count what it ended in memory, which looks at every entry unless it is about a key.
    /// <see cref="InvalidationResult.Removed"/> is null all the same where it is asked for from within a listener that an
    /// invalidation called, and where another count or the upkeep does not end within ten seconds.
    /// </param>
    /// <param name="cancellationToken">Ends the waiting, and afterwards the counting only: the invalidation holds then, with no count.</param>
    /// <exception cref="ArgumentException">The reason is too long or holds control characters.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled before it was published: nothing happened.</exception>
    /// <exception cref="PendingInvalidationException">On a strict node of the Redis tier: it holds on this node, and the log does not have it yet.</exception>
    public ValueTask<InvalidationResult> InvalidateAsync(
        Invalidation what, string? reason = null, bool count = false, CancellationToken cancellationToken = default) =>
        this.InvalidateAsync(what, InvalidationReach.Logged, reason, count, cancellationToken);

    /// <summary>Removes everything, whatever is under way too.</summary>
    /// <returns>How many entries that were; null where they could not be counted, as for <see cref="InvalidateAsync"/>.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled before it was published: nothing happened.</exception>
    public async ValueTask<int?> ClearAsync(CancellationToken cancellationToken = default) =>
        (await InvalidateAsync(Invalidation.All, count: true, cancellationToken: cancellationToken).ConfigureAwait(false)).Removed;

    /// <summary>Whether a fresh value is stored; does not count as a use.</summary>
    public bool Exists(string key) => GetTimeToLive(key) is not null;

    /// <summary>The time a fresh value has left, or null where there is none; does not count as a use.</summary>
    public TimeSpan? GetTimeToLive(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        return _fill.Lookups.TimeToLive(key);
    }

    /// <summary>The keys of fresh values in memory, in ordinal order; does not count as uses. Looks at every entry.</summary>
    /// <param name="limit">Most keys to return, 1 to 10,000.</param>
    /// <param name="after">The last key of the page before.</param>
    /// <param name="glob">What the keys must match, as in <see cref="Invalidation.Glob"/>; null for all.</param>
    /// <param name="cancellationToken">Ends the looking.</param>
    public IReadOnlyList<string> GetKeys(int limit = 1000, string? after = null, string? glob = null, CancellationToken cancellationToken = default) =>
        _fill.Lookups.Keys(limit, after, glob, cancellationToken);

    /// <summary>Removes what is gone, its stale windows included, and returns how many entries that were; the cache does it by itself once a second.</summary>
    public int RemoveExpired() => _memory.DropExpired(_clock.Now);

    /// <summary>
    /// The stamp of a value whose making begins now, for callers that store with <see cref="TryStore"/> what they
    /// make outside of the cache.
    /// </summary>
    public Stamp BeginFill() => new(_ordinals.Last, Interlocked.Increment(ref _fills));

    /// <summary>
    /// Stores a value made since <see cref="BeginFill"/>, unless something that covers it was invalidated meanwhile, or the
    /// options do not want it (<see cref="EntryOptions.StoreNull"/>, <see cref="EntryOptions.StoreWhen"/>). What was stored before stays then.
    /// </summary>
    /// <returns><see cref="Reason.None"/> when it was stored, otherwise why not.</returns>
    public Reason TryStore<T>(string key, T value, EntryOptions options, Stamp stamp)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        ArgumentNullException.ThrowIfNull(options);
        return key.Length > _options.MaxKeyLength ? Reason.BypassLimit : _fill.Storer.Add(key, value, RulesOf(options), stamp);
    }

    /// <summary>Ends the upkeep and cancels refreshes in the background; the cache can still be used, but frees and refreshes nothing by itself any more.</summary>
    public void Dispose()
    {
        _refreshes.Dispose();
        _remote?.Tier.Dispose();
        _upkeep.Dispose();
        CacheMeters.Unwatch(this);
        SnapshotPaths.Release(this);
    }

    /// <summary>The same. With Redis both wait up to two seconds for what is on its way there; this one blocks no thread meanwhile.</summary>
    public ValueTask DisposeAsync() => LarderCacheRemoteTier.EndAsync(this);

    /// <summary>The shared instance under a key, for faces that judge by rules of their own and count by themselves.</summary>
    internal T? Find<T>(ReadOnlySpan<char> key) where T : class => FindKept<T>(key, out Reason reason, out _) is { } value && reason == Reason.HitMemory ? value : null;

    /// <summary>The same, also where its freshness is over (<see cref="Reason.Stale"/>), by its time or by a soft event.</summary>
    /// <param name="freshUntil">When it ended, or will, on the <see cref="Clock"/>.</param>
    internal T? FindKept<T>(ReadOnlySpan<char> key, out Reason reason, out long freshUntil) where T : class
    {
        Entry? entry = _memory.Find(key, out int hash);
        reason = Standing(entry, hash);
        freshUntil = entry?.FreshUntil ?? 0;
        if (reason == Reason.MissExpired && entry is { HasStaleTime: true } && !entry.IsGone(_clock.Now)) reason = Reason.Stale;
        if (reason is not (Reason.HitMemory or Reason.Stale)) return null;
        T? value = entry!.Value as T ?? _entries.InstanceIn<T>(entry.Value);
        if (value is null) reason = Reason.MissIncompatible;
        else _memory.Touch(entry);
        return value;
    }

    /// <summary><see cref="Reason.HitMemory"/> where the entry may be handed out, whatever its type; otherwise why not.</summary>
    private Reason Standing(Entry? entry, int hash)
    {
        if (entry is null) return _memory.WhyMissing(hash);
        return !_index.IsCurrent(entry) ? _index.WhyEnded
            : !entry.IsFresh(_clock.Now) ? Reason.MissExpired
            : Reason.HitMemory;
    }

    /// <summary>The whole of a plain hit: fresh, covered by nothing, of the type that was asked for; its one use, count and event.</summary>
    /// <param name="entry">What was found.</param>
    /// <param name="mayBeDue">Whether it may be one whose eager refresh is to begin.</param>
    /// <param name="value">The value of a hit.</param>
    /// <param name="now">When it was judged.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryTake<T>([NotNullWhen(true)] Entry? entry, bool mayBeDue, out T value, out long now)
    {
        if (entry is not null)
        {
            now = _clock.Coarse;
            // In this order: the index may end the freshness.
            if (_index.IsCurrent(entry) && entry.IsFresh(now) && (mayBeDue || !entry.IsDue(now)) && _entries.TryRead(entry, out value))
            {
                _memory.Touch(entry);
                Reasons.Count(Reason.HitMemory);
                if (Events.AnyListeners) Events.Raise(CacheEventKind.Hit, entry.Key, Reason.HitMemory);
                return true;
            }
        }
        (value, now) = (default!, 0);
        return false;
    }

    /// <summary>Looks a key up on the way to making its value: a hit is counted, a miss is not yet the end of the call.</summary>
    internal bool TryHit<T>(ReadOnlySpan<char> key, bool mayBeDue, out T value, out Entry? seen, out Reason missed)
    {
        seen = _memory.Find(key, out int hash);
        bool isHit = TryTake(seen, mayBeDue, out value, out _);
        missed = isHit ? Reason.None : Missed(seen, hash);
        return isHit;
    }

    /// <summary>Why what was found is no plain hit; it is not yet the end of the call.</summary>
    private Reason Missed(Entry? entry, int hash) => Standing(entry, hash) is var reason && reason == Reason.HitMemory ? Reason.MissIncompatible : reason;

    private bool TryGet<T>(ReadOnlySpan<char> key, out LookupResult<T> hit, out Entry? seen, out Reason missed)
    {
        seen = _memory.Find(key, out int hash);
        bool isHit = TryTake(seen, mayBeDue: true, out T value, out long now);
        hit = isHit ? new(value, Reason.HitMemory, Lookups.Age(seen!, now), Lookups.Remaining(seen!, now)) : default;
        missed = isHit ? Reason.None : Missed(seen, hash);
        return isHit;
    }

    internal ValueTask<LookupResult<T>> ResultAsync<TFactory, T>(
        string key, TFactory factory, EntryOptions? options, CancellationToken cancellationToken) where TFactory : struct, IFactory<T>
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        Entry? entry = _memory.Find(key, out int hash);
        return FillAsync<TFactory, T>(key, factory, options, entry, hash, cancellationToken);
    }

    private ValueTask<LookupResult<T>> FillAsync<TFactory, T>(
        string key, TFactory factory, EntryOptions? options, Entry? seen, int hash, CancellationToken cancellationToken) where TFactory : struct, IFactory<T> =>
        key.Length > _options.MaxKeyLength
            ? PartialFills.BypassAsync(new FillCall<TFactory, T>(key, factory, RulesOf(options), Reason.BypassLimit), cancellationToken)
            : _fill.Filler.GetOrCreateAsync(new FillCall<TFactory, T>(key, factory, RulesOf(options), Missed(seen, hash)), seen, cancellationToken);

    /// <summary>Stores for a face that judges by rules of its own: the template of data entries and the rules of callers' tags do not hold.</summary>
    internal Reason Store<T>(string key, T value, EntryOptions options, Stamp stamp, SlotClaim? claim = null, FaceFill? fill = null) =>
        _fill.Storer.Add(key, value, new(options, EntryRules.None, _options.DefaultTtl), stamp, claim, fill);

    /// <summary>Sets a value for such a face.</summary>
    internal ValueTask<Reason> SetForFaceAsync<T>(string key, T value, EntryOptions options) => PutAsync(key, value, new EntryRules(options, EntryRules.None, _options.DefaultTtl));

    private ValueTask<Reason> PutAsync<T>(string key, T value, EntryRules rules)
    {
        if (key.Length > _options.MaxKeyLength) return new(Reason.BypassLimit);
        return _remote is null
            ? new(Set(key, value, rules, out _))
            : _remote.ApplyAsync(key, (Cache: this, value, rules), static (set, key) => (set.Cache.Set(key, set.value, set.rules, out Entry? stored), stored));
    }

    private Reason Set<T>(string key, T value, EntryRules rules, out Entry? stored)
    {
        Misses.Overtake(key);
        return _fill.Storer.Set(key, value, rules, out stored);
    }

    internal EntryRules RulesOf(EntryOptions? options) => EntryRules.Checked(options, _options.DefaultEntry, _options.DefaultTtl);
}
