namespace Larder;

/// <summary>How far invalidations reach, and reads that see no less than a position.</summary>
public static class LarderCachePositions
{
    private static readonly TimeSpan DefaultPatience = TimeSpan.FromMilliseconds(100), LongestPatience = TimeSpan.FromSeconds(10);

    extension(LarderCache cache)
    {
        /// <summary>
        /// Invalidates everything that <paramref name="what"/> covers, and waits until it has come as far as asked for: what it reached, the
        /// result says. In a cache that lives in one process all reaches are one.
        /// </summary>
        /// <param name="what">What is covered.</param>
        /// <param name="reach">
        /// <see cref="InvalidationReach.Local"/> waits for nothing, and Redis is told in the background; <see cref="InvalidationReach.Everywhere"/>
        /// waits until all strict nodes have seen it, at most seven seconds.
        /// </param>
        /// <param name="reason">Why, for <see cref="InvalidationHistory"/>: at most 256 characters, no control characters.</param>
        /// <param name="count">Whether to count what it ended in this node's memory.</param>
        /// <param name="cancellationToken">Ends the waiting; the invalidation holds then, as far as the result says.</param>
        /// <inheritdoc cref="LarderCache.InvalidateAsync(Invalidation, string?, bool, CancellationToken)"/>
        public async ValueTask<InvalidationResult> InvalidateAsync(
            Invalidation what, InvalidationReach reach, string? reason = null, bool count = false, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(what);
            if (!Enum.IsDefined(reach)) throw new ArgumentOutOfRangeException(nameof(reach), reach, null);
            cancellationToken.ThrowIfCancellationRequested();
            InvalidationHistory.Check(reason);
            IInvalidationLog log = cache.InvalidationLog;
            InvalidationResult result = await log.AppendAsync(what, count, reach, cancellationToken).ConfigureAwait(false);
            cache.InvalidationHistory.Record(what, reason, result);
            if (result.Status == InvalidationStatus.Pending && reach != InvalidationReach.Local && log.IsStrict) throw PendingInvalidationException.Of(result);
            return result;
        }

        /// <summary>
        /// A position that no event of this node lies behind whose call has ended: sets and removals too. Whoever reads with its token sees what was
        /// read after them. None while there was no event. While Redis does not have one of them, the token is good on this node only.
        /// </summary>
        public PositionToken PositionToken => PositionToken.Of(cache.InvalidationLog.Newest);

        /// <summary>The token of an invalidation's position.</summary>
        public PositionToken TokenOf(in InvalidationResult result) => PositionToken.Of(result.Position);

        /// <summary>Waits until this node has seen what the token stands for.</summary>
        /// <param name="token">The token, maybe of another node.</param>
        /// <param name="patience">How long to wait at most: 0 to 10 seconds; 100 ms where null.</param>
        /// <param name="cancellationToken">Ends the waiting.</param>
        /// <returns>
        /// Whether what is read from now on is not older. False where it was not seen in time, where too many wait already, and where that can't be known: the log has lost
        /// its history since, this node may have missed events, or the token is none of ours.
        /// </returns>
        /// <exception cref="ArgumentOutOfRangeException">The patience is out of range.</exception>
        /// <exception cref="OperationCanceledException">It was cancelled.</exception>
        public ValueTask<bool> CatchUpAsync(PositionToken token, TimeSpan? patience = null, CancellationToken cancellationToken = default)
        {
            TimeSpan wait = patience ?? DefaultPatience;
            if (wait < TimeSpan.Zero || wait > LongestPatience) throw new ArgumentOutOfRangeException(nameof(patience), patience, "0 to 10 seconds");
            return token.IsNone ? new(true) : cache.InvalidationLog.CatchUpAsync(token, wait, cancellationToken);
        }

        /// <summary>
        /// Returns the value under the key, not older than a position: where this node has not seen that in time, the factory runs for
        /// this caller alone (<c>bypass-position</c>).
        /// </summary>
        /// <param name="key">The key.</param>
        /// <param name="state">Passed to the factory.</param>
        /// <param name="factory">Makes the value.</param>
        /// <param name="after">The position's token.</param>
        /// <param name="options">How the value is kept.</param>
        /// <param name="cancellationToken">Ends the waiting of this caller.</param>
        /// <inheritdoc cref="LarderCache.GetOrCreateAsync{TState, T}(string, TState, Func{TState, CancellationToken, ValueTask{T}}, EntryOptions?, CancellationToken)"/>
        public ValueTask<T> GetOrCreateAsync<TState, T>(
            string key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory, PositionToken after,
            EntryOptions? options = null, CancellationToken cancellationToken = default) =>
            LookupResult.ValueOf(cache.GetOrCreateResultAsync(key, state, factory, after, options, cancellationToken));

        /// <inheritdoc cref="GetOrCreateAsync{TState, T}(LarderCache, string, TState, Func{TState, CancellationToken, ValueTask{T}}, PositionToken, EntryOptions?, CancellationToken)"/>
        public ValueTask<T> GetOrCreateAsync<T>(
            string key, Func<CancellationToken, ValueTask<T>> factory, PositionToken after, EntryOptions? options = null, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(factory);
            return cache.GetOrCreateAsync(key, factory, static (make, token) => make(token), after, options, cancellationToken);
        }

        /// <summary>As <c>GetOrCreateAsync</c> with a position, and tells where the value came from, how old it is and why.</summary>
        /// <inheritdoc cref="GetOrCreateAsync{TState, T}(LarderCache, string, TState, Func{TState, CancellationToken, ValueTask{T}}, PositionToken, EntryOptions?, CancellationToken)"/>
        public async ValueTask<LookupResult<T>> GetOrCreateResultAsync<TState, T>(
            string key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory, PositionToken after,
            EntryOptions? options = null, CancellationToken cancellationToken = default)
        {
            ArgumentException.ThrowIfNullOrEmpty(key);
            ArgumentNullException.ThrowIfNull(factory);
            if (key.Length > cache.Options.MaxKeyLength || await cache.CatchUpAsync(after, cancellationToken: cancellationToken).ConfigureAwait(false))
                return await cache.GetOrCreateResultAsync(key, state, factory, options, cancellationToken).ConfigureAwait(false);
            var call = new FillCall<PlainFactory<TState, T>, T>(key, new(state, factory), cache.RulesOf(options), Reason.BypassPosition);
            return await cache.PartialFills.AloneAsync(call, cancellationToken).ConfigureAwait(false);
        }
    }
}
