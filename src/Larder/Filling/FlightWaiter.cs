using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace Larder;

/// <summary>Lets a caller wait for a flight: no longer than it wants to, and for a stale value no longer than it has to.</summary>
internal sealed class FlightWaiter(TimeProvider time, Flights flights, FactoryRunner runner, Lookups lookups, ReasonCounters reasons)
{
    /// <summary>Waits until the flight has landed or something stands in for it. Whoever gives up leaves the flight.</summary>
    /// <param name="leads">Whether the caller leads the flight: then the flight's own limit is the caller's.</param>
    /// <param name="since">The timestamp at which the caller began to wait; now, where null.</param>
    /// <returns>What stands in, counted; not found when the flight has landed without a failure, or was cancelled by the caller who leads it.</returns>
    /// <exception cref="TimeoutException">The hard timeout is over, and nothing stands in.</exception>
    public ValueTask<LookupResult<T>> WaitAsync<T>(Flight<T> flight, EntryRules rules, bool leads, long? since, CancellationToken cancellationToken) =>
        flight.HasLanded ? new(OutcomeOf(flight, leads, cancellationToken)) : WaitForLandingAsync(flight, rules, leads, since, cancellationToken);

    private async ValueTask<LookupResult<T>> WaitForLandingAsync<T>(
        Flight<T> flight, EntryRules rules, bool leads, long? since, CancellationToken cancellationToken)
    {
        TimeSpan? hard = leads ? null : rules.HardTimeout;
        TimeSpan? soft = rules.SoftTimeout < (rules.HardTimeout ?? TimeSpan.MaxValue) ? rules.SoftTimeout : null;
        long start = since ?? ((hard ?? soft) is not null ? time.GetTimestamp() : 0);
        if (soft is { } patience)
        {
            if (await HasLandedAsync(flight, Left(patience), cancellationToken).ConfigureAwait(false)) return OutcomeOf(flight, leads, cancellationToken);
            LookupResult<T> stale = lookups.StandIn<T>(flight.Key, Reason.Stale);
            if (stale.Found)
            {
                // It goes on for the next caller, but not for ever.
                if (!flight.Run.IsLimited && flight.Forsake()) runner.LimitForsaken(flight, rules);
                return stale;
            }
        }
        if (await HasLandedAsync(flight, hard is { } most ? Left(most) : Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false))
            return OutcomeOf(flight, leads, cancellationToken);
        flights.Leave(flight);
        return StandInFor<T>(flight.Key, ExceptionDispatchInfo.Capture(TimedOut(hard!.Value)));

        TimeSpan Left(TimeSpan whole) => whole - time.GetElapsedTime(start) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    public static TimeoutException TimedOut(TimeSpan limit) =>
        new($"The factory did not return within {limit} ({nameof(EntryOptions.HardTimeout)}), and no stale value stands in.");

    private async ValueTask<bool> HasLandedAsync<T>(Flight<T> flight, TimeSpan limit, CancellationToken cancellationToken)
    {
        try
        {
            await flight.Landing.WaitAsync(limit, time, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            // The landing itself never fails; the waiting has ended, and what for is asked of those who know.
        }
        if (flight.HasLanded) return true;
        if (!cancellationToken.IsCancellationRequested) return false;
        flights.Leave(flight);
        throw new OperationCanceledException(cancellationToken);
    }

    private LookupResult<T> OutcomeOf<T>(Flight<T> flight, bool leads, CancellationToken cancellationToken)
    {
        if (flight.Failure is not { } failure) return default;
        cancellationToken.ThrowIfCancellationRequested();
        if (!leads && flight.WasCancelled) return default;
        return StandInFor<T>(flight.Key, failure);
    }

    /// <summary>Ends a call with the failure of the flight that it waited for.</summary>
    [DoesNotReturn]
    public void Fail<T>(Flight<T> flight) => Fail(flight.Failure!);

    private LookupResult<T> StandInFor<T>(string key, ExceptionDispatchInfo failure)
    {
        LookupResult<T> standIn = lookups.StandIn<T>(key, Reason.StaleError);
        if (!standIn.Found) Fail(failure);
        return standIn;
    }

    [DoesNotReturn]
    private void Fail(ExceptionDispatchInfo failure)
    {
        reasons.Count(failure.SourceException is TimeoutException ? Reason.ErrorTimeout : Reason.ErrorFactory);
        failure.Throw();
    }
}
