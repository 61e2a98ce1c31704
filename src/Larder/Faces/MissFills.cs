namespace Larder;

/// <summary>
/// Fills that begin with a get and end with a set, for faces whose interface shows no more of them
/// (<see cref="MissNotes"/>): what was made before an event that covers it is not stored after it.
/// </summary>
internal sealed class MissFills(LarderCache cache)
{
    /// <summary>How often a set is tried that was refused for another key's sake, with which its key shares a mark.</summary>
    private const int MaxTries = 8;

    /// <summary>A miss is about to be told.</summary>
    public void Begin(string key)
    {
        if (key.Length <= cache.Options.MaxKeyLength) cache.Misses.Add(key);
    }

    /// <summary>Stores what follows a miss, unless something that covers it came in between; false where no miss is known.</summary>
    public bool TryEnd<T>(string key, T value, EntryOptions options)
    {
        string[] tags = [.. options.Tags];
        for (int tries = 1; ; tries++)
        {
            (bool isFill, bool isOvertaken) = cache.Misses.Judge(key, tags, out long stamp);
            if (!isFill) return false;
            Reason unstored = isOvertaken ? Reason.UnstoredOvertaken : cache.Store(key, value, options, new(stamp, 0));
            if (unstored == Reason.UnstoredOvertaken && !isOvertaken && tries < MaxTries) continue;
            cache.Misses.End(key);
            if (unstored == Reason.UnstoredOvertaken)
            {
                cache.Reasons.Count(unstored);
                Log.SetOvertaken(cache.Logger);
            }
            return true;
        }
    }
}
