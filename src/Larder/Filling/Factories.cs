namespace Larder;

/// <summary>The shapes in which a factory comes; as structs, so that none of them costs an allocation.</summary>
internal interface IFactory<T>
{
    /// <summary>Whether it wants a context.</summary>
    bool IsAdaptive { get; }

    ValueTask<T> RunAsync(FillContext<T>? context, CancellationToken cancellationToken);
}

internal readonly struct PlainFactory<TState, T>(TState state, Func<TState, CancellationToken, ValueTask<T>> make) : IFactory<T>
{
    public bool IsAdaptive => false;

    public ValueTask<T> RunAsync(FillContext<T>? context, CancellationToken cancellationToken) => make(state, cancellationToken);
}

internal readonly struct AdaptiveFactory<T>(Func<FillContext<T>, CancellationToken, ValueTask<T>> make) : IFactory<T>
{
    public bool IsAdaptive => true;

    public ValueTask<T> RunAsync(FillContext<T>? context, CancellationToken cancellationToken) => make(context!, cancellationToken);
}

/// <summary>One call that is no plain hit: what it wants and how.</summary>
/// <param name="Missed">Why it was no hit.</param>
internal readonly record struct FillCall<TFactory, T>(string Key, TFactory Factory, EntryRules Rules, Reason Missed) where TFactory : IFactory<T>;
