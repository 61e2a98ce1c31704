namespace Larder;

/// <summary>Claims slots of values whose key only the value told .</summary>
/// <remarks>
/// Why what happened to the slot since the fill began does not matter: the claim keeps the position that was noted before the source was
/// asked, so whatever covers the value by its position does so wherever it lies. Key events of such keys have one, too (<see cref="DerivedKeys"/>).
/// </remarks>
internal static class LateClaims
{
    /// <summary>By so many milliseconds what is in the slot must be older: times of creation are kept to a second.</summary>
    private const long Blur = 2000;

    /// <summary>The slot is replaced at once.</summary>
    private static readonly TimeSpan TicketLife = TimeSpan.FromSeconds(5);

    /// <returns>Null where the value is not to be stored.</returns>
    public static async ValueTask<SlotClaim?> TakeAsync(RemoteReads reads, Entry entry, Position began)
    {
        RemoteAnswer answer = await reads.ReadAsync(entry.Key, TicketLife).ConfigureAwait(false);
        if (answer.Claim is not { } claim || claim.Stamp.Epoch != began.Epoch) return null;
        if (answer.Entry is { } there && there.CreatedAt + Blur > entry.CreatedAt) return null;
        return claim with { Stamp = began };
    }
}

/// <summary>
/// Keys that a face derives from another key, with a line feed in between. Their slots may be claimed late, so an event of one needs a place
/// among the groups, by which every node judges.
/// </summary>
internal static class DerivedKeys
{
    public static bool Are(string key) => key.Contains('\n');
}
