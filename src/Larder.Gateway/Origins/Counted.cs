namespace Larder.Gateway.Origins;

/// <summary>
/// Something that several hold and the last one ends. Invariants: the count begins at one, for whoever made it; it never
/// rises from zero; <see cref="End"/> runs once, when it falls to zero.
/// </summary>
internal abstract class Counted
{
    private int _holders = 1;

    /// <summary>Holds it; false if it has ended.</summary>
    public bool TryHold()
    {
        for (int holders = Volatile.Read(ref _holders); holders > 0;)
        {
            int seen = Interlocked.CompareExchange(ref _holders, holders + 1, holders);
            if (seen == holders) return true;
            holders = seen;
        }
        return false;
    }

    /// <summary>Lets go of it.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0) End();
    }

    /// <summary>Nobody holds it any more.</summary>
    protected abstract void End();
}
