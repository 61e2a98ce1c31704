namespace Larder.Bench.Traces;

/// <summary>Requests in order: keys from 0 to <see cref="Distinct"/> − 1, and what each key's value costs.</summary>
/// <param name="Costs">Bytes of each key's value; null where values are counted, not weighed.</param>
internal sealed record Trace(string Name, int[] Keys, int Distinct, int[]? Costs = null)
{
    public long CostOf(int key) => Costs is null ? 1 : Costs[key];

    /// <summary>Of all distinct keys: what a cache that never evicts would hold.</summary>
    public long Footprint => Costs is null ? Distinct : Costs.Sum(cost => (long)cost);

    /// <summary>The same requests with keys numbered in order of their first appearance, so that policies can use arrays.</summary>
    public static Trace Of(string name, IReadOnlyList<long> requests, Func<long, int>? cost = null)
    {
        var numbers = new Dictionary<long, int>();
        var costs = new List<int>();
        int[] keys = new int[requests.Count];
        for (int i = 0; i < keys.Length; i++)
        {
            if (!numbers.TryGetValue(requests[i], out int number))
            {
                numbers.Add(requests[i], number = numbers.Count);
                if (cost is not null) costs.Add(cost(requests[i]));
            }
            keys[i] = number;
        }
        return new(name, keys, numbers.Count, cost is null ? null : [.. costs]);
    }
}

/// <summary>A trace and the capacity at which it is replayed.</summary>
/// <param name="Share">The capacity as a share of the footprint.</param>
internal sealed record Point(Trace Trace, double Share)
{
    public long Capacity => Math.Max(1, (long)(Trace.Footprint * Share));

    public string Name => FormattableString.Invariant($"{Trace.Name} @{100 * Share:0.#}");
}

/// <summary>What a policy made of a point.</summary>
internal readonly record struct Score(double Objects, double Bytes);
