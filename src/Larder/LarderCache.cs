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
public sealed class LarderCache : IDisposable
{
    private readonly LarderOptions _options;
    private readonly CacheClock _clock;
    private readonly Ordinals _ordinals = new();
    private readonly InvalidationIndex _index;
    private readonly MemoryStore _memory;
    private readonly EntryFactory _entries;
    private readonly Filler _filler;
    private readonly IInvalidationLog _log;
    private readonly Upkeep _upkeep;
    private long _fills;
    private long _evictions;
    private long _expirations;

    /// <summary>Makes a cache of its own; programs with dependency injection call <c>services.AddLarder()</c> instead.</summary>
    /// <param name="options">Limits and defaults.</param>
    /// <param name="time">The clock; the system's by default.</param>
    /// <param name="logger">Where failures of listeners and serializers are told.</param>
    /// <param name="services">Where serializers are looked for.</param>
    /// <param name="name">What messages and metrics call it.</param>
    /// <exception cref="ArgumentException">The options are out of range; the message names each field.</exception>
    public LarderCache(LarderOptions? options = null, TimeProvider? time = null, ILogger<LarderCache>? logger = null, IServiceProvider? services = null, string name = "")
    {
        _options = options ?? new();
        if (new LarderOptionsValidator().Validate(name, _options) is { Failed: true } invalid)
            throw new ArgumentException(invalid.FailureMessage, nameof(options));
        time ??= TimeProvider.System;
        logger ??= NullLogger<LarderCache>.Instance;
        _clock = new(time);
        _index = new(_ordinals);
        Misses = new(_ordinals, _index, _clock);
        _memory = new(_options.MaxEntries, _options.MaxBytes, _ordinals, _index, OnRemoved);
        Serializers = new(services);
        _entries = new(_options, _clock, Serializers, logger);
        _filler = new(_ordinals, _memory, _entries);
        PartialFills = new(_ordinals, _memory, _entries, Reasons);
        Events = new(logger);
        Name = name;
        Keys = new(_options.Keys, _options.MaxKeyLength, time, logger, name);
        _upkeep = new(_memory, _index, _clock, time);
        _log = new InProcessLog(new LocalReceiver(_memory, _index, Misses, _clock, _upkeep));
        InvalidationHistory = new(_options.InvalidationHistory, time);
        Snapshots = new(_options, time, _clock, _memory, _index, _log, new(_entries, Serializers), logger);
    }

    /// <summary>The name under which the cache was added; empty for the one without.</summary>
    public string Name { get; }

    /// <summary>Makes keys of endpoints, requests and operations.</summary>
    public CacheKeys Keys { get; }

    /// <summary>What happens to entries, as it happens.</summary>
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
    internal MissNotes Misses { get; }
    internal PartialFills PartialFills { get; }
    internal long MaxBytes => _options.MaxBytes;

    /// <summary>Figures since the cache was made.</summary>
    public CacheStatistics Statistics
    {
        get
        {
            long now = _clock.Now;
            return new(Reasons.Sum(o => o is Outcome.Hit or Outcome.Stale or Outcome.Revalidated), Reasons.Sum(o => o == Outcome.Miss), Volatile.Read(ref _evictions), Volatile.Read(ref _expirations),
                _memory.Count, _memory.Entries.Count(entry => entry.IsGone(now)), _memory.Bytes, _options.MaxEntries, _options.MaxBytes);
        }
    }

    /// <summary>Returns the value under the key, or runs the factory and keeps what it returns.</summary>
    /// <typeparam name="TState">What the factory needs: passed along so that it can be a static lambda, which allocates nothing.</typeparam>
    /// <typeparam name="T">The type of the value.</typeparam>
    /// <param name="key">The key, not empty.</param>
    /// <param name="state">Passed to the factory.</param>
    /// <param name="factory">Makes the value; run once for all callers that wait. Its token is cancelled when none is left.</param>
    /// <param name="options">How the value is kept.</param>
    /// <param name="cancellationToken">Ends the waiting of this caller.</param>
    public ValueTask<T> GetOrCreateAsync<TState, T>(
        string key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory,
        EntryOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        ArgumentNullException.ThrowIfNull(factory);
        if (key.Length > _options.MaxKeyLength)
        {
            Reasons.Count(Reason.BypassLimit);
            return factory(state, cancellationToken);
        }
        int hash = KeyComparer.Hash(key);
        Entry? entry = _memory.Find(key, hash);
        if (entry is not null && IsUsable(entry, _clock.Coarse) && _entries.TryRead(entry, out T value))
        {
            CountHit(entry);
            return new(value);
        }
        return FillAsync(key, state, factory, EntryOptionsRules.Checked(options), Missed(entry, hash, key), cancellationToken);
    }

    /// <summary>The same by a span, which becomes a string only where the value is not there yet.</summary>
    /// <inheritdoc cref="GetOrCreateAsync{TState, T}(string, TState, Func{TState, CancellationToken, ValueTask{T}}, EntryOptions?, CancellationToken)"/>
    public ValueTask<T> GetOrCreateAsync<TState, T>(
        ReadOnlySpan<char> key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory,
        EntryOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(factory);
        if (key.IsEmpty || key.Length > _options.MaxKeyLength) return GetOrCreateAsync(key.ToString(), state, factory, options, cancellationToken);
        return TryHit(key, out T value, out Reason missed)
            ? new(value)
            : FillAsync(key.ToString(), state, factory, EntryOptionsRules.Checked(options), missed, cancellationToken);
    }

    /// <inheritdoc cref="GetOrCreateAsync{TState, T}(string, TState, Func{TState, CancellationToken, ValueTask{T}}, EntryOptions?, CancellationToken)"/>
    public ValueTask<T> GetOrCreateAsync<T>(
        string key, Func<CancellationToken, ValueTask<T>> factory, EntryOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(factory);
        return GetOrCreateAsync(key, factory, static (make, token) => make(token), options, cancellationToken);
    }

    /// <summary>Looks a key up without making its value.</summary>
    public ValueTask<LookupResult<T>> GetAsync<T>(string key, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        cancellationToken.ThrowIfCancellationRequested();
        return new(GetLocal<T>(key));
    }

    /// <summary>Looks a key up in this process's memory.</summary>
    public LookupResult<T> GetLocal<T>(ReadOnlySpan<char> key)
    {
        int hash = KeyComparer.Hash(key);
        Entry? entry = _memory.Find(key, hash);
        if (entry is not null)
        {
            long now = _clock.Coarse;
            if (IsUsable(entry, now) && _entries.TryRead(entry, out T value))
            {
                CountHit(entry);
                return new(value, Reason.HitMemory, Math.Max(0, now - entry.CreatedAt), Remaining(entry, now));
            }
        }
        Reason missed = Missed(entry, hash, key);
        Reasons.Count(missed);
        return new(missed);
    }

    /// <summary>Stores a value; fills of the key that are under way will not overwrite it.</summary>
    /// <returns><see cref="Reason.None"/> when it was stored, otherwise why not; what was stored before is gone in any case.</returns>
    public ValueTask<Reason> SetAsync<T>(string key, T value, EntryOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ArgumentException.ThrowIfNullOrEmpty(key);
        if (key.Length > _options.MaxKeyLength) return new(Reason.BypassLimit);
        Misses.Overtake(key);
        (Entry entry, Reason unstored) = _entries.Make(key, value, EntryOptionsRules.Checked(options), 0);
        if (unstored != Reason.None)
        {
            _memory.Invalidate(key);
            return new(unstored);
        }
        unstored = _memory.Set(entry);
        if (unstored == Reason.None) Events.Raise(CacheEventKind.Set, key);
        return new(unstored);
    }

    /// <summary>Removes a key; fills of it that are under way will not be stored.</summary>
    /// <returns>Whether it was there.</returns>
    public ValueTask<bool> RemoveAsync(string key, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ArgumentException.ThrowIfNullOrEmpty(key);
        Misses.Overtake(key);
        RemovalCause cause =
            _memory.Find(key) is not { } entry || !_index.IsCurrent(entry) ? RemovalCause.Invalidated
            : entry.IsGone(_clock.Now) ? RemovalCause.Expired
            : RemovalCause.Removed;
        (_, bool removed) = _memory.Invalidate(key, cause);
        return new(removed && cause == RemovalCause.Removed);
    }

    /// <summary>
    /// Invalidates everything that <paramref name="what"/> covers. It holds when the task ends: from then on nobody is
    /// handed what was made before, or only as stale where the invalidation is soft. Memory is freed in the background,
    /// or at once when the count is asked for.
    /// </summary>
    /// <param name="what">What is covered.</param>
    /// <param name="reason">Why, for <see cref="InvalidationHistory"/>: at most 256 characters, no control characters.</param>
    /// <param name="count">Whether to count what it ended in memory, which looks at every entry unless it is about a key.</param>
    /// <param name="cancellationToken">Ends the waiting; the invalidation may hold all the same.</param>
    /// <exception cref="ArgumentException">The reason is too long or holds control characters.</exception>
    public async ValueTask<InvalidationResult> InvalidateAsync(
        Invalidation what, string? reason = null, bool count = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(what);
        InvalidationHistory.Check(reason);
        InvalidationResult result = await _log.AppendAsync(what, count, cancellationToken).ConfigureAwait(false);
        InvalidationHistory.Record(what, reason, result);
        return result;
    }

    /// <summary>Whether a usable value is stored; does not count as a use.</summary>
    public bool Exists(string key) => GetTimeToLive(key) is not null;

    /// <summary>The time a usable value has left, or null where there is none; does not count as a use.</summary>
    public TimeSpan? GetTimeToLive(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        long now = _clock.Now;
        return _memory.Find(key) is { } entry && _index.IsCurrent(entry) && entry.IsFresh(now)
            ? Remaining(entry, now) is long.MaxValue ? TimeSpan.MaxValue : TimeSpan.FromMilliseconds(Remaining(entry, now))
            : null;
    }

    /// <summary>Removes what has expired and returns how many entries that were; the cache does it by itself once a second.</summary>
    public int RemoveExpired() => _memory.DropExpired(_clock.Now);

    /// <summary>
    /// The stamp of a value whose making begins now, for callers that store with <see cref="TryStore"/> what they
    /// make outside of the cache.
    /// </summary>
    public Stamp BeginFill() => new(_ordinals.Last, Interlocked.Increment(ref _fills));

    /// <summary>Stores a value made since <see cref="BeginFill"/>, unless something that covers it was invalidated meanwhile.</summary>
    /// <returns><see cref="Reason.None"/> when it was stored, otherwise why not.</returns>
    public Reason TryStore<T>(string key, T value, EntryOptions options, Stamp stamp)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        return key.Length > _options.MaxKeyLength ? Reason.BypassLimit : Store(key, value, EntryOptionsRules.Checked(options), stamp);
    }

    /// <summary>Ends the upkeep; the cache can still be used, but frees nothing by itself any more.</summary>
    public void Dispose() => _upkeep.Dispose();

    /// <summary>The shared instance under a key, for faces that judge by rules of their own and count by themselves.</summary>
    internal T? Find<T>(ReadOnlySpan<char> key, out Reason reason) where T : class
    {
        int hash = KeyComparer.Hash(key);
        Entry? entry = _memory.Find(key, hash);
        reason = Standing(entry, hash);
        if (reason != Reason.HitMemory) return null;
        T? value = entry!.Value as T ?? _entries.InstanceIn<T>(entry.Value);
        if (value is null) reason = Reason.MissIncompatible;
        else _memory.Touch(entry);
        return value;
    }

    /// <summary><see cref="Reason.HitMemory"/> where the entry may be handed out, whatever its type; otherwise why not.</summary>
    private Reason Standing(Entry? entry, int hash)
    {
        if (entry is null) return _memory.WhyMissing(hash);
        return !_index.IsCurrent(entry) ? Reason.MissInvalidated
            : !entry.IsFresh(_clock.Now) ? Reason.MissExpired
            : Reason.HitMemory;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsUsable(Entry entry, long now) => _index.IsCurrent(entry) && entry.IsFresh(now);

    /// <summary>The one use, count and event of a hit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CountHit(Entry entry)
    {
        _memory.Touch(entry);
        Reasons.Count(Reason.HitMemory);
        if (Events.AnyListeners) Events.Raise(CacheEventKind.Hit, entry.Key, Reason.HitMemory);
    }

    /// <summary>Looks a key up on the way to making its value: a hit is counted, a miss is not yet the end of the call.</summary>
    internal bool TryHit<T>(ReadOnlySpan<char> key, out T value, out Reason missed)
    {
        int hash = KeyComparer.Hash(key);
        Entry? entry = _memory.Find(key, hash);
        missed = Reason.None;
        if (entry is not null && IsUsable(entry, _clock.Coarse) && _entries.TryRead(entry, out value))
        {
            CountHit(entry);
            return true;
        }
        value = default!;
        missed = Missed(entry, hash, key);
        return false;
    }

    /// <summary>Why what was found is no hit; what has ended is dropped.</summary>
    private Reason Missed(Entry? entry, int hash, ReadOnlySpan<char> key)
    {
        Reason reason = Standing(entry, hash);
        if (reason == Reason.HitMemory) reason = Reason.MissIncompatible;
        if (Events.AnyListeners) Events.Raise(CacheEventKind.Miss, key.ToString(), reason);
        if (entry is not null && reason != Reason.MissIncompatible)
            _memory.Drop(entry, reason == Reason.MissExpired ? RemovalCause.Expired : RemovalCause.Invalidated);
        return reason;
    }

    private async ValueTask<T> FillAsync<TState, T>(
        string key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory, EntryOptions options, Reason missed, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            (T value, bool coalesced) = await _filler.RunAsync(key, (Cache: this, key, state, factory, options), static async (call, stamp, token) =>
            {
                // A flight may have landed between this caller's look into memory and its own start.
                if (call.Cache.Find<T>(call.key) is { } landed) return landed;
                T made = await call.factory(call.state, token).ConfigureAwait(false);
                (Entry entry, _) = call.Cache.MakeAndAdd(call.key, made, call.options, new(stamp, 0));
                return new(made, entry, stamp);
            }, cancellationToken).ConfigureAwait(false);
            Reasons.Count(coalesced ? Reason.Coalesced : missed);
            return value;
        }
        catch (Exception e) when (CountFailure(e, cancellationToken))
        {
            throw;
        }
    }

    /// <summary>Counts a factory's failure; a caller that gave up ends its call without a reason. Never catches.</summary>
    private bool CountFailure(Exception e, CancellationToken cancellationToken)
    {
        if (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested) Reasons.Count(Reason.ErrorFactory);
        return false;
    }

    /// <summary>A usable value, without counting the look.</summary>
    private Filled<T>? Find<T>(string key) =>
        _memory.Find(key) is { } entry && _index.IsCurrent(entry) && entry.IsFresh(_clock.Now) && _entries.TryRead(entry, out T value)
            // As of when it was current is not known: whoever joined meanwhile looks for itself.
            ? new(value, entry, 0)
            : null;

    /// <summary>Stores without asking whether the tags are a caller's to give; the faces make exact ones.</summary>
    internal Reason Store<T>(string key, T value, EntryOptions options, Stamp stamp) => MakeAndAdd(key, value, options, stamp).Unstored;

    private (Entry Entry, Reason Unstored) MakeAndAdd<T>(string key, T value, EntryOptions options, Stamp stamp)
    {
        (Entry entry, Reason unstored) = _entries.Make(key, value, options, stamp.Begun);
        if (unstored != Reason.None) return (entry, unstored);
        unstored = _memory.TryAdd(entry, stamp.Ordinal);
        if (unstored == Reason.None) Events.Raise(CacheEventKind.Set, key);
        return (entry, unstored);
    }

    /// <summary>Milliseconds of freshness that are left; <see cref="long.MaxValue"/> for ever.</summary>
    private static long Remaining(Entry entry, long now) => entry.FreshUntil is var until && until == long.MaxValue ? until : Math.Max(0, until - now);

    private void OnRemoved(Entry entry, RemovalCause cause)
    {
        if (cause == RemovalCause.Evicted) Interlocked.Increment(ref _evictions);
        else if (cause == RemovalCause.Expired) Interlocked.Increment(ref _expirations);
        if (Events.AnyListeners) Events.Raise(cause, entry.Key);
    }
}
