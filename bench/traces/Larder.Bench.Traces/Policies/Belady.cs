namespace Larder.Bench.Traces.Policies;

/// <summary>
/// Belady's OPT (1966): evicts what is asked for furthest in the future, the new one included. The limit where all values
/// cost the same; where they don't, a good cache that knows the future.
/// </summary>
internal sealed class Belady : IPolicy
{
    private readonly Setting _setting;
    private readonly int[] _nextAt;
    private readonly int[] _nextOf;
    private readonly bool[] _inside;
    private readonly PriorityQueue<(int Key, int Next), long> _furthest = new();
    private int _now;
    private long _cost;

    public Belady(Setting setting)
    {
        _setting = setting;
        int[] keys = setting.Trace.Keys;
        _nextAt = new int[keys.Length];
        _nextOf = new int[setting.Keys];
        _inside = new bool[setting.Keys];
        Array.Fill(_nextOf, int.MaxValue);
        for (int i = keys.Length - 1; i >= 0; i--) (_nextAt[i], _nextOf[keys[i]]) = (_nextOf[keys[i]], i);
    }

    public bool Access(int key)
    {
        int next = _nextOf[key] = _nextAt[_now++];
        bool hit = _inside[key];
        if (!hit)
        {
            _inside[key] = true;
            _cost += _setting.CostOf(key);
        }
        _furthest.Enqueue((key, next), -(long)next);
        while (_cost > _setting.Capacity)
        {
            (int victim, int at) = _furthest.Dequeue();
            // What was asked for since has a newer place in the heap.
            if (!_inside[victim] || _nextOf[victim] != at) continue;
            _inside[victim] = false;
            _cost -= _setting.CostOf(victim);
        }
        return hit;
    }
}
