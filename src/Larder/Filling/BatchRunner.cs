using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>Runs the factory of a batch and lands the flights that it makes the values of.</summary>
internal sealed class BatchRunner(MemoryStore memory, Flights flights, Refreshes refreshes, FactoryRunner runner, RemoteFills? remote, CacheEvents events, ILogger logger, string cacheName)
{
    /// <param name="missed">Why each of the flights' keys was no hit; null in the background.</param>
    public Task FlyAsync<TState, T>(
        FillRun run, List<Flight<T>> led, BatchFactory<TState, T> factory, BatchRules rules, bool inBackground, bool mayDefer, IReadOnlyList<Reason>? missed = null) =>
        remote is null ? RunAsync(run, led, factory, rules, inBackground, mayDefer, missed) : AskAsync(remote, run, led, factory, rules, inBackground, mayDefer, missed);

    /// <summary>Asks Redis for all keys at once, and the factory for those that it did not answer.</summary>
    private async Task AskAsync<TState, T>(
        RemoteFills remote, FillRun run, List<Flight<T>> led, BatchFactory<TState, T> factory, BatchRules rules, bool inBackground, bool mayDefer, IReadOnlyList<Reason>? missed)
    {
        if (rules.Common.LimitOf(inBackground) is { } limit) runner.Limit(led, run, rules, limit);
        bool[] landed = await Task.WhenAll(led.Select(async flight =>
            runner.TryDefer(flight, memory.Find(flight.Key), inBackground, mayDefer) || await remote.TryLandAsync(flight, rules[flight.Key], inBackground, mayWait: false).ConfigureAwait(false))).ConfigureAwait(false);
        if (Array.TrueForAll(landed, isLanded => isLanded)) return;
        List<Reason>? reasons = missed is null ? null : [.. missed.Where((_, i) => !landed[i])];
        await RunAsync(run, [.. led.Where((_, i) => !landed[i])], factory, rules, inBackground, mayDefer: false, reasons).ConfigureAwait(false);
    }

    private async Task RunAsync<TState, T>(
        FillRun run, List<Flight<T>> led, BatchFactory<TState, T> factory, BatchRules rules, bool inBackground, bool mayDefer, IReadOnlyList<Reason>? missed)
    {
        run.Enter();
        var making = new List<(Flight<T> Flight, Entry? Stored)>(led.Count);
        IReadOnlyDictionary<string, T>? made = null;
        Exception? failure = null;
        FillWatch watch = default;
        try
        {
            for (int i = 0; i < led.Count; i++)
            {
                Entry? stored = memory.Find(led[i].Key);
                if (runner.TryDefer(led[i], stored, inBackground, mayDefer)) continue;
                making.Add((led[i], stored));
                if (missed is not null && events.AnyListeners) events.Raise(CacheEventKind.Miss, led[i].Key, missed[i]);
            }
            if (making.Count == 0) return;
            watch = FillWatch.Begin(cacheName, inBackground, logger);
            if (!run.IsLimited && rules.Common.LimitOf(inBackground) is { } limit) runner.Limit([.. making.Select(m => m.Flight)], run, rules, limit);
            made = await factory.Make(factory.State, [.. making.Select(m => m.Flight.Key)], run.Token).ConfigureAwait(false)
                ?? throw new InvalidOperationException("The factory of a batch returned null; without any value it returns an empty dictionary.");
        }
        catch (Exception e)
        {
            failure = e;
        }
        watch.End(failure);
        run.End();
        if (failure is null)
            foreach ((Flight<T> flight, Entry? stored) in making) Land(flight, made!, rules, stored);
        else
            foreach (Flight<T> flight in led)
                if (flight.TryEnd()) runner.Fail(flight, failure, rules[flight.Key]);
                else remote?.Release(flight);
    }

    /// <summary>Lands a flight that nobody will make the value of: whoever has joined looks again.</summary>
    public void LandEmpty<T>(Flight<T> flight) => runner.LandEmpty(flight);

    /// <summary>Refreshes what is stored under the keys, unless that or too much else is under way: one run, in the caller's execution context, on another thread.</summary>
    public void Refresh<TState, T>(List<string> keys, BatchFactory<TState, T> factory, BatchRules rules)
    {
        if (!refreshes.MayBegin) return;
        FillRun run = flights.NewRun(mayEndEarly: true);
        if (!refreshes.TryBegin(run)) return;
        var led = new List<Flight<T>>(keys.Count);
        foreach (string key in keys)
            if (flights.TryLead(key, run, out Flight<T>? flight)) led.Add(flight);
        if (led.Count == 0)
        {
            run.End();
            return;
        }
        ThreadPool.QueueUserWorkItem(
            static work => _ = work.Runner.FlyAsync(work.run, work.led, work.factory, work.rules, inBackground: true, mayDefer: true),
            (Runner: this, run, led, factory, rules), preferLocal: false);
    }

    /// <summary>A key that was left out has no value; that itself is stored, as null, where nulls are.</summary>
    private void Land<T>(Flight<T> flight, IReadOnlyDictionary<string, T> made, BatchRules rules, Entry? stored)
    {
        T? value;
        try
        {
            if (!made.TryGetValue(flight.Key, out value) && !(rules.Common.StoreNull && default(T) is null))
            {
                runner.LandAbsent(flight, stored);
                return;
            }
        }
        catch (Exception e)
        {
            if (flight.TryEnd()) runner.Fail(flight, e, rules[flight.Key]);
            return;
        }
        if (flight.TryEnd()) runner.Land(flight, value!, rules[flight.Key], stored);
        else remote?.Release(flight);
    }
}
