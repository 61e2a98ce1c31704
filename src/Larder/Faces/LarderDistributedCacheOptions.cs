namespace Larder;

/// <summary>How <see cref="LarderDistributedCache"/> takes what is stored through it.</summary>
public sealed class LarderDistributedCacheOptions
{
    /// <summary>
    /// Whether a set that follows a miss of its key ends the fill that began with the miss: if the key was removed or
    /// invalidated in between, what the set brings is older than that and is not stored. On by default, as it is right
    /// wherever a get, a look at the source and a set belong together. Off where a set is the only record of what it
    /// stores: then every set is stored.
    /// </summary>
    public bool MissesBeginFills { get; set; } = true;
}
