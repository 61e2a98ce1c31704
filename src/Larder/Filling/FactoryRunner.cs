using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>Runs factories and lands their flights: the value is stored or the failure remembered, then everybody who waits is told.</summary>
/// <remarks>
/// Whatever happens, a flight that was handed to this class leaves the table and lands; only what was given up meanwhile
/// lands nowhere, for nobody waits. So nothing that may throw stands between a flight's end and its landing.
/// </remarks>
internal sealed class FactoryRunner(
    TimeProvider time, MemoryStore memory, Flights flights, Refreshes refreshes, Lookups lookups, Storer storer, RemoteFills? remote, ReasonCounters reasons, CacheEvents events, ILogger logger, string cacheName)
{
    /// <summary>Brings the value of a flight that the caller leads. Up to its first wait it runs on the caller's thread.</summary>
    /// <param name="mayDefer">Whether to look first if there is a value by now: then nothing is made, and everybody looks again.</param>
    public Task FlyAsync<TFactory, T>(FillCall<TFactory, T> call, Flight<T> flight, bool inBackground, bool mayDefer) where TFactory : struct, IFactory<T> =>
        remote is null ? RunAsync(call, flight, inBackground, mayDefer) : AskAsync(remote, call, flight, inBackground, mayDefer);

    /// <summary>Asks Redis first. What that brought into memory is stale at best, so the factory is not kept from running by it.</summary>
    private async Task AskAsync<TFactory, T>(RemoteFills remote, FillCall<TFactory, T> call, Flight<T> flight, bool inBackground, bool mayDefer) where TFactory : struct, IFactory<T>
    {
        if (TryDefer(flight, memory.Find(flight.Key), inBackground, mayDefer)) return;
        // The time of a run begins here: a slow answer is part of what the caller waits for.
        if (call.Rules.LimitOf(inBackground) is { } limit) Limit(flight, call.Rules, limit);
        if (!await remote.TryLandAsync(flight, call.Rules, inBackground, mayWait: true).ConfigureAwait(false))
            await RunAsync(call, flight, inBackground, mayDefer: false).ConfigureAwait(false);
    }

    /// <summary>Lands a flight without a value where there is one in memory by now.</summary>
    /// <param name="stored">What memory holds under its key.</param>
    public bool TryDefer<T>(Flight<T> flight, Entry? stored, bool inBackground, bool mayDefer)
    {
        if (!mayDefer || stored is null || !(inBackground ? !lookups.NeedsRefresh(stored) : lookups.CanAnswer<T>(stored))) return false;
        LandEmpty(flight);
        return true;
    }

    private async Task RunAsync<TFactory, T>(FillCall<TFactory, T> call, Flight<T> flight, bool inBackground, bool mayDefer) where TFactory : struct, IFactory<T>
    {
        // Set in here it flows into the factory, but not back to the caller.
        flight.Run.Enter();
        Entry? stored = null;
        FillWatch watch = default;
        FillContext<T>? context = null;
        T value = default!;
        Exception? failure = null;
        try
        {
            stored = memory.Find(call.Key);
            if (TryDefer(flight, stored, inBackground, mayDefer)) return;
            if (!inBackground && events.AnyListeners) events.Raise(CacheEventKind.Miss, call.Key, call.Missed);
            watch = FillWatch.Begin(cacheName, inBackground, logger);
            if (!flight.Run.IsLimited && call.Rules.LimitOf(inBackground) is { } limit) Limit(flight, call.Rules, limit);
            if (call.Factory.IsAdaptive) context = new(call.Key, call.Rules.Own, lookups.Stored<T>(stored));
            value = await call.Factory.RunAsync(context, flight.Run.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            failure = e;
        }
        watch.End(failure);
        flight.Run.End();
        if (!flight.TryEnd())
        {
            remote?.Release(flight);
            return;
        }
        if (failure is not null) Fail(flight, failure, call.Rules);
        else Land(flight, value, context is null ? call.Rules : call.Rules.With(context.Options), stored, context);
    }

    /// <summary>Refreshes what is stored, unless that or too much else is under way: in the caller's execution context, on another thread.</summary>
    public void Refresh<TFactory, T>(FillCall<TFactory, T> call) where TFactory : struct, IFactory<T>
    {
        // Looked at first: while a refresh is under way hits allocate nothing.
        if (!refreshes.MayBegin || !flights.IsFree(call.Key)) return;
        FillRun run = flights.NewRun(mayEndEarly: true);
        if (!refreshes.TryBegin(run)) return;
        if (!flights.TryLead(call.Key, run, out Flight<T>? flight))
        {
            run.End();
            return;
        }
        ThreadPool.QueueUserWorkItem(
            static work => _ = work.Runner.FlyAsync(work.call, work.flight, inBackground: true, mayDefer: true), (Runner: this, call, flight), preferLocal: false);
    }

    /// <summary>Ends the run's flights when its time is over: whoever waits gets the stale value or a <see cref="TimeoutException"/>.</summary>
    public void Limit<T>(IReadOnlyList<Flight<T>> led, FillRun run, BatchRules rules, TimeSpan limit) =>
        run.LimitTo(limit, time, () =>
        {
            // Ended before the token is cancelled: what a factory makes of that must not become the outcome.
            Flight<T>[] late = [.. led.Where(flight => flight.TryEnd())];
            run.Cancel();
            foreach (Flight<T> flight in late) Fail(flight, FlightWaiter.TimedOut(limit), rules[flight.Key]);
        });

    /// <summary>Nobody waits for the flight any more: from now on it has the limit of a run in the background.</summary>
    public void LimitForsaken<T>(Flight<T> flight, EntryRules rules) =>
        flight.LimitTo(EntryRules.DefaultLimit, time, () =>
        {
            if (!flight.TryEnd()) return;
            flight.Run.LoseFlight();
            Fail(flight, FlightWaiter.TimedOut(EntryRules.DefaultLimit), rules);
        });

    /// <summary>Lands an ended flight with what was made.</summary>
    public void Land<T>(Flight<T> flight, T value, EntryRules rules, Entry? stored, FillContext<T>? context = null)
    {
        Filled<T> filled;
        Exception? failure = null;
        try
        {
            filled = storer.Keep(flight, value, rules, stored, context is { IsDeclined: true });
            if (context is { IsConfirmed: true }) filled = filled with { Reason = Reason.Revalidated };
            if (filled.Unstored != Reason.None) reasons.Count(filled.Unstored);
        }
        catch (Exception e)
        {
            // It was made all the same: whoever made it has it, the others look again.
            failure = e;
            remote?.Release(flight);
            filled = new(value, null, flight.Stamp, Unstored: Reason.UnstoredUnserializable);
        }
        flights.Remove(flight);
        flight.Land(filled);
        if (failure is not null) Log.LandingFailed(logger, typeof(T), failure);
    }

    /// <summary>Lands an ended flight with its failure.</summary>
    public void Fail<T>(Flight<T> flight, Exception failure, EntryRules rules)
    {
        try
        {
            if (!Flight<T>.IsCancellation(failure)) storer.Remember(flight, failure, rules);
        }
        catch (Exception e)
        {
            failure = new AggregateException(failure, e);
        }
        remote?.Release(flight);
        flights.Remove(flight);
        flight.Fail(failure);
    }

    /// <summary>Lands a flight without making anything: whoever waits looks again.</summary>
    public void LandEmpty<T>(Flight<T> flight)
    {
        if (!flight.TryEnd()) return;
        flights.Remove(flight);
        flight.Land(new(default!, null, flight.Stamp));
        flight.Run.LoseFlight();
    }

    /// <summary>Lands a flight whose factory knows no value; what is stored is older than that.</summary>
    public void LandAbsent<T>(Flight<T> flight, Entry? stored)
    {
        if (!flight.TryEnd()) return;
        storer.KeepNothing(flight, stored);
        flights.Remove(flight);
        flight.Land(new(default!, null, flight.Stamp, Reason.MissCold));
    }

    private void Limit<T>(Flight<T> flight, EntryRules rules, TimeSpan limit) => Limit([flight], flight.Run, new BatchRules(rules), limit);
}
