namespace Larder;

/// <summary>Makes the values of those keys that a batch has found missing; a key that it leaves out has no value.</summary>
internal readonly record struct BatchFactory<TState, T>(
    TState State, Func<TState, IReadOnlyList<string>, CancellationToken, ValueTask<IReadOnlyDictionary<string, T>>> Make);

/// <summary>How the values of a batch are kept: alike, but for those that have rules of their own.</summary>
internal readonly record struct BatchRules(EntryRules Common, IReadOnlyDictionary<string, EntryRules>? Own = null)
{
    public EntryRules this[string key] => Own is not null && Own.TryGetValue(key, out EntryRules own) ? own : Common;
}

/// <summary>
/// Answers calls for many keys: one run of the factory makes all values that nobody makes yet, the others are waited for.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. Each missing key has a flight of its own, led or joined, with a stamp of its own: a batch and a call for a single key
///    share them, and what holds of a single fill (<see cref="Filler"/>) holds of each.
/// 2. The flights that a batch leads belong to one run, which starts before the batch waits for anything: batches that
///    cross make progress whatever the order of their keys.
/// 3. Whatever ends the call early, every flight that it has boarded is left.
/// </remarks>
internal sealed class BatchFiller(
    TimeProvider time, Ordinals ordinals, MemoryStore memory, InvalidationIndex index, Flights flights, BatchRunner runner, Filler filler, FlightWaiter waiter, Lookups lookups, ReasonCounters reasons)
{
    /// <summary>A key's place on a flight, until its value is there.</summary>
    private readonly record struct Seat<T>(Flight<T> Flight, bool Leads, Reason Missed);

    /// <summary>The values of all keys that have one.</summary>
    /// <param name="bypass">Why the keys are not cached: their values are made for this caller alone; none where they are.</param>
    public async ValueTask<Dictionary<string, T>> GetOrCreateAsync<TState, T>(
        IReadOnlyCollection<string> keys, BatchFactory<TState, T> factory, BatchRules rules, CancellationToken cancellationToken, Reason bypass = Reason.None)
    {
        long since = time.GetTimestamp();
        var values = new Dictionary<string, T>(keys.Count, KeyComparer.Instance);
        var open = new HashSet<string>(keys, KeyComparer.Instance);
        for (int round = bypass == Reason.None ? 0 : Filler.MaxJoins; open.Count > 0; round++)
        {
            List<(string Key, Reason Missed)> missing = bypass == Reason.None ? Look(open, values, factory, rules) : [.. open.Select(key => (key, bypass))];
            if (missing.Count == 0) break;
            // In this order, as in the filler.
            bool mayBeOlder = round == 0 && memory.IsUnproven;
            long joined = ordinals.Last;
            var run = flights.NewRun(mayEndEarly: true);
            bool isLast = round >= Filler.MaxJoins;
            List<Seat<T>> seats = [.. missing.Select(miss => Board<T>(miss.Key, miss.Missed, run, isLast))];
            FillRun? within = FillRun.Current;
            int noted = 0, settled = 0;
            bool hasStarted = false;
            try
            {
                for (; within is not null && noted < seats.Count; noted++)
                {
                    Seat<T> seat = seats[noted];
                    if (filler.TryNoteWait(within, seat.Flight, seat.Leads)) continue;
                    seats[noted] = new(flights.Alone<T>(seat.Flight.Key, run), true, seat.Missed);
                    run.BeginsAsDetour(within);
                    within.TryWaitFor(run);
                }
                Seat<T>[] led = [.. seats.Where(seat => seat.Leads)];
                hasStarted = true;
                if (led.Length > 0) _ = runner.FlyAsync(run, [.. led.Select(seat => seat.Flight)], factory, rules, inBackground: false, !isLast, [.. led.Select(seat => seat.Missed)]);
                while (settled < seats.Count)
                {
                    // Whoever waits leaves a flight by itself, however the waiting ends.
                    Seat<T> seat = seats[settled++];
                    LookupResult<T> standIn = await waiter.WaitAsync(seat.Flight, rules[seat.Flight.Key], seat.Leads, since, cancellationToken).ConfigureAwait(false);
                    if (!standIn.Found && seat.Flight.WasCancelled && round + 1 == Filler.MaxJoins) waiter.Fail(seat.Flight);
                    if (TryTake(seat, standIn, joined, mayBeOlder, out LookupResult<T> answer)) open.Remove(seat.Flight.Key);
                    if (answer.Found) values[seat.Flight.Key] = answer.Value;
                }
            }
            finally
            {
                foreach (Seat<T> seat in seats.Skip(settled))
                {
                    // What nobody will make must not keep others waiting.
                    if (seat.Leads && !hasStarted) runner.LandEmpty(seat.Flight);
                    flights.Leave(seat.Flight);
                }
                for (; noted > 0; noted--) within!.WaitsNoMoreFor(seats[noted - 1].Flight.Run);
            }
        }
        return values;
    }

    /// <summary>Answers what can be answered from memory, refreshes what is due in one run, and returns the rest.</summary>
    private List<(string Key, Reason Missed)> Look<TState, T>(HashSet<string> open, Dictionary<string, T> values, BatchFactory<TState, T> factory, BatchRules rules)
    {
        var missing = new List<(string, Reason)>();
        var due = new List<string>();
        foreach (string key in open)
        {
            Entry? entry = memory.Find(key);
            Reason missed = entry is null ? memory.WhyMissing(KeyComparer.Hash(key)) : Reason.MissExpired;
            if (entry is null || !lookups.TryAnswer(entry, ref missed, out LookupResult<T> answer, out bool refresh))
            {
                missing.Add((key, missed));
                continue;
            }
            values[key] = answer.Value!;
            if (refresh) due.Add(key);
        }
        open.ExceptWith(values.Keys);
        if (due.Count > 0) runner.Refresh(due, factory, rules);
        return missing;
    }

    private Seat<T> Board<T>(string key, Reason missed, FillRun run, bool isLast)
    {
        if (!isLast && flights.TryBoard(key, run, true, out Flight<T>? flight, out bool leads)) return new(flight, leads, missed);
        return new(flights.Alone<T>(key, run), true, missed);
    }

    /// <summary>Whether the key is done with; the answer is not found where it has no value.</summary>
    private bool TryTake<T>(Seat<T> seat, LookupResult<T> standIn, long joined, bool mayBeOlder, out LookupResult<T> answer)
    {
        answer = standIn;
        if (standIn.Found) return true;
        Filled<T> filled = seat.Flight.Filled;
        if (seat.Leads && filled.IsMade)
        {
            answer = filler.Led(filled, seat.Missed);
            return true;
        }
        if (mayBeOlder && !seat.Leads) return false;
        if (filled.Entry is null)
        {
            // That there is no value holds for whoever came before anything happened that could have changed it.
            bool isAbsent = filled.Reason == Reason.MissCold
                && (seat.Leads || joined <= filled.Stamp || index.Newest <= filled.Stamp && !seat.Flight.IsOvertaken);
            if (isAbsent) reasons.Count(seat.Leads ? seat.Missed : Reason.Coalesced);
            return isAbsent;
        }
        return (joined <= filled.Stamp || !memory.IsOvertaken(filled.Entry, filled.Stamp, seat.Flight.Watch)) && filler.TryFollow(filled, out answer);
    }
}
