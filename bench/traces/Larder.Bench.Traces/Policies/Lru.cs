namespace Larder.Bench.Traces.Policies;

/// <summary>Exact least recently used.</summary>
internal sealed class Lru(Setting setting) : IPolicy
{
    private readonly KeyQueue _queue = new(new(setting), 1);

    public bool Access(int key)
    {
        bool hit = _queue.Contains(key);
        if (hit) _queue.Remove(key);
        else if (setting.CostOf(key) > setting.Capacity) return false;
        while (_queue.Cost + setting.CostOf(key) > setting.Capacity) _queue.PopOldest();
        _queue.Push(key);
        return hit;
    }
}
