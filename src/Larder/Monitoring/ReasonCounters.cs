namespace Larder;

/// <summary>How often calls ended with each reason.</summary>
internal sealed class ReasonCounters
{
    private readonly StripedCounter[] _counters = [.. Enum.GetValues<Reason>().Select(_ => new StripedCounter())];

    public long this[Reason reason] => _counters[(int)reason].Value;

    public void Count(Reason reason) => _counters[(int)reason].Increment();

    /// <summary>The sum over all reasons that come to an outcome.</summary>
    public long Sum(Func<Outcome, bool> of)
    {
        long sum = 0;
        for (int i = 0; i < _counters.Length; i++)
            if (((Reason)i).EndsCall() && of(((Reason)i).Outcome())) sum += _counters[i].Value;
        return sum;
    }

    /// <summary>The reasons that have occurred, by their written form.</summary>
    public IReadOnlyDictionary<string, long> ToDictionary()
    {
        var counts = new Dictionary<string, long>();
        for (int i = 0; i < _counters.Length; i++)
            if (_counters[i].Value is > 0 and var count) counts[((Reason)i).Name()] = count;
        return counts;
    }
}
