using System.Runtime.CompilerServices;

namespace Larder;

/// <summary>Puts the cache around plain functions.</summary>
public static class MethodWrapping
{
    extension(LarderCache cache)
    {
        /// <summary>A function that returns what <paramref name="method"/> returned for the same arguments, while that is kept.</summary>
        /// <typeparam name="TArgs">The argument, or a tuple of several; each of a kind that <see cref="KeyParameters"/> supports.</typeparam>
        /// <typeparam name="T">The result.</typeparam>
        /// <param name="operation">What the keys begin with: a name that no other function of the cache has; not empty.</param>
        /// <param name="method">Makes the result.</param>
        /// <param name="options">How the result of a call is kept: its lifetime, tags, user; the defaults where null.</param>
        /// <exception cref="ArgumentException">
        /// The operation is empty, no value of an argument's type can be part of a key, or no result could be kept and there are no options.
        /// </exception>
        public Func<TArgs, CancellationToken, ValueTask<T>> Wrap<TArgs, T>(
            string operation, Func<TArgs, CancellationToken, ValueTask<T>> method, Func<TArgs, EntryOptions>? options = null)
        {
            ArgumentException.ThrowIfNullOrEmpty(operation);
            ArgumentNullException.ThrowIfNull(method);
            CheckArguments(typeof(TArgs));
            // With options a call may share its instance.
            if (options is null && cache.Serializers.Problem<T>() is { } problem)
                throw new ArgumentException($"No result of type {typeof(T)} could be kept. Pass options with {nameof(EntryOptions.ShareInstance)} if nobody changes the results, or return one of the framework's types. {problem}", nameof(method));
            return (args, token) =>
            {
                EntryOptions? of = options?.Invoke(args);
                CacheKey key = cache.Keys.ForEndpoint(operation, ParametersOf(args), of?.User);
                return cache.GetOrCreateAsync(key, (method, args), static (call, token) => call.method(call.args, token), of, token);
            };
        }

        /// <summary>The same for a function of two arguments.</summary>
        /// <inheritdoc cref="Wrap{TArgs, T}"/>
        public Func<T1, T2, CancellationToken, ValueTask<T>> Wrap<T1, T2, T>(
            string operation, Func<T1, T2, CancellationToken, ValueTask<T>> method, Func<T1, T2, EntryOptions>? options = null)
        {
            ArgumentNullException.ThrowIfNull(method);
            var wrapped = cache.Wrap<(T1 First, T2 Second), T>(
                operation, (args, token) => method(args.First, args.Second, token), options is null ? null : args => options(args.First, args.Second));
            return (first, second, token) => wrapped((first, second), token);
        }

        /// <summary>The same for a function of three arguments.</summary>
        /// <inheritdoc cref="Wrap{TArgs, T}"/>
        public Func<T1, T2, T3, CancellationToken, ValueTask<T>> Wrap<T1, T2, T3, T>(
            string operation, Func<T1, T2, T3, CancellationToken, ValueTask<T>> method, Func<T1, T2, T3, EntryOptions>? options = null)
        {
            ArgumentNullException.ThrowIfNull(method);
            var wrapped = cache.Wrap<(T1 First, T2 Second, T3 Third), T>(
                operation, (args, token) => method(args.First, args.Second, args.Third, token), options is null ? null : args => options(args.First, args.Second, args.Third));
            return (first, second, third, token) => wrapped((first, second, third), token);
        }

        /// <summary>
        /// A function that calls <paramref name="method"/> and, when that has succeeded, invalidates before it returns. When it
        /// throws, nothing is invalidated.
        /// </summary>
        /// <typeparam name="TArgs">The argument, or a tuple of several.</typeparam>
        /// <typeparam name="T">The result.</typeparam>
        /// <param name="method">The write.</param>
        /// <param name="invalidates">What a call with these arguments and this result outdates.</param>
        public Func<TArgs, CancellationToken, ValueTask<T>> WrapWrite<TArgs, T>(
            Func<TArgs, CancellationToken, ValueTask<T>> method, Func<TArgs, T, IEnumerable<Invalidation>> invalidates)
        {
            ArgumentNullException.ThrowIfNull(method);
            ArgumentNullException.ThrowIfNull(invalidates);
            return async (args, token) =>
            {
                T result = await method(args, token).ConfigureAwait(false);
                // Not cancelled with the call: the write has taken place.
                foreach (Invalidation what in invalidates(args, result)) await cache.InvalidateAsync(what, cancellationToken: CancellationToken.None).ConfigureAwait(false);
                return result;
            };
        }

        /// <summary>The same for a write without a result.</summary>
        /// <inheritdoc cref="WrapWrite{TArgs, T}"/>
        public Func<TArgs, CancellationToken, ValueTask> WrapWrite<TArgs>(
            Func<TArgs, CancellationToken, ValueTask> method, Func<TArgs, IEnumerable<Invalidation>> invalidates)
        {
            ArgumentNullException.ThrowIfNull(method);
            ArgumentNullException.ThrowIfNull(invalidates);
            return async (args, token) =>
            {
                await method(args, token).ConfigureAwait(false);
                foreach (Invalidation what in invalidates(args)) await cache.InvalidateAsync(what, cancellationToken: CancellationToken.None).ConfigureAwait(false);
            };
        }
    }

    /// <summary>What no call could bring into a key is refused when the function is made.</summary>
    private static void CheckArguments(Type type)
    {
        if (!typeof(ITuple).IsAssignableFrom(type))
        {
            if (KeyValues.IsImpossible(type)) throw KeyValues.Unsupported(type);
            return;
        }
        Type[] items = type.GetGenericArguments();
        for (int i = 0; i < items.Length; i++)
        {
            // The eighth argument of a tuple is a tuple of those from the eighth on.
            if (i == 7) CheckArguments(items[i]);
            else if (KeyValues.IsImpossible(items[i])) throw KeyValues.Unsupported(items[i]);
        }
    }

    /// <summary>The arguments by their places: tuples do not know the names of theirs.</summary>
    private static KeyParameters ParametersOf<TArgs>(TArgs args)
    {
        if (args is not ITuple tuple) return [("1", args)];
        var parameters = new (string, object?)[tuple.Length];
        for (int i = 0; i < parameters.Length; i++) parameters[i] = (((char)('1' + i)).ToString(), tuple[i]);
        return KeyParameters.Create(parameters);
    }
}
