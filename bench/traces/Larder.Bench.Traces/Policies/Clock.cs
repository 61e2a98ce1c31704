namespace Larder.Bench.Traces.Policies;

/// <summary>FIFO in which a used entry gets another round.</summary>
internal sealed class Clock(Setting setting) : IPolicy
{
    private readonly KeyQueue _queue = new(new(setting), 1);
    private readonly bool[] _used = new bool[setting.Keys];

    public bool Access(int key)
    {
        if (_queue.Contains(key)) return _used[key] = true;
        if (setting.CostOf(key) > setting.Capacity) return false;
        while (_queue.Cost + setting.CostOf(key) > setting.Capacity)
        {
            int oldest = _queue.PopOldest();
            if (!_used[oldest]) continue;
            _used[oldest] = false;
            _queue.Push(oldest);
        }
        _queue.Push(key);
        return false;
    }
}
