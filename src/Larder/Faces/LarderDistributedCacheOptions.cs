namespace Larder;

/// <summary>How <see cref="LarderDistributedCache"/> takes what is stored through it.</summary>
public sealed class LarderDistributedCacheOptions
{
    /// <summary>
    /// Whether a set that follows a miss of its key ends the fill that began with the miss: if the key was removed or
    /// invalidated in between, what the set brings may be older than that and is not stored (<c>unstored-overtaken</c>). Off by
    /// default: every set is stored, as is needed where a set is the only record of what it stores (sessions, one-time codes).
    /// To be switched on where each set follows a get and a look at a source, and a refused one costs one more look.
    /// </summary>
    public bool MissesBeginFills { get; set; }
}
