namespace Larder;

/// <summary>
/// Finds out which strategy suits what is asked for: a sample of the keys, chosen by their hash, goes through one simulated
/// cache per strategy whose limits are as much smaller as the sample is (miniature simulations, Waldspurger et al., ATC
/// 2017). A strategy takes over when it is better there by more than chance explains.
/// </summary>
/// <remarks>
/// One thread at a time. The sample begins with all keys and is halved whenever it has grown too large, so that a small
/// cache is simulated exactly and a large one costs little. It is doubled where fewer and larger entries leave too little of it.
/// </remarks>
internal sealed class PolicyChooser
{
    /// <summary>Most entries of a simulated cache; half as many are too few where sizes differ much.</summary>
    private const int MaxSample = 1000;
    /// <summary>Fewer entries than this in a simulated cache that is full say too little.</summary>
    private const int MinSample = MaxSample / 8;
    /// <summary>Of a point in the contest: some rounds through a simulated cache.</summary>
    private const double HalfLife = 20 * MaxSample;
    /// <summary>A lead by less than this share of the simulated entries may be a single burst.</summary>
    private const double LeastLead = 1.0 / 16;

    private static readonly Strategy[] Strategies = Enum.GetValues<Strategy>();

    private readonly SampledCache[] _caches = [.. Strategies.Select(strategy => new SampledCache(strategy))];
    private readonly Contest _contest = new(Strategies.Length, HalfLife);
    private int _maxEntries;
    private long _maxBytes;
    private int _halvings;

    public PolicyChooser(int maxEntries, long maxBytes) => Limit(maxEntries, maxBytes);

    public Strategy Best { get; private set; } = Strategy.Filter;

    /// <summary>What there is to be had by one strategy or the other.</summary>
    public void Limit(int maxEntries, long maxBytes)
    {
        (_maxEntries, _maxBytes) = (maxEntries, maxBytes);
        foreach (SampledCache cache in _caches) cache.Limit(Math.Max(1, maxEntries >> _halvings), maxBytes >> _halvings);
    }

    /// <summary>Whether the keys of this hash are part of the sample: whether it begins with as many zeros, once mixed, as there were halvings.</summary>
    public bool Samples(int hash) => (ulong)unchecked((uint)hash * 0x85EB_CA6B) << _halvings >> 32 == 0;

    /// <summary>Tells of a read or an addition of a key of the sample.</summary>
    public void Access(int hash, long cost)
    {
        uint hits = 0;
        int largest = 0;
        for (int i = 0; i < _caches.Length; i++)
        {
            if (_caches[i].Access(hash, cost)) hits |= 1u << i;
            largest = Math.Max(largest, _caches[i].Count);
        }
        _contest.Score(hits);
        foreach (Strategy strategy in Strategies)
        {
            if (!_contest.Leads((int)strategy, (int)Best, largest * LeastLead)) continue;
            Best = strategy;
            _contest.Change();
        }
        if (largest > MaxSample) Halve();
        else if (largest < MinSample && _halvings > 0 && _caches[0].HasEvicted) Double();
    }

    private void Halve()
    {
        _halvings++;
        foreach (SampledCache cache in _caches) cache.Keep(Samples);
        Limit(_maxEntries, _maxBytes);
    }

    /// <summary>The keys that come in were in none of the simulated caches: no strategy gains by it.</summary>
    private void Double()
    {
        _halvings--;
        Limit(_maxEntries, _maxBytes);
    }
}
