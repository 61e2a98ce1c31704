namespace Larder;

/// <summary>Calls for many keys at once. A batch may have up to 10,000 keys; keys that occur twice count once.</summary>
public static class LarderCacheBatches
{
    private const int MaxKeys = 10_000;

    extension(LarderCache cache)
    {
        /// <summary>Looks keys up without making values.</summary>
        /// <returns>The fresh values that were found.</returns>
        /// <exception cref="ArgumentException">There are too many keys, or one is null or empty.</exception>
        public ValueTask<IReadOnlyDictionary<string, T>> GetManyAsync<T>(IEnumerable<string> keys, CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            HashSet<string> distinct = Distinct(keys);
            var found = new Dictionary<string, T>(distinct.Count);
            foreach (string key in distinct)
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
        public async ValueTask<IReadOnlyDictionary<string, T>> GetOrCreateManyAsync<TState, T>(
            IEnumerable<string> keys, TState state, Func<TState, IReadOnlyList<string>, CancellationToken, ValueTask<IReadOnlyDictionary<string, T>>> factory,
            EntryOptions? options = null, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(factory);
            cancellationToken.ThrowIfCancellationRequested();
            HashSet<string> distinct = Distinct(keys);
            string[] uncached = [.. distinct.Where(key => key.Length > cache.Options.MaxKeyLength)];
            distinct.ExceptWith(uncached);
            Dictionary<string, T> values = await cache.Batches.GetOrCreateAsync<TState, T>(distinct, new(state, factory), cache.RulesOf(options), cancellationToken).ConfigureAwait(false);
            if (uncached.Length > 0)
            {
                BatchFiller alone = cache.PartialFills[EntryAccess.NoRead | EntryAccess.NoWrite].Batches;
                Dictionary<string, T> made = await alone.GetOrCreateAsync<TState, T>(
                    uncached, new(state, factory), cache.RulesOf(options), cancellationToken, Reason.BypassLimit).ConfigureAwait(false);
                foreach ((string key, T value) in made) values[key] = value;
            }
            return values;
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
            var unstored = new Dictionary<string, Reason>();
            KeyValuePair<string, T>[] all = [.. values];
            Distinct(all.Select(pair => pair.Key));
            foreach ((string key, T value) in all)
            {
                Reason reason = await cache.SetAsync(key, value, options, cancellationToken).ConfigureAwait(false);
                if (reason != Reason.None) unstored[key] = reason;
                else unstored.Remove(key);
            }
            return unstored;
        }

        /// <summary>Removes keys, each as by a call of its own.</summary>
        /// <returns>How many of them were there.</returns>
        /// <exception cref="ArgumentException">There are too many keys, or one is null or empty; nothing was removed then.</exception>
        public async ValueTask<int> RemoveManyAsync(IEnumerable<string> keys, CancellationToken cancellationToken = default)
        {
            int removed = 0;
            foreach (string key in Distinct(keys))
                if (await cache.RemoveAsync(key, cancellationToken).ConfigureAwait(false)) removed++;
            return removed;
        }
    }

    private static HashSet<string> Distinct(IEnumerable<string> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        var distinct = new HashSet<string>(KeyComparer.Instance);
        foreach (string key in keys)
        {
            ArgumentException.ThrowIfNullOrEmpty(key, nameof(keys));
            if (distinct.Add(key) && distinct.Count > MaxKeys)
                throw new ArgumentException($"A batch may have {MaxKeys} keys; split what has more.", nameof(keys));
        }
        return distinct;
    }
}
