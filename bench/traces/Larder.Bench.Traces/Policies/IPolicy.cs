namespace Larder.Bench.Traces.Policies;

/// <summary>A cache that keeps no values: it says whether it would have had one.</summary>
internal interface IPolicy
{
    /// <summary>Asks for a key and, where it is missing, stores it.</summary>
    /// <returns>Whether it was there.</returns>
    bool Access(int key);
}

/// <summary>What a policy is made for.</summary>
/// <param name="Capacity">In entries or in bytes, as the trace counts.</param>
internal sealed record Setting(Trace Trace, long Capacity)
{
    public int Keys => Trace.Distinct;

    public long CostOf(int key) => Trace.CostOf(key);

    /// <summary>About how many entries fit: what ghosts and sketches are sized by.</summary>
    public int Entries { get; } = (int)Math.Clamp(Trace.Costs is null ? Capacity : Capacity * Trace.Distinct / Trace.Footprint, 1, Trace.Distinct);
}
