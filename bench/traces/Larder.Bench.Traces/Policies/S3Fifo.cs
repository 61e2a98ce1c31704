namespace Larder.Bench.Traces.Policies;

/// <summary>S3-FIFO (Yang et al., SOSP 2023): a tenth of the cache for the new, a ghost of what left it unused.</summary>
/// <param name="coldFill">Whether new entries go to the main queue until the cache is full for the first time.</param>
internal sealed class S3Fifo : IPolicy
{
    private const double SmallShare = 0.1;
    private const byte MostUses = 3;

    private readonly Setting _setting;
    private readonly KeyQueue _small;
    private readonly KeyQueue _main;
    private readonly byte[] _uses;
    private readonly int[] _ghosts;
    private int _serial = 1;
    private bool _fill;

    public S3Fifo(Setting setting, bool coldFill)
    {
        _setting = setting;
        var links = new Links(setting);
        (_small, _main) = (new(links, 1), new(links, 2));
        _uses = new byte[setting.Keys];
        _ghosts = new int[setting.Keys];
        _fill = coldFill;
    }

    public bool Access(int key)
    {
        if (_small.Contains(key) || _main.Contains(key))
        {
            if (_uses[key] < MostUses) _uses[key]++;
            return true;
        }
        long cost = _setting.CostOf(key);
        if (cost > _setting.Capacity) return false;
        while (_small.Cost + _main.Cost + cost > _setting.Capacity) Evict();
        bool known = _ghosts[key] > 0 && _serial - _ghosts[key] < _setting.Entries * (1 - SmallShare);
        _uses[key] = 0;
        _ghosts[key] = 0;
        (known || _fill ? _main : _small).Push(key);
        return false;
    }

    private void Evict()
    {
        _fill = false;
        if (_main.IsEmpty || !_small.IsEmpty && _small.Cost > _setting.Capacity * SmallShare) EvictFromSmall();
        else EvictFromMain();
    }

    private void EvictFromSmall()
    {
        int oldest = _small.PopOldest();
        if (_uses[oldest] == 0)
        {
            _ghosts[oldest] = _serial++;
            return;
        }
        _uses[oldest] = 0;
        _main.Push(oldest);
    }

    private void EvictFromMain()
    {
        int oldest = _main.PopOldest();
        if (_uses[oldest] == 0) return;
        _uses[oldest]--;
        _main.Push(oldest);
    }
}
