namespace Larder;

/// <summary>Counts and tells why entries leave memory.</summary>
internal sealed class Removals(CacheEvents events)
{
    private long _evictions;
    private long _expirations;

    public long Evictions => Volatile.Read(ref _evictions);

    public long Expirations => Volatile.Read(ref _expirations);

    public void Tell(Entry entry, RemovalCause cause)
    {
        if (cause == RemovalCause.Evicted) Interlocked.Increment(ref _evictions);
        else if (cause == RemovalCause.Expired) Interlocked.Increment(ref _expirations);
        if (events.AnyListeners) events.Raise(cause, entry.Key);
    }
}
