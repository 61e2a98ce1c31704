namespace Larder;

/// <summary>
/// Why the last entries left, so that a miss can say more than that nothing is there. Bounded and lossy: another key
/// with the same place overwrites it, which costs an explanation and nothing else.
/// </summary>
/// <remarks>Written under the memory store's gate, read without it; one word holds hash and cause, so that they agree.</remarks>
internal sealed class Departures(int maxEntries)
{
    private readonly long[] _last = new long[HashPlaces.CountFor(maxEntries)];

    public void Remember_NeedsGate(int hash, RemovalCause cause) =>
        Volatile.Write(ref _last[hash & (_last.Length - 1)], (long)hash << 8 | (long)cause + 1);

    /// <summary>The reason of a miss on a key that is not stored.</summary>
    public Reason ReasonOf(int hash)
    {
        long last = Volatile.Read(ref _last[hash & (_last.Length - 1)]);
        if (last >> 8 != hash || (last & 0xFF) == 0) return Reason.MissCold;
        return (RemovalCause)((last & 0xFF) - 1) switch
        {
            RemovalCause.Evicted => Reason.MissEvicted,
            RemovalCause.Expired => Reason.MissExpired,
            RemovalCause.Replaced => Reason.MissCold,
            _ => Reason.MissInvalidated,
        };
    }
}
