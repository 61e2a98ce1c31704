namespace Larder;

/// <summary>
/// A fill of a face that makes its values itself: looks their keys up before the source is asked, and stores in Redis afterwards what memory has
/// taken.
/// </summary>
/// <remarks>
/// Belongs to one request: nothing here is locked. The position, which all that it stores without an own claim is stamped with, is that
/// of the first claim, so it was noted before the source was asked.
/// </remarks>
internal sealed class FaceFill(RemoteTier tier, RemoteFills fills, ReasonCounters reasons)
{
    private readonly List<(string Key, SlotClaim Claim)> _claims = [];

    /// <summary>Looks keys up side by side. What may be used is in memory afterwards, unless it was overtaken.</summary>
    /// <param name="keys">The keys.</param>
    /// <param name="claimed">How many of them, from the first on, may be stored under.</param>
    /// <param name="ticketLife">How long the making may take.</param>
    /// <typeparam name="T">What the face stores.</typeparam>
    /// <returns>Whether there was anything.</returns>
    public async Task<bool> LookAsync<T>(IReadOnlyList<string> keys, int claimed, TimeSpan ticketLife) where T : class
    {
        var looks = new Task<(bool Found, SlotClaim? Claim)>[keys.Count];
        for (int i = 0; i < looks.Length; i++) looks[i] = fills.LookAsync<T>(keys[i], i < claimed ? ticketLife : null);
        bool found = false;
        for (int i = 0; i < looks.Length; i++)
        {
            (bool isThere, SlotClaim? claim) = await looks[i].ConfigureAwait(false);
            found |= isThere;
            if (claim is not null) _claims.Add((keys[i], claim));
        }
        return found;
    }

    /// <summary>Memory has taken what was made. It goes to Redis in the background.</summary>
    public void Keep(Entry entry)
    {
        if (_claims.Count == 0) return;
        if (!tier.Writes.Takes(entry)) reasons.Count(Reason.UnstoredRedis);
        SlotClaim? claim = _claims.Find(known => known.Key == entry.Key).Claim;
        if (claim is not null) tier.Writes.Store(entry, claim);
        else if (DerivedKeys.Are(entry.Key)) tier.Writes.StoreLate(entry, _claims[0].Claim.Stamp);
    }
}
