using System.Numerics;

namespace Larder.Tests.Support;

/// <summary>An operation and when it was under way: called before it began, returned after it had ended.</summary>
public readonly record struct Recorded<TOperation>(long Called, long Returned, TOperation Operation);

/// <summary>
/// Whether a concurrent history could have been a sequential one: each operation taking effect at one instant between
/// its call and its return. The search of Wing and Gong (1993), which does not visit a pair of operations done and state twice
/// (Lowe 2017).
/// </summary>
public static class Linearizability
{
    /// <summary>What the sequential object does: the state after an operation with its result, or null where it could not have had that result.</summary>
    public delegate TState? Step<TState, TOperation>(TState state, TOperation operation) where TState : struct;

    /// <param name="history">Operations in any order; at most a few hundred.</param>
    /// <param name="start">The state at the beginning.</param>
    /// <param name="step">The sequential object.</param>
    /// <param name="visited">How many pairs of operations done and state were looked at.</param>
    public static bool Holds<TState, TOperation>(
        IReadOnlyList<Recorded<TOperation>> history, TState start, Step<TState, TOperation> step, out int visited) where TState : struct
    {
        Recorded<TOperation>[] byCall = [.. history.OrderBy(o => o.Called)];
        BigInteger all = (BigInteger.One << byCall.Length) - 1;
        var seen = new HashSet<(BigInteger Done, TState State)>();
        var open = new Stack<(BigInteger Done, TState State)>();
        open.Push((BigInteger.Zero, start));
        while (open.TryPop(out var at))
        {
            visited = seen.Count;
            if (at.Done == all) return true;
            if (!seen.Add(at)) continue;
            // Whatever was called before the first return among the rest may be next.
            long firstReturn = long.MaxValue;
            for (int i = 0; i < byCall.Length && byCall[i].Called < firstReturn; i++)
                if (!IsDone(i)) firstReturn = Math.Min(firstReturn, byCall[i].Returned);
            for (int i = 0; i < byCall.Length && byCall[i].Called < firstReturn; i++)
                if (!IsDone(i) && step(at.State, byCall[i].Operation) is { } next) open.Push((at.Done | BigInteger.One << i, next));

            bool IsDone(int i) => !(at.Done >> i).IsEven;
        }
        visited = seen.Count;
        return false;
    }
}
