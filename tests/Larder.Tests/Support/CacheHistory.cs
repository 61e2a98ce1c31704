namespace Larder.Tests.Support;

/// <summary>What can be done with one key of a cache, and with what its values are made from.</summary>
public enum KeyAction
{
    /// <summary>The origin's value becomes the operation's.</summary>
    Change,
    /// <summary>The cache is told to forget the key: removed or invalidated in whatever way.</summary>
    End,
    /// <summary>The value is stored.</summary>
    Set,
    /// <summary>The value was found.</summary>
    Found,
    /// <summary>Nothing was found.</summary>
    Missed,
    /// <summary>The value was found or made from the origin.</summary>
    GotOrCreated,
}

/// <summary>One operation with its result.</summary>
public readonly record struct KeyOperation(KeyAction Action, long Value = 0);

/// <summary>
/// One key of a cache as a sequential object. A read may miss at any time, since the cache may evict; but whatever it
/// finds is what is there. Get-or-create reads the origin at the instant at which it takes effect: that the value arrives
/// in the cache later shows only as misses, for what ends the key meanwhile ends this value, too.
/// </summary>
/// <param name="Origin">What a factory would read.</param>
/// <param name="Cached">What is stored; 0 for nothing.</param>
public readonly record struct KeyState(long Origin, long Cached)
{
    public static KeyState? Step(KeyState state, KeyOperation operation) => operation.Action switch
    {
        KeyAction.Change => state with { Origin = operation.Value },
        KeyAction.End => state with { Cached = 0 },
        KeyAction.Set => state with { Cached = operation.Value },
        KeyAction.Missed => state,
        KeyAction.Found => state.Cached == operation.Value ? state : null,
        KeyAction.GotOrCreated when state.Cached == operation.Value => state,
        KeyAction.GotOrCreated when state.Origin == operation.Value => state with { Cached = operation.Value },
        _ => null,
    };
}
