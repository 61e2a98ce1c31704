using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>The flights under way: one for each key at most, which all callers of the key share.</summary>
/// <remarks>
/// Invariants.
/// 1. Nobody joins a flight whose value is outdated already: a key event newer than its stamp takes it out of the table.
/// 2. Nobody joins a flight that has been given up.
/// 3. Of an event and a flight of the same key, either the flight's stamp is not older than the event's ordinal, and its
///    factory starts after the event; or the event's caller finds the flight in the table and tells it. For the flight is in
///    the table, then counted, then its stamp is read; the event takes its ordinal, then looks at the count, then into the
///    table. Counting and taking an ordinal are interlocked, so both are full fences: one of the two sees what the other did.
/// 4. A flight is neither removed nor found overtaken before it has its stamp. So the count is never short of one that has.
/// 5. Whoever removes a flight that may still store something pushes it out first (<see cref="Flight.PushOut"/>).
/// </remarks>
internal sealed class Flights(Ordinals ordinals, ILogger logger) : IKeyEventReceiver
{
    private readonly ConcurrentDictionary<string, Flight> _flights = new(KeyComparer.Instance);
    /// <summary>Counted here: a writer asks it once per event, and the table's own count takes all of its locks.</summary>
    private int _underWay;

    public int UnderWay => Volatile.Read(ref _underWay);

    /// <inheritdoc cref="FillRun(bool, ILogger)"/>
    public FillRun NewRun(bool mayEndEarly) => new(mayEndEarly, logger);

    public void Tell(string key, long ordinal)
    {
        if (UnderWay != 0 && _flights.TryGetValue(key, out Flight? flight)) flight.Tell(ordinal);
    }

    /// <summary>Joins the key's flight, or leads a new one that belongs to <paramref name="run"/>.</summary>
    /// <param name="run">The run of the new flight; a run of its own, made only when it leads, where it is null.</param>
    /// <param name="mayEndEarly">See <see cref="FillRun"/>, where <paramref name="run"/> is null.</param>
    /// <returns>False where the key's flight makes a value of another type.</returns>
    public bool TryBoard<T>(string key, FillRun? run, bool mayEndEarly, [NotNullWhen(true)] out Flight<T>? flight, out bool leads)
    {
        // Most calls lead: they pay for one step in the table, those that join for a flight that is never used.
        var own = new Flight<T>(key, run ?? NewRun(mayEndEarly), isTold: true);
        for (; ; )
        {
            Flight found = _flights.GetOrAdd(key, own);
            leads = ReferenceEquals(found, own);
            if (leads)
            {
                Begin(own);
                flight = own;
                return true;
            }
            flight = found as Flight<T>;
            if (flight is null) return false;
            if (!flight.IsOvertaken && flight.TryJoin()) return true;
            PushOut(flight);
        }
    }

    /// <summary>Whether nobody makes the key's value, or only one that is outdated already: that flight leaves the table.</summary>
    public bool IsFree(string key)
    {
        if (!_flights.TryGetValue(key, out Flight? found)) return true;
        if (!found.IsOvertaken) return false;
        PushOut(found);
        return true;
    }

    /// <summary>Leads a new flight that belongs to <paramref name="run"/>, if the key is free.</summary>
    public bool TryLead<T>(string key, FillRun run, [NotNullWhen(true)] out Flight<T>? flight)
    {
        flight = null;
        if (!IsFree(key)) return false;
        var own = new Flight<T>(key, run, isTold: true);
        if (!_flights.TryAdd(key, own)) return false;
        Begin(own);
        flight = own;
        return true;
    }

    /// <summary>A flight of one caller alone: nobody can join it, and nobody tells it anything.</summary>
    public Flight<T> Alone<T>(string key, FillRun run)
    {
        var flight = new Flight<T>(key, run, isTold: false);
        flight.Begin(ordinals.Last);
        return flight;
    }

    /// <summary>Takes a flight out of the table that has stored what it brought, or never will.</summary>
    public void Remove(Flight flight)
    {
        if (_flights.TryRemove(new(flight.Key, flight))) Interlocked.Decrement(ref _underWay);
    }

    /// <summary>A caller gives its flight up; with the last one it ends.</summary>
    public void Leave(Flight flight)
    {
        if (!flight.Leave()) return;
        Remove(flight);
        flight.Run.LoseFlight();
    }

    private void Begin(Flight added)
    {
        Interlocked.Increment(ref _underWay);
        added.Begin(ordinals.Last);
    }

    /// <summary>Takes a flight out of the table that is overtaken, or that its callers have left while it may be landing.</summary>
    private void PushOut(Flight flight)
    {
        flight.PushOut();
        Remove(flight);
    }
}
