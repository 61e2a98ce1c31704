using System.Collections.Concurrent;

namespace Larder;

/// <summary>
/// One flight per key: concurrent callers of a key share one run of the factory.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. A caller never gets a value whose making began before an invalidation that was acknowledged before the caller
///    came: a follower notes the ordinal at which it joined, and if that lies after the result's stamp and anything
///    newer than the stamp covers the result, it starts anew. A leader's own flight begins after it came.
/// 2. A flight is in the table from before its factory runs until before its result is handed out.
/// 3. The caller's cancellation ends its waiting, not the flight, unless it was the last one.
/// 4. A follower is given its value from the result's entry, as a hit would be: a mutable value is never shared.
/// 5. Nobody waits for a flight from within its own factory: that would never end, so it throws.
/// The factory runs in the first caller's execution context, so <c>Activity</c> and <c>AsyncLocal</c> flow into it.
/// </remarks>
internal sealed class Filler(Ordinals ordinals, MemoryStore memory, EntryFactory entries)
{
    /// <summary>Overtaken so often, a caller fills for itself alone, so that a storm of writes can't starve it.</summary>
    private const int MaxJoins = 3;

    /// <summary>The flights in whose factories the running code is, innermost first.</summary>
    private static readonly AsyncLocal<FlightScope?> Within = new();

    private readonly ConcurrentDictionary<string, Flight> _flights = new(KeyComparer.Instance);

    public int UnderWay => _flights.Count;

    /// <summary>Runs <paramref name="fill"/> for the key, or waits for whoever does.</summary>
    /// <param name="fill">Gets the stamp and a token that is cancelled when nobody waits any more; stores what it made.</param>
    /// <returns>The value, and whether it came from another caller's flight.</returns>
    /// <exception cref="InvalidOperationException">The key's own factory asks for it.</exception>
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
            if (Within.Value is { } scope && scope.IsWithin(flight))
                throw new InvalidOperationException("A factory asked the cache for the very key it is making the value of; it would wait for itself.");
            if (memory.NewestEvent(key) > flight.Stamp || !flight.TryJoin())
            {
                // Nobody else needs to wait for a value that is outdated already, or that nobody makes any more.
                _flights.TryRemove(new(key, flight));
                continue;
            }
            Filled<T> filled = await WaitAsync(typed, cancellationToken).ConfigureAwait(false);
            if (joined > filled.Stamp && memory.IsOvertaken(filled.Entry, filled.Stamp)) continue;
            if (entries.TryRead(filled.Entry, out T value)) return (value, true);
            break;
        }
        return ((await fill(state, ordinals.Last, cancellationToken).ConfigureAwait(false)).Value, false);
    }

    private async Task FlyAsync<TState, T>(
        string key, Flight<T> flight, TState state, Func<TState, long, CancellationToken, ValueTask<Filled<T>>> fill)
    {
        // Set in here it flows into the factory, but not back to the caller.
        var scope = new FlightScope(flight, Within.Value);
        Within.Value = scope;
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
        finally
        {
            scope.End();
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
