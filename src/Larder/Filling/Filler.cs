using System.Collections.Concurrent;

namespace Larder;

/// <summary>
/// One flight per key: concurrent callers of a key share one run of the factory.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. A caller never gets a value whose making began before an invalidation that was acknowledged before the caller
///    came: a follower notes the ordinal at which it joined, and if anything between the flight's stamp and that
///    ordinal covers the key or the result's tags it starts anew. A leader's own flight begins after it came.
/// 2. A flight is in the table from before its factory runs until before its result is handed out.
/// 3. The caller's cancellation ends its waiting, not the flight, unless it was the last one.
/// The factory runs in the first caller's execution context, so <c>Activity</c> and <c>AsyncLocal</c> flow into it.
/// </remarks>
internal sealed class Filler(Ordinals ordinals, InvalidationIndex index, MemoryStore memory)
{
    /// <summary>Overtaken so often, a caller fills for itself alone, so that a storm of writes can't starve it.</summary>
    private const int MaxJoins = 3;

    private readonly ConcurrentDictionary<string, Flight> _flights = new(KeyComparer.Instance);

    public int UnderWay => _flights.Count;

    /// <summary>Runs <paramref name="fill"/> for the key, or waits for whoever does.</summary>
    /// <param name="fill">Gets the stamp and a token that is cancelled when nobody waits any more; stores what it made.</param>
    /// <returns>The value, and whether it came from another caller's flight.</returns>
    public async ValueTask<(T Value, bool Coalesced)> RunAsync<TState, T>(
        string key, TState state, Func<TState, long, CancellationToken, ValueTask<Filled<T>>> fill, CancellationToken cancellationToken)
    {
        for (int joins = 0; joins < MaxJoins; joins++)
        {
            long joined = ordinals.Last;
            var own = new Flight<T>(joined);
            own.TryJoin();
            Flight flight = _flights.GetOrAdd(key, own);
            if (ReferenceEquals(flight, own))
            {
                _ = FlyAsync(key, own, state, fill);
                return ((await WaitAsync(own, cancellationToken).ConfigureAwait(false)).Value, false);
            }
            if (flight is not Flight<T> typed) break;
            if (memory.NewestEvent(key) > flight.Stamp || !flight.TryJoin())
            {
                // Nobody else needs to wait for a value that is outdated already, or that nobody makes any more.
                _flights.TryRemove(new(key, flight));
                continue;
            }
            Filled<T> filled = await WaitAsync(typed, cancellationToken).ConfigureAwait(false);
            if (!WasOvertaken(key, flight.Stamp, joined, filled)) return (filled.Value, true);
        }
        return ((await fill(state, ordinals.Last, cancellationToken).ConfigureAwait(false)).Value, false);
    }

    /// <summary>Whether something that came after the flight's start, and may have come before the caller, covers its result.</summary>
    private bool WasOvertaken<T>(string key, long stamp, long joined, Filled<T> filled) =>
        joined > stamp
        && (memory.NewestEvent(key) > stamp
            || index.Newest > stamp && index.Covers(key, filled.Tags, filled.User, stamp));

    private async Task FlyAsync<TState, T>(
        string key, Flight<T> flight, TState state, Func<TState, long, CancellationToken, ValueTask<Filled<T>>> fill)
    {
        try
        {
            Filled<T> filled = await fill(state, flight.Stamp, flight.Abandoned).ConfigureAwait(false);
            _flights.TryRemove(new(key, flight));
            flight.Land(filled);
        }
        catch (Exception e)
        {
            _flights.TryRemove(new(key, flight));
            flight.Fail(e);
        }
    }

    private static async Task<Filled<T>> WaitAsync<T>(Flight<T> flight, CancellationToken cancellationToken)
    {
        try
        {
            return await flight.Landed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            flight.Leave();
            throw;
        }
    }
}
