namespace Larder;

/// <summary>
/// Points of strategies over each other: one for each access that one of them had a hit in and the other had not. Points
/// lose half of their worth with time, so that what is asked for now decides.
/// </summary>
/// <param name="halfLife">In accesses.</param>
internal sealed class Contest(int strategies, double halfLife)
{
    /// <summary>
    /// How many standard deviations a lead must have. Each change asks for one more, and fades as points do: where two
    /// strategies take turns, changing costs more than either.
    /// </summary>
    private const double Certainty = 3;
    private const double LargestWorth = 1e100;

    private readonly double _growth = Math.Pow(2, 1 / halfLife);
    private readonly double[] _points = new double[strategies * strategies];
    /// <summary>Of a point given now: instead of all points falling, the new ones rise.</summary>
    private double _worth = 1;
    private double _changes;

    /// <param name="hits">A bit for each strategy that had a hit.</param>
    public void Score(uint hits)
    {
        _worth *= _growth;
        for (int one = 0; one < strategies; one++)
            for (int other = 0; other < strategies; other++)
                if ((hits >> one & 1) > (hits >> other & 1)) _points[one * strategies + other] += _worth;
        if (_worth > LargestWorth) Rescale();
    }

    /// <summary>Tells that another strategy took over.</summary>
    public void Change() => _changes += _worth;

    /// <summary>
    /// Whether one wins against the other by more than chance: were they equal, the difference of their points would have
    /// their sum as its variance (McNemar's test). Accesses come in bursts, each of which counts like one: hence the least lead.
    /// </summary>
    public bool Leads(int one, int other, double leastLead)
    {
        double won = _points[one * strategies + other] / _worth, lost = _points[other * strategies + one] / _worth;
        return won - lost > (Certainty + _changes / _worth) * Math.Sqrt(won + lost) + leastLead;
    }

    private void Rescale()
    {
        foreach (ref double points in _points.AsSpan()) points /= _worth;
        _changes /= _worth;
        _worth = 1;
    }
}
