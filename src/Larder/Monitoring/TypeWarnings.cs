namespace Larder;

/// <summary>Lets a warning about a type through at most once a minute.</summary>
/// <remarks>
/// Invariants.
/// 1. <see cref="_toldAt"/> is touched under <see cref="_gate"/> alone.
/// 2. It never holds more than <see cref="MostTypes"/>. Where so many were told of within the minute, further ones are not.
/// </remarks>
internal sealed class TypeWarnings(CacheClock clock)
{
    public const int MostTypes = 1000;
    public const long PauseMs = 60_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<Type, long> _toldAt = [];

    /// <summary>Whether it is to be told of now; the next time is a minute later.</summary>
    public bool IsDue(Type type)
    {
        lock (_gate)
        {
            long now = clock.Now;
            if (_toldAt.TryGetValue(type, out long toldAt) ? now - toldAt < PauseMs : !HasRoom_NeedsGate(now)) return false;
            _toldAt[type] = now;
            return true;
        }
    }

    private bool HasRoom_NeedsGate(long now)
    {
        if (_toldAt.Count < MostTypes) return true;
        foreach ((Type type, long toldAt) in _toldAt)
            if (now - toldAt >= PauseMs) _toldAt.Remove(type);
        return _toldAt.Count < MostTypes;
    }
}
