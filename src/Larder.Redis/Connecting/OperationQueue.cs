using System.Diagnostics.CodeAnalysis;

namespace Larder.Redis;

/// <summary>The commands under way, in the order in which their replies come. Not safe for threads.</summary>
internal sealed class OperationQueue
{
    private Operation?[] _ring = new Operation?[64];
    private int _first;
    private long _earliest = long.MaxValue;

    public int Count { get; private set; }

    /// <summary>The one whose reply comes next; null where there is none.</summary>
    public Operation? Next => Count == 0 ? null : _ring[_first];

    public void Add(Operation operation)
    {
        if (Count == _ring.Length) Grow();
        _ring[(_first + Count++) & (_ring.Length - 1)] = operation;
        _earliest = Math.Min(_earliest, operation.Deadline);
    }

    public bool TryTake([MaybeNullWhen(false)] out Operation operation)
    {
        operation = Next;
        if (operation is null) return false;
        _ring[_first] = null;
        _first = (_first + 1) & (_ring.Length - 1);
        Count--;
        return true;
    }

    /// <summary>Ends those whose deadline is over. They stay in the queue: their replies are still to come.</summary>
    /// <returns>How many were ended.</returns>
    public int Expire(long now)
    {
        // What has been answered since may make this look once in vain, never too late.
        if (now < _earliest) return 0;
        _earliest = long.MaxValue;
        int expired = 0;
        for (int i = 0; i < Count; i++)
        {
            Operation operation = _ring[(_first + i) & (_ring.Length - 1)]!;
            if (operation.HasEnded) continue;
            if (operation.Deadline > now) _earliest = Math.Min(_earliest, operation.Deadline);
            else if (operation.TryEnd(new(RedisOutcome.TimedOut))) expired++;
        }
        return expired;
    }

    private void Grow()
    {
        var larger = new Operation?[_ring.Length * 2];
        for (int i = 0; i < Count; i++) larger[i] = _ring[(_first + i) & (_ring.Length - 1)];
        _ring = larger;
        _first = 0;
    }
}
