using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>
/// One run of a factory: it makes the value of one flight or, in a batch, of several. It carries the factory's token and
/// limit, and it is the node in the graph of who waits for whom.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. The token is cancelled when the last of the run's flights was given up, and when its limit is over.
/// 2. <see cref="_waitsFor"/> belongs to <see cref="WaitingGate"/>. A wait is noted before it begins, under that gate, and
///    refused there if it closes a circle: of two runs that would wait for each other the second one learns of it. A
///    call that is noted need not be awaited by its factory, so a circle may be none: whoever closes one makes the value for
///    itself alone, on a detour.
///    Whatever is begun on a detour is on it too, and may not begin another one: a true circle ends there.
/// 3. Only code that runs within a factory notes waits: ordinary calls pay for a look at <see cref="Current"/>.
/// A run holds no value: work that a factory leaves behind keeps its run for as long as it runs, and nothing else.
/// </remarks>
internal sealed class FillRun
{
    private static readonly AsyncLocal<FillRun?> Within = new();
    private static readonly Lock WaitingGate = new();

    private readonly ILogger _logger;
    private readonly CancellationTokenSource? _giveUp;
    private ITimer? _limit;
    private List<FillRun>? _waitsFor;
    private bool _isDetour;
    private Refreshes? _place;
    private int _flights;
    private volatile bool _isOver;

    /// <param name="mayEndEarly">Whether it has a limit, or callers that can be cancelled; a run without needs no token.</param>
    /// <param name="logger">Is told of what fails when the token is cancelled.</param>
    public FillRun(bool mayEndEarly, ILogger logger)
    {
        _logger = logger;
        if (mayEndEarly) _giveUp = new();
    }

    /// <summary>The run in whose factory the running code is; null outside of any, and once that is over.</summary>
    public static FillRun? Current => Within.Value is { _isOver: false } run ? run : null;

    public CancellationToken Token => _giveUp?.Token ?? CancellationToken.None;

    /// <summary>Whether it ends by itself even where nobody waits for it.</summary>
    public bool IsLimited => Volatile.Read(ref _limit) is not null;

    /// <summary>Marks the code that follows, in this execution context, as part of the run.</summary>
    public void Enter() => Within.Value = this;

    /// <summary>Calls back once when the time is over, unless the run has ended by then.</summary>
    public void LimitTo(TimeSpan limit, TimeProvider time, Action timedOut)
    {
        ITimer timer = time.CreateTimer(static timedOut => ((Action)timedOut!)(), timedOut, limit, Timeout.InfiniteTimeSpan);
        Volatile.Write(ref _limit, timer);
        if (_isOver) EndLimit();
    }

    /// <summary>The run makes one more value; before it starts.</summary>
    public void AddFlight() => _flights++;

    /// <summary>One of the run's flights needs its result no more.</summary>
    public void LoseFlight()
    {
        if (Interlocked.Decrement(ref _flights) == 0) Cancel();
    }

    /// <summary>The token reads cancelled at once; what the factory registered runs elsewhere, not in the caller's way.</summary>
    public void Cancel()
    {
        End();
        CancelToken();
    }

    /// <summary>Cancels the token only: what the factory makes of that is its flights' outcome, and its limit holds.</summary>
    public void CancelToken() => _ = CancelTokenAsync();

    /// <summary>The run is one of the refreshes until it ends; before it starts.</summary>
    public void TakesPlaceIn(Refreshes refreshes) => _place = refreshes;

    public void End()
    {
        _isOver = true;
        EndLimit();
        Interlocked.Exchange(ref _place, null)?.End(this);
    }

    /// <summary>The timer goes too: it holds the flights and, with them, the value.</summary>
    private void EndLimit() => Interlocked.Exchange(ref _limit, null)?.Dispose();

    private async Task CancelTokenAsync()
    {
        if (_giveUp is null) return;
        try
        {
            await _giveUp.CancelAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Log.CancellingFailed(_logger, e);
        }
    }

    /// <summary>Notes that this run waits for another one; where it does, a call of <see cref="WaitsNoMoreFor"/> follows.</summary>
    /// <returns>False where the other one waits, maybe through others, for this one.</returns>
    public bool TryWaitFor(FillRun other)
    {
        lock (WaitingGate)
        {
            if (other.Awaits_NeedsGate(this)) return false;
            (_waitsFor ??= []).Add(other);
            return true;
        }
    }

    /// <summary>The run is begun by a factory; before it starts.</summary>
    public void BeginsWithin(FillRun within) => _isDetour |= within._isDetour;

    /// <summary>
    /// The run makes for one caller alone what that one can't wait for, because it may itself be waited for; before it starts.
    /// </summary>
    /// <exception cref="InvalidOperationException">The caller is on a detour already: the circle is a true one.</exception>
    public void BeginsAsDetour(FillRun within)
    {
        if (within._isDetour)
            throw new InvalidOperationException(
                "Factories wait for each other: one asked the cache for a key whose value is being made by a factory that waits for this one, or for its own key. "
                + "Making that value for this call alone has led to the same key again. Let one of the factories get what it needs without asking the cache for the other's key; "
                + "work that a factory starts and does not wait for belongs outside of it, or into ExecutionContext.SuppressFlow().");
        _isDetour = true;
    }

    public void WaitsNoMoreFor(FillRun other)
    {
        lock (WaitingGate) _waitsFor!.Remove(other);
    }

    private bool Awaits_NeedsGate(FillRun sought)
    {
        Debug.Assert(WaitingGate.IsHeldByCurrentThread);
        if (ReferenceEquals(this, sought)) return true;
        if (_waitsFor is not { Count: > 0 }) return false;
        var seen = new HashSet<FillRun>();
        var ahead = new Stack<FillRun>([this]);
        while (ahead.TryPop(out FillRun? run))
        {
            if (ReferenceEquals(run, sought)) return true;
            if (!seen.Add(run) || run._waitsFor is null) continue;
            foreach (FillRun next in run._waitsFor) ahead.Push(next);
        }
        return false;
    }
}
