namespace Larder;

/// <summary>How often calls ended with each reason.</summary>
internal sealed class ReasonCounters
{
    private static readonly Reason[] All = Enum.GetValues<Reason>();

    private readonly ThreadCounters _counters = new();

    public long this[Reason reason] => _counters[(int)reason];

    public void Count(Reason reason) => _counters.Increment((int)reason);

    /// <summary>The sum over all reasons that come to an outcome.</summary>
    public long Sum(Func<Outcome, bool> of)
    {
        long sum = 0;
        foreach (Reason reason in All)
            if (reason.EndsCall() && of(reason.Outcome())) sum += this[reason];
        return sum;
    }

    /// <summary>The reasons that have occurred, by their written form.</summary>
    public IReadOnlyDictionary<string, long> ToDictionary()
    {
        var counts = new Dictionary<string, long>();
        foreach (Reason reason in All)
            if (this[reason] is > 0 and var count) counts[reason.Name()] = count;
        return counts;
    }
}
