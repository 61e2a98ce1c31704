using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>What happened to an entry.</summary>
public enum CacheEventKind : byte
{
    /// <summary>A lookup found a value.</summary>
    Hit,
    /// <summary>A lookup found none.</summary>
    Miss,
    /// <summary>A lookup found none and waited for the fill that another caller had begun.</summary>
    Coalesce,
    /// <summary>A value was stored.</summary>
    Set,
    /// <summary>A key was removed.</summary>
    Remove,
    /// <summary>An entry made room for others.</summary>
    Evict,
    /// <summary>An entry's time was over.</summary>
    Expire,
    /// <summary>An entry was found covered by an invalidation.</summary>
    Invalidate,
}

/// <summary>One thing that happened to an entry.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Key">The entry's key.</param>
/// <param name="Reason">Why, for lookups; otherwise <see cref="Reason.None"/>.</param>
public readonly record struct CacheEvent(CacheEventKind Kind, string Key, Reason Reason);

/// <summary>Tells listeners what happens to entries. A listener that throws is logged and never breaks the operation.</summary>
public sealed class CacheEvents
{
    private readonly ILogger _logger;
    private readonly Lock _changing = new();
    private volatile Action<CacheEvent>[] _listeners = [];

    internal CacheEvents(ILogger logger) => _logger = logger;

    /// <summary>Whether anybody listens: nothing is prepared for an event that nobody wants.</summary>
    internal bool AnyListeners => _listeners.Length > 0;

    /// <summary>Calls <paramref name="listener"/> for each event, on the thread of the operation: it should be quick.</summary>
    /// <returns>Ends the subscription when disposed.</returns>
    public IDisposable Subscribe(Action<CacheEvent> listener)
    {
        ArgumentNullException.ThrowIfNull(listener);
        lock (_changing) _listeners = [.. _listeners, listener];
        return new Subscription(this, listener);
    }

    internal void Raise(CacheEventKind kind, string key, Reason reason = Reason.None)
    {
        foreach (Action<CacheEvent> listener in _listeners)
        {
            try
            {
                listener(new(kind, key, reason));
            }
            catch (Exception e)
            {
                Log.ListenerFailed(_logger, kind, e);
            }
        }
    }

    /// <summary>An entry left memory; one that a newer value replaced is told of by that.</summary>
    internal void Raise(RemovalCause cause, string key)
    {
        if (cause == RemovalCause.Replaced) return;
        Raise(cause switch
        {
            RemovalCause.Evicted => CacheEventKind.Evict,
            RemovalCause.Expired => CacheEventKind.Expire,
            RemovalCause.Removed => CacheEventKind.Remove,
            _ => CacheEventKind.Invalidate,
        }, key);
    }

    private void Unsubscribe(Action<CacheEvent> listener)
    {
        lock (_changing)
        {
            int at = Array.IndexOf(_listeners, listener);
            if (at >= 0) _listeners = [.. _listeners[..at], .. _listeners[(at + 1)..]];
        }
    }

    private sealed class Subscription(CacheEvents events, Action<CacheEvent> listener) : IDisposable
    {
        private Action<CacheEvent>? _listener = listener;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _listener, null) is { } listener) events.Unsubscribe(listener);
        }
    }
}
