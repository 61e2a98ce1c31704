namespace Larder.Gateway.Origins;

/// <summary>
/// Whether one URL of an origin takes requests. Consecutive failures to connect pause it, for longer and longer; when a pause is
/// over, one request tries, and its end decides. Only failures to connect count: answers that are slow or break off are something
/// that a client may provoke. Failed checks take it out until one succeeds.
/// Invariants: everything but the first look is done under the gate; without trouble nobody takes it.
/// </summary>
/// <param name="random">A number from 0 to 1, so that nodes do not come back all at once.</param>
internal sealed class ServerHealth(TimeProvider time, Func<double>? random = null)
{
    /// <summary>So many failures in a row begin a pause.</summary>
    public const int Tolerated = 3;

    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    private readonly Func<double> _random = random ?? Random.Shared.NextDouble;
    private readonly Lock _gate = new();
    private volatile bool _isTroubled;
    private bool _failsChecks;
    private bool _isTried;
    private int _failures;
    private TimeSpan _pause;
    private long _pausedAt;

    /// <summary>Whether it may be sent a request. Once after each pause the answer is yes for whoever asks first.</summary>
    public bool Takes()
    {
        if (!_isTroubled) return true;
        lock (_gate)
        {
            if (_failsChecks) return false;
            if (_pause == TimeSpan.Zero) return true;
            if (time.GetElapsedTime(_pausedAt) < _pause) return false;
            // A trial that never ends leaves room for another one after as long again.
            _pausedAt = time.GetTimestamp();
            _isTried = true;
            return true;
        }
    }

    /// <summary>It could not be connected to.</summary>
    /// <returns>The pause that begins; null if none does.</returns>
    public TimeSpan? Failed()
    {
        lock (_gate)
        {
            _isTroubled = true;
            // Requests that were under way when the pause began say nothing new.
            if (_pause > TimeSpan.Zero && !_isTried) return null;
            _isTried = false;
            if (++_failures < Tolerated) return null;
            double length = Math.Min(First.TotalSeconds * Math.Pow(2, Math.Min(_failures - Tolerated, 10)), Longest.TotalSeconds);
            _pause = TimeSpan.FromSeconds(length * (0.75 + 0.5 * _random()));
            _pausedAt = time.GetTimestamp();
            return _pause;
        }
    }

    /// <summary>It has answered, whatever it said.</summary>
    /// <returns>Whether that ended a pause.</returns>
    public bool Answered()
    {
        if (!_isTroubled) return false;
        lock (_gate) return Recover_NeedsGate();
    }

    /// <summary>The result of a check.</summary>
    /// <returns>Whether it takes requests other than before because of it.</returns>
    public bool Checked(bool passed)
    {
        if (passed && !_isTroubled) return false;
        lock (_gate)
        {
            bool changed = _failsChecks == passed;
            _failsChecks = !passed;
            _isTroubled = true;
            return passed ? Recover_NeedsGate() | changed : changed;
        }
    }

    private bool Recover_NeedsGate()
    {
        bool wasPaused = _pause > TimeSpan.Zero;
        (_failures, _pause, _isTried) = (0, TimeSpan.Zero, false);
        _isTroubled = _failsChecks;
        return wasPaused;
    }
}
