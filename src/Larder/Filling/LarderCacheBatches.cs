using System.Runtime.CompilerServices;

namespace Larder;

/// <summary>
/// Calls for many keys at once. A batch may have up to 10,000 keys; keys that occur twice count once. Of keys of the type
/// <see cref="CacheKey"/> each value is kept for its key's user; users may differ within a batch. Where an expression could be either, such
/// as a list without items, it is one of strings.
/// </summary>
public static class LarderCacheBatches
{
    extension(LarderCache cache)
    {
        /// <summary>Looks keys up without making values; what memory does not have is asked of Redis at once, where there is that tier.</summary>
        /// <returns>The fresh values that were found.</returns>
        /// <exception cref="ArgumentException">There are too many keys, or one is null or empty.</exception>
        public ValueTask<IReadOnlyDictionary<string, T>> GetManyAsync<T>(IEnumerable<string> keys, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Dictionary<string, string> distinct = Batch.Distinct(keys);
            var found = new Dictionary<string, T>(distinct.Count);
            if (cache.Remote is { } remote) return Batch.FindAsync(cache, remote, distinct.Keys, found);
            foreach (string key in distinct.Keys)
                if (cache.GetLocal<T>(key) is { Found: true } result) found[key] = result.Value;
            return new(found);
        }

        /// <summary>
        /// Returns the values under the keys; one run of the factory makes those that are missing and that no other call is
        /// making already.
        /// </summary>
        /// <remarks>
        /// Each key is filled as by a call of its own: shared with other callers, with a stamp of its own, answered stale
        /// within its windows. The call fails as a whole when the factory, or that of a call it waits for, fails and any key has
        /// no stale value that stands in; what was found or made by then is stored all the same.
        /// </remarks>
        /// <param name="keys">The keys; those that are too long to be cached are made by a run of their own.</param>
        /// <param name="state">Passed to the factory.</param>
        /// <param name="factory">
        /// Is given the keys to make. A key it leaves out has no value: it is not in the result and not stored, unless
        /// <see cref="EntryOptions.StoreNull"/> says to keep that as null. What it returns beyond the keys is ignored.
        /// </param>
        /// <param name="options">How each value is kept.</param>
        /// <param name="cancellationToken">Ends the waiting of this caller.</param>
        /// <returns>The values of all keys that have one.</returns>
        /// <exception cref="ArgumentException">There are too many keys, one is null or empty, or an option is out of range.</exception>
        /// <exception cref="TimeoutException">As for a single key.</exception>
        public ValueTask<IReadOnlyDictionary<string, T>> GetOrCreateManyAsync<TState, T>(
            IEnumerable<string> keys, TState state, Func<TState, IReadOnlyList<string>, CancellationToken, ValueTask<IReadOnlyDictionary<string, T>>> factory,
            EntryOptions? options = null, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(factory);
            cancellationToken.ThrowIfCancellationRequested();
            return Batch.FillAsync<TState, T>(cache, Batch.Distinct(keys).Keys, new(state, factory), new(cache.RulesOf(options)), cancellationToken);
        }

        /// <summary>
        /// Returns the values under the keys; one run of the factory makes those that are missing and that no other call is
        /// making already. All else is as with a state.
        /// </summary>
        public ValueTask<IReadOnlyDictionary<string, T>> GetOrCreateManyAsync<T>(
            IEnumerable<string> keys, Func<IReadOnlyList<string>, CancellationToken, ValueTask<IReadOnlyDictionary<string, T>>> factory,
            EntryOptions? options = null, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(factory);
            return cache.GetOrCreateManyAsync(keys, factory, static (make, missing, token) => make(missing, token), options, cancellationToken);
        }

        /// <summary>Stores values, each as by a call of its own: the batch is not one event, and readers may see a part of it.</summary>
        /// <returns>The keys that were not stored, and why; empty when all were.</returns>
        /// <exception cref="ArgumentException">There are too many keys, one is null or empty, or an option is out of range; nothing was stored then.</exception>
        public async ValueTask<IReadOnlyDictionary<string, Reason>> SetManyAsync<T>(
            IEnumerable<KeyValuePair<string, T>> values, EntryOptions? options = null, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(values);
            KeyValuePair<string, T>[] all = [.. values];
            Batch.Distinct(all.Select(pair => pair.Key));
            return await Batch.SetAsync(all, (key, value) => cache.SetAsync(key, value, options, cancellationToken)).ConfigureAwait(false);
        }

        /// <summary>Removes keys, each as by a call of its own.</summary>
        /// <returns>How many of them were there.</returns>
        /// <exception cref="ArgumentException">There are too many keys, or one is null or empty; nothing was removed then.</exception>
        public async ValueTask<int> RemoveManyAsync(IEnumerable<string> keys, CancellationToken cancellationToken = default)
        {
            int removed = 0;
            foreach (string key in Batch.Distinct(keys).Keys)
                if (await cache.RemoveAsync(key, cancellationToken).ConfigureAwait(false)) removed++;
            return removed;
        }

        /// <inheritdoc cref="LarderCacheBatches.GetManyAsync{T}(LarderCache, IEnumerable{string}, CancellationToken)"/>
        [OverloadResolutionPriority(-1)]
        public async ValueTask<IReadOnlyDictionary<CacheKey, T>> GetManyAsync<T>(IEnumerable<CacheKey> keys, CancellationToken cancellationToken = default)
        {
            Dictionary<string, CacheKey> distinct = Batch.Distinct(keys);
            return Batch.ByKey(await cache.GetManyAsync<T>(distinct.Keys, cancellationToken).ConfigureAwait(false), distinct);
        }

        /// <inheritdoc cref="LarderCacheBatches.GetOrCreateManyAsync{TState, T}(LarderCache, IEnumerable{string}, TState, Func{TState, IReadOnlyList{string}, CancellationToken, ValueTask{IReadOnlyDictionary{string, T}}}, EntryOptions?, CancellationToken)"/>
        /// <exception cref="ArgumentException">There are too many keys, the options name another user than a key, or two keys have one text and two users.</exception>
        [OverloadResolutionPriority(-1)]
        public async ValueTask<IReadOnlyDictionary<CacheKey, T>> GetOrCreateManyAsync<TState, T>(
            IEnumerable<CacheKey> keys, TState state, Func<TState, IReadOnlyList<CacheKey>, CancellationToken, ValueTask<IReadOnlyDictionary<CacheKey, T>>> factory,
            EntryOptions? options = null, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(factory);
            cancellationToken.ThrowIfCancellationRequested();
            Dictionary<string, CacheKey> distinct = Batch.Distinct(keys);
            var byText = new BatchFactory<(TState State, Func<TState, IReadOnlyList<CacheKey>, CancellationToken, ValueTask<IReadOnlyDictionary<CacheKey, T>>> Make, Dictionary<string, CacheKey> Keys), T>(
                (state, factory, distinct), static async (call, missing, token) =>
                {
                    IReadOnlyDictionary<CacheKey, T> made = await call.Make(call.State, [.. missing.Select(text => call.Keys[text])], token).ConfigureAwait(false);
                    return made is null ? null! : Batch.ByText(made, missing, call.Keys);
                });
            return Batch.ByKey(await Batch.FillAsync(cache, distinct.Keys, byText, Batch.RulesOf(cache, distinct, options), cancellationToken).ConfigureAwait(false), distinct);
        }

        /// <inheritdoc cref="LarderCacheBatches.GetOrCreateManyAsync{T}(LarderCache, IEnumerable{string}, Func{IReadOnlyList{string}, CancellationToken, ValueTask{IReadOnlyDictionary{string, T}}}, EntryOptions?, CancellationToken)"/>
        /// <exception cref="ArgumentException">There are too many keys, the options name another user than a key, or two keys have one text and two users.</exception>
        [OverloadResolutionPriority(-1)]
        public ValueTask<IReadOnlyDictionary<CacheKey, T>> GetOrCreateManyAsync<T>(
            IEnumerable<CacheKey> keys, Func<IReadOnlyList<CacheKey>, CancellationToken, ValueTask<IReadOnlyDictionary<CacheKey, T>>> factory,
            EntryOptions? options = null, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(factory);
            return cache.GetOrCreateManyAsync(keys, factory, static (make, missing, token) => make(missing, token), options, cancellationToken);
        }

        /// <inheritdoc cref="LarderCacheBatches.SetManyAsync{T}(LarderCache, IEnumerable{KeyValuePair{string, T}}, EntryOptions?, CancellationToken)"/>
        /// <exception cref="ArgumentException">There are too many keys, the options name another user than a key, or two keys have one text and two users; nothing was stored then.</exception>
        [OverloadResolutionPriority(-1)]
        public async ValueTask<IReadOnlyDictionary<CacheKey, Reason>> SetManyAsync<T>(
            IEnumerable<KeyValuePair<CacheKey, T>> values, EntryOptions? options = null, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(values);
            KeyValuePair<CacheKey, T>[] all = [.. values];
            // Before anything is stored.
            foreach (CacheKey key in Batch.Distinct(all.Select(pair => pair.Key)).Values) CacheKeyExtensions.CheckUser(key, options);
            return await Batch.SetAsync(all, (key, value) => cache.SetAsync(key, value, options, cancellationToken)).ConfigureAwait(false);
        }

        /// <inheritdoc cref="LarderCacheBatches.RemoveManyAsync(LarderCache, IEnumerable{string}, CancellationToken)"/>
        [OverloadResolutionPriority(-1)]
        public ValueTask<int> RemoveManyAsync(IEnumerable<CacheKey> keys, CancellationToken cancellationToken = default) =>
            cache.RemoveManyAsync(Batch.Distinct(keys).Keys, cancellationToken);
    }
}
