namespace Larder;

/// <summary>
/// The calls of <see cref="LarderCache"/> with a <see cref="CacheKey"/> in the place of a string: what is stored is kept for the
/// key's user.
/// </summary>
public static class CacheKeyExtensions
{
    extension(LarderCache cache)
    {
        /// <inheritdoc cref="LarderCache.GetOrCreateAsync{TState, T}(string, TState, Func{TState, CancellationToken, ValueTask{T}}, EntryOptions?, CancellationToken)"/>
        /// <exception cref="ArgumentException">The options name another user than the key.</exception>
        public ValueTask<T> GetOrCreateAsync<TState, T>(
            CacheKey key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory,
            EntryOptions? options = null, CancellationToken cancellationToken = default) =>
            cache.GetOrCreateAsync(key.Text, state, factory, For(key, options), cancellationToken);

        /// <inheritdoc cref="LarderCache.GetOrCreateAsync{TState, T}(string, TState, Func{TState, CancellationToken, ValueTask{T}}, EntryOptions?, CancellationToken)"/>
        /// <exception cref="ArgumentException">The options name another user than the key.</exception>
        public ValueTask<T> GetOrCreateAsync<T>(
            CacheKey key, Func<CancellationToken, ValueTask<T>> factory, EntryOptions? options = null, CancellationToken cancellationToken = default) =>
            cache.GetOrCreateAsync(key.Text, factory, For(key, options), cancellationToken);

        /// <inheritdoc cref="LarderCacheFills.GetOrCreateAsync{T}(LarderCache, string, Func{FillContext{T}, CancellationToken, ValueTask{T}}, EntryOptions?, CancellationToken)"/>
        /// <exception cref="ArgumentException">The options name another user than the key.</exception>
        public ValueTask<T> GetOrCreateAsync<T>(
            CacheKey key, Func<FillContext<T>, CancellationToken, ValueTask<T>> factory, EntryOptions? options = null, CancellationToken cancellationToken = default) =>
            cache.GetOrCreateAsync(key.Text, factory, For(key, options), cancellationToken);

        /// <inheritdoc cref="LarderCacheFills.GetOrCreateResultAsync{TState, T}(LarderCache, string, TState, Func{TState, CancellationToken, ValueTask{T}}, EntryOptions?, CancellationToken)"/>
        /// <exception cref="ArgumentException">The options name another user than the key.</exception>
        public ValueTask<LookupResult<T>> GetOrCreateResultAsync<TState, T>(
            CacheKey key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory,
            EntryOptions? options = null, CancellationToken cancellationToken = default) =>
            cache.GetOrCreateResultAsync(key.Text, state, factory, For(key, options), cancellationToken);

        /// <inheritdoc cref="LarderCacheFills.GetOrCreateResultAsync{T}(LarderCache, string, Func{CancellationToken, ValueTask{T}}, EntryOptions?, CancellationToken)"/>
        /// <exception cref="ArgumentException">The options name another user than the key.</exception>
        public ValueTask<LookupResult<T>> GetOrCreateResultAsync<T>(
            CacheKey key, Func<CancellationToken, ValueTask<T>> factory, EntryOptions? options = null, CancellationToken cancellationToken = default) =>
            cache.GetOrCreateResultAsync(key.Text, factory, For(key, options), cancellationToken);

        /// <inheritdoc cref="LarderCacheFills.GetOrCreateResultAsync{T}(LarderCache, string, Func{FillContext{T}, CancellationToken, ValueTask{T}}, EntryOptions?, CancellationToken)"/>
        /// <exception cref="ArgumentException">The options name another user than the key.</exception>
        public ValueTask<LookupResult<T>> GetOrCreateResultAsync<T>(
            CacheKey key, Func<FillContext<T>, CancellationToken, ValueTask<T>> factory, EntryOptions? options = null, CancellationToken cancellationToken = default) =>
            cache.GetOrCreateResultAsync(key.Text, factory, For(key, options), cancellationToken);

        /// <inheritdoc cref="LarderCache.GetAsync{T}(string, bool, CancellationToken)"/>
        public ValueTask<LookupResult<T>> GetAsync<T>(CacheKey key, bool allowStale, CancellationToken cancellationToken = default) =>
            cache.GetAsync<T>(key.Text, allowStale, cancellationToken);

        /// <inheritdoc cref="LarderCache.GetAsync{T}(string, CancellationToken)"/>
        public ValueTask<LookupResult<T>> GetAsync<T>(CacheKey key, CancellationToken cancellationToken = default) =>
            cache.GetAsync<T>(key.Text, cancellationToken);

        /// <inheritdoc cref="LarderCache.SetAsync"/>
        /// <exception cref="ArgumentException">The options name another user than the key.</exception>
        public ValueTask<Reason> SetAsync<T>(CacheKey key, T value, EntryOptions? options = null, CancellationToken cancellationToken = default) =>
            cache.SetAsync(key.Text, value, For(key, options), cancellationToken);

        /// <inheritdoc cref="LarderCache.TryStore"/>
        /// <exception cref="ArgumentException">The options name another user than the key.</exception>
        public Reason TryStore<T>(CacheKey key, T value, EntryOptions? options, Stamp stamp) =>
            cache.TryStore(key.Text, value, For(key, options) ?? new(), stamp);

        /// <inheritdoc cref="LarderCache.RemoveAsync"/>
        public ValueTask<bool> RemoveAsync(CacheKey key, CancellationToken cancellationToken = default) =>
            cache.RemoveAsync(key.Text, cancellationToken);

        /// <inheritdoc cref="LarderCache.Exists"/>
        public bool Exists(CacheKey key) => cache.Exists(key.Text);

        /// <inheritdoc cref="LarderCache.GetTimeToLive"/>
        public TimeSpan? GetTimeToLive(CacheKey key) => cache.GetTimeToLive(key.Text);
    }

    /// <summary>The options for the key's user.</summary>
    /// <exception cref="ArgumentException">The options name another user than the key.</exception>
    internal static EntryOptions? For(CacheKey key, EntryOptions? options)
    {
        CheckUser(key, options);
        return key.User is null || options?.User == key.User ? options : (options ?? new()) with { User = key.User };
    }

    /// <exception cref="ArgumentException">The options name another user than the key.</exception>
    internal static void CheckUser(CacheKey key, EntryOptions? options)
    {
        if (key.User is not null && options?.User is { } other && other != key.User)
            throw new ArgumentException("The options name another user than the key.", nameof(options));
    }
}
