namespace Larder;

/// <summary>Fills that decide more, or tell more, than <c>GetOrCreateAsync</c> with a plain factory.</summary>
public static class LarderCacheFills
{
    extension(LarderCache cache)
    {
        /// <summary>The same with a factory that returns a <see cref="Task{TResult}"/>, such as a method of a library.</summary>
        /// <inheritdoc cref="LarderCache.GetOrCreateAsync{TState, T}(string, TState, Func{TState, CancellationToken, ValueTask{T}}, EntryOptions?, CancellationToken)"/>
        public ValueTask<T> GetOrCreateAsync<T>(
            string key, Func<CancellationToken, Task<T>> factory, EntryOptions? options = null, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(factory);
            return cache.GetOrCreateAsync(key, factory, static (make, token) => new ValueTask<T>(make(token)), options, cancellationToken);
        }

        /// <summary>
        /// Returns the value under the key, or runs the factory, which decides itself how its result is kept and may confirm
        /// what is stored (<see cref="FillContext{T}"/>).
        /// </summary>
        /// <inheritdoc cref="LarderCache.GetOrCreateAsync{TState, T}(string, TState, Func{TState, CancellationToken, ValueTask{T}}, EntryOptions?, CancellationToken)"/>
        public ValueTask<T> GetOrCreateAsync<T>(
            string key, Func<FillContext<T>, CancellationToken, ValueTask<T>> factory, EntryOptions? options = null, CancellationToken cancellationToken = default) =>
            LookupResult.ValueOf(cache.GetOrCreateResultAsync(key, factory, options, cancellationToken));

        /// <summary>As <c>GetOrCreateAsync</c>, and tells where the value came from, how old it is and why.</summary>
        /// <inheritdoc cref="LarderCache.GetOrCreateAsync{TState, T}(string, TState, Func{TState, CancellationToken, ValueTask{T}}, EntryOptions?, CancellationToken)"/>
        public ValueTask<LookupResult<T>> GetOrCreateResultAsync<TState, T>(
            string key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory,
            EntryOptions? options = null, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(factory);
            return cache.ResultAsync<PlainFactory<TState, T>, T>(key, new(state, factory), options, cancellationToken);
        }

        /// <summary>As <c>GetOrCreateAsync</c>, and tells where the value came from, how old it is and why.</summary>
        /// <inheritdoc cref="LarderCache.GetOrCreateAsync{TState, T}(string, TState, Func{TState, CancellationToken, ValueTask{T}}, EntryOptions?, CancellationToken)"/>
        public ValueTask<LookupResult<T>> GetOrCreateResultAsync<T>(
            string key, Func<CancellationToken, ValueTask<T>> factory, EntryOptions? options = null, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(factory);
            return cache.GetOrCreateResultAsync(key, factory, static (make, token) => make(token), options, cancellationToken);
        }

        /// <summary>As <c>GetOrCreateAsync</c> with a factory that decides, and tells where the value came from, how old it is and why.</summary>
        /// <inheritdoc cref="LarderCache.GetOrCreateAsync{TState, T}(string, TState, Func{TState, CancellationToken, ValueTask{T}}, EntryOptions?, CancellationToken)"/>
        public ValueTask<LookupResult<T>> GetOrCreateResultAsync<T>(
            string key, Func<FillContext<T>, CancellationToken, ValueTask<T>> factory, EntryOptions? options = null, CancellationToken cancellationToken = default)
        {
            ArgumentNullException.ThrowIfNull(factory);
            return cache.ResultAsync<AdaptiveFactory<T>, T>(key, new(factory), options, cancellationToken);
        }
    }
}
