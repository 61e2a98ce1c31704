namespace Larder;

/// <summary>
/// Answers the calls that are no plain hit: from a stale value, from a flight under way, or by running the factory.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. A caller never gets a value whose making began before an invalidation that was acknowledged before the caller
///    came: a follower notes the ordinal at which it joined, and if that lies after the result's stamp and anything
///    newer than the stamp covers the result, it starts anew. A leader's own flight begins after it came.
/// 2. The caller's cancellation ends its waiting, not the flight, unless it was the last one.
/// 3. A follower is given its value from the result's entry, as a hit would be: a mutable value is never shared.
/// 4. A run that nobody waits for (a refresh, or after the last caller took a stale value) has a limit.
/// 5. A run that was cancelled is nobody's outcome but that of the caller who led it: others start anew, but only so often
///    (<see cref="MaxJoins"/>), for a source that cancels every call must not be asked by all callers at once.
/// 6. Nobody waits for a flight that waits for him (<see cref="FillRun"/>): he fills for himself alone.
/// 7. While memory is unproven nobody takes what a flight made that may have begun before he came. A second one that he boards has begun since:
///    the first was in the table when he came, and has left it.
/// The factory runs in its first caller's execution context, so <c>Activity</c> and <c>AsyncLocal</c> flow into it.
/// </remarks>
internal sealed class Filler(
    CacheClock clock, Ordinals ordinals, MemoryStore memory, EntryFactory entries, Flights flights, FactoryRunner runner, FlightWaiter waiter, Lookups lookups, ReasonCounters reasons, CacheEvents events)
{
    /// <summary>Overtaken so often, a caller fills for itself alone, so that a storm of writes can't starve it.</summary>
    public const int MaxJoins = 3;

    /// <summary>Answers a call.</summary>
    /// <param name="seen">What was found under the key and is no plain hit.</param>
    public ValueTask<LookupResult<T>> GetOrCreateAsync<TFactory, T>(FillCall<TFactory, T> call, Entry? seen, CancellationToken cancellationToken)
        where TFactory : struct, IFactory<T>
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<LookupResult<T>>(cancellationToken);
        try
        {
            return TryAnswer(ref call, seen, out LookupResult<T> answer) ? new(answer) : FillAsync(call, cancellationToken);
        }
        catch (Exception remembered)
        {
            return ValueTask.FromException<LookupResult<T>>(remembered);
        }
    }

    /// <summary>Makes the value for this caller alone: it joins no flight.</summary>
    public ValueTask<LookupResult<T>> AloneAsync<TFactory, T>(FillCall<TFactory, T> call, CancellationToken cancellationToken)
        where TFactory : struct, IFactory<T> =>
        cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<LookupResult<T>>(cancellationToken) : FillAsync(call, cancellationToken, MaxJoins);

    private async ValueTask<LookupResult<T>> FillAsync<TFactory, T>(FillCall<TFactory, T> call, CancellationToken cancellationToken, int joins = 0)
        where TFactory : struct, IFactory<T>
    {
        bool mayEndEarly = cancellationToken.CanBeCanceled || (call.Rules.HardTimeout ?? call.Rules.SoftTimeout) is not null;
        for (bool isFirst = true; ; joins++, isFirst = false)
        {
            // In this order: where memory is proven now, all that was acknowledged to the caller has an ordinal up to the one read here.
            bool mayBeOlder = isFirst && memory.IsUnproven;
            long joined = ordinals.Last;
            bool leads = true;
            if (joins >= MaxJoins || !flights.TryBoard(call.Key, null, mayEndEarly, out Flight<T>? flight, out leads))
                (flight, leads, joins) = (flights.Alone<T>(call.Key, flights.NewRun(mayEndEarly)), true, MaxJoins);
            FillRun? within = FillRun.Current;
            if (within is not null && !TryNoteWait(within, flight, leads))
            {
                (flight, leads, joins) = (flights.Alone<T>(call.Key, flights.NewRun(mayEndEarly)), true, MaxJoins);
                flight.Run.BeginsAsDetour(within);
                within.TryWaitFor(flight.Run);
            }
            LookupResult<T> standIn = await FlyAsync(within, call, flight, leads, joins < MaxJoins, cancellationToken).ConfigureAwait(false);
            if (standIn.Found) return standIn;
            Filled<T> filled = flight.Filled;
            if (leads && filled.IsMade)
            {
                return Led(filled, call.Missed);
            }
            if (filled.Entry is null)
            {
                if (TryAnswer(ref call, memory.Find(call.Key), out LookupResult<T> answer)) return answer;
                if (flight.WasCancelled && joins + 1 >= MaxJoins) waiter.Fail(flight);
            }
            else if (!mayBeOlder && (joined <= filled.Stamp || !memory.IsOvertaken(filled.Entry, filled.Stamp, flight.Watch)))
            {
                if (TryFollow(filled, out LookupResult<T> answer)) return answer;
                joins = MaxJoins;
            }
        }
    }

    private bool TryAnswer<TFactory, T>(ref FillCall<TFactory, T> call, Entry? seen, out LookupResult<T> answer) where TFactory : struct, IFactory<T>
    {
        answer = default;
        if (seen is null) return false;
        Reason missed = call.Missed;
        bool answered = lookups.TryAnswer(seen, ref missed, out answer, out bool refresh);
        if (missed != call.Missed) call = call with { Missed = missed };
        if (answered && refresh) runner.Refresh(call);
        return answered;
    }

    /// <summary>Takes part in a flight until it has landed or something stands in for it.</summary>
    /// <param name="within">The factory that the caller is, whose waiting is noted.</param>
    private ValueTask<LookupResult<T>> FlyAsync<TFactory, T>(
        FillRun? within, FillCall<TFactory, T> call, Flight<T> flight, bool leads, bool mayDefer, CancellationToken cancellationToken) where TFactory : struct, IFactory<T>
    {
        if (within is not null) return FlyWithinAsync(within, call, flight, leads, mayDefer, cancellationToken);
        if (leads) _ = runner.FlyAsync(call, flight, inBackground: false, mayDefer);
        return waiter.WaitAsync(flight, call.Rules, leads, null, cancellationToken);
    }

    /// <summary>The same for a caller that is a factory itself.</summary>
    private async ValueTask<LookupResult<T>> FlyWithinAsync<TFactory, T>(
        FillRun within, FillCall<TFactory, T> call, Flight<T> flight, bool leads, bool mayDefer, CancellationToken cancellationToken) where TFactory : struct, IFactory<T>
    {
        try
        {
            if (leads) _ = runner.FlyAsync(call, flight, inBackground: false, mayDefer);
            return await waiter.WaitAsync(flight, call.Rules, leads, null, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            within.WaitsNoMoreFor(flight.Run);
        }
    }

    /// <summary>Notes that the factory in which the running code is waits for a flight.</summary>
    /// <returns>False where the flight waits for that factory; it was left again.</returns>
    public bool TryNoteWait(FillRun within, Flight flight, bool leads)
    {
        if (leads) flight.Run.BeginsWithin(within);
        if (within.TryWaitFor(flight.Run)) return true;
        flights.Leave(flight);
        return false;
    }

    /// <summary>The answer of the caller whose factory made it.</summary>
    public LookupResult<T> Led<T>(Filled<T> filled, Reason missed)
    {
        Reason reason = filled.Reason is Reason.Revalidated or Reason.HitRedis ? filled.Reason : missed;
        reasons.Count(reason);
        long now = clock.Now;
        return new(filled.Value, reason, reason == Reason.HitRedis ? Lookups.Age(filled.Entry!, now) : 0, filled.Entry is null ? 0 : Lookups.Remaining(filled.Entry, now)) { Unstored = filled.Unstored };
    }

    /// <summary>The answer of a caller that waited for another one's flight; false where the value can't be given to two.</summary>
    public bool TryFollow<T>(Filled<T> filled, out LookupResult<T> answer)
    {
        answer = default;
        if (!entries.TryRead(filled.Entry!, out T value)) return false;
        reasons.Count(Reason.Coalesced);
        if (events.AnyListeners) events.Raise(CacheEventKind.Coalesce, filled.Entry!.Key, Reason.Coalesced);
        answer = new(value, Reason.Coalesced, 0, Lookups.Remaining(filled.Entry!, clock.Now)) { Unstored = filled.Unstored };
        return true;
    }
}
