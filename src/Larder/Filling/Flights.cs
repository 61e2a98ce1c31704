using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>The flights under way: one for each key at most, which all callers of the key share.</summary>
/// <remarks>
/// Invariants.
/// 1. Nobody joins a flight whose value is outdated already: a key event newer than its stamp takes it out of the table.
/// 2. Nobody joins a flight that has been given up.
/// </remarks>
internal sealed class Flights(MemoryStore memory, ILogger logger)
{
    private readonly ConcurrentDictionary<string, Flight> _flights = new(KeyComparer.Instance);

    public int UnderWay => _flights.Count;

    /// <inheritdoc cref="FillRun(bool, ILogger)"/>
    public FillRun NewRun(bool mayEndEarly) => new(mayEndEarly, logger);

    /// <summary>Joins the key's flight, or leads a new one that belongs to <paramref name="run"/>.</summary>
    /// <param name="run">The run of the new flight; a run of its own, made only when it leads, where it is null.</param>
    /// <param name="mayEndEarly">See <see cref="FillRun"/>, where <paramref name="run"/> is null.</param>
    /// <returns>False where the key's flight makes a value of another type.</returns>
    public bool TryBoard<T>(string key, long stamp, FillRun? run, bool mayEndEarly, [NotNullWhen(true)] out Flight<T>? flight, out bool leads)
    {
        // Most calls lead: they pay for one step in the table, those that join for a flight that is never used.
        var own = new Flight<T>(key, stamp, run ?? NewRun(mayEndEarly));
        for (; ; )
        {
            Flight found = _flights.GetOrAdd(key, own);
            leads = ReferenceEquals(found, own);
            if (leads)
            {
                own.Run.AddFlight();
                flight = own;
                return true;
            }
            flight = found as Flight<T>;
            if (flight is null) return false;
            if (memory.NewestEvent(key) <= flight.Stamp && flight.TryJoin()) return true;
            Remove(flight);
        }
    }

    /// <summary>Whether nobody makes the key's value, or only one that is outdated already: that flight leaves the table.</summary>
    public bool IsFree(string key)
    {
        if (!_flights.TryGetValue(key, out Flight? found)) return true;
        if (memory.NewestEvent(key) <= found.Stamp) return false;
        Remove(found);
        return true;
    }

    /// <summary>Leads a new flight that belongs to <paramref name="run"/>, if the key is free.</summary>
    public bool TryLead<T>(string key, long stamp, FillRun run, [NotNullWhen(true)] out Flight<T>? flight)
    {
        flight = null;
        if (!IsFree(key)) return false;
        var own = new Flight<T>(key, stamp, run);
        if (!_flights.TryAdd(key, own)) return false;
        run.AddFlight();
        flight = own;
        return true;
    }

    /// <summary>A flight of one caller alone: nobody can join it.</summary>
    public static Flight<T> Alone<T>(string key, long stamp, FillRun run)
    {
        var flight = new Flight<T>(key, stamp, run);
        flight.Run.AddFlight();
        return flight;
    }

    public void Remove(Flight flight) => _flights.TryRemove(new(flight.Key, flight));

    /// <summary>A caller gives its flight up; with the last one it ends.</summary>
    public void Leave(Flight flight)
    {
        if (!flight.Leave()) return;
        Remove(flight);
        flight.Run.LoseFlight();
    }
}
