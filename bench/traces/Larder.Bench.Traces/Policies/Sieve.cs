namespace Larder.Bench.Traces.Policies;

/// <summary>SIEVE (Zhang et al., NSDI 2024): a hand that passes over used entries and leaves them where they are.</summary>
internal sealed class Sieve(Setting setting) : IPolicy
{
    private readonly KeyQueue _queue = new(new(setting), 1);
    private readonly bool[] _used = new bool[setting.Keys];
    private int _hand = -1;

    public bool Access(int key)
    {
        if (_queue.Contains(key)) return _used[key] = true;
        if (setting.CostOf(key) > setting.Capacity) return false;
        while (_queue.Cost + setting.CostOf(key) > setting.Capacity) Evict();
        _queue.Push(key);
        return false;
    }

    private void Evict()
    {
        int at = _hand >= 0 ? _hand : _queue.Oldest;
        while (_used[at])
        {
            _used[at] = false;
            at = _queue.NewerThan(at) is >= 0 and var newer ? newer : _queue.Oldest;
        }
        _hand = _queue.NewerThan(at);
        _queue.Remove(at);
    }
}
