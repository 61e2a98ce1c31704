namespace Larder.Bench.Traces.Policies;

/// <summary>
/// W-TinyLFU (Einziger et al. 2017) with a window that climbs towards the better hit ratio (Einziger et al. 2018): window,
/// probation and protected queues in order of recency, admission by a frequency sketch.
/// </summary>
internal sealed class WTinyLfu : IPolicy
{
    private const double ProtectedShare = 0.8;
    private const double FirstStep = 0.0625;
    private const double StepDecay = 0.98;
    private const double Restart = 0.05;
    private const int LeastFrequencyOfLuck = 6;

    private readonly Setting _setting;
    private readonly KeyQueue _window, _probation, _protected;
    private readonly Sketch _sketch;
    private readonly Random _luck = new(7);
    private double _windowShare = 0.01;
    private double _step = FirstStep;
    private double _lastRatio;
    private int _hits, _requests;

    public WTinyLfu(Setting setting)
    {
        _setting = setting;
        var links = new Links(setting);
        (_window, _probation, _protected) = (new(links, 1), new(links, 2), new(links, 3));
        _sketch = new(setting.Entries);
    }

    private long MaxWindow => Math.Max(_setting.Trace.Costs is null ? 1 : 0, (long)(_setting.Capacity * _windowShare));

    public bool Access(int key)
    {
        _sketch.Record(key);
        bool hit = Hit(key);
        if (!hit && _setting.CostOf(key) <= _setting.Capacity)
        {
            _window.Push(key);
            MakeRoom();
        }
        Climb(hit);
        return hit;
    }

    private bool Hit(int key)
    {
        if (_window.Contains(key))
        {
            _window.Remove(key);
            _window.Push(key);
            return true;
        }
        if (_probation.Contains(key)) _probation.Remove(key);
        else if (_protected.Contains(key)) _protected.Remove(key);
        else return false;
        _protected.Push(key);
        while (_protected.Cost > (_setting.Capacity - MaxWindow) * ProtectedShare && _protected.Count > 1) _probation.Push(_protected.PopOldest());
        return true;
    }

    private void MakeRoom()
    {
        while (_window.Cost > MaxWindow)
        {
            int candidate = _window.PopOldest();
            if (!Admits(candidate)) continue;
            _probation.Push(candidate);
        }
        while (_window.Cost + _probation.Cost + _protected.Cost > _setting.Capacity)
            (_probation.IsEmpty ? _protected.IsEmpty ? _window : _protected : _probation).PopOldest();
    }

    /// <summary>Makes room for the candidate if it is asked for more often than what would have to go.</summary>
    private bool Admits(int candidate)
    {
        while (_window.Cost + _probation.Cost + _protected.Cost + _setting.CostOf(candidate) > _setting.Capacity)
        {
            KeyQueue main = _probation.IsEmpty ? _protected : _probation;
            if (main.IsEmpty) return false;
            int mine = _sketch.Of(candidate), its = _sketch.Of(main.Oldest);
            if (mine <= its && !(mine >= LeastFrequencyOfLuck && _luck.Next(128) == 0)) return false;
            main.PopOldest();
        }
        return true;
    }

    private void Climb(bool hit)
    {
        _requests++;
        if (hit) _hits++;
        if (_requests < 10 * _setting.Entries) return;
        double ratio = (double)_hits / _requests, change = ratio - _lastRatio;
        if (change < 0) _step = -_step;
        _windowShare = Math.Clamp(_windowShare + _step, 0.0, 0.8);
        _step = Math.Abs(change) >= Restart ? FirstStep * Math.Sign(_step) : _step * StepDecay;
        _lastRatio = ratio;
        _hits = _requests = 0;
    }
}
