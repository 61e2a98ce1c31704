namespace Larder;

/// <summary>
/// Follows the log for one cache: what was read goes into the remote index, then into memory, then it counts as seen.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. What reads the log calls from one thread at a time; <see cref="_gate"/> keeps the upkeep's look at the time apart from it.
/// 2. A view is handed out only while the connection lives, its tables are complete and the node is not behind. Before one is handed
///    out again after events may have been missed, memory is unproven by an event with an ordinal: whoever took a stamp before
///    that is refused, and whoever takes one after it finds the new view or none.
///    Until the next one is handed out memory is not made unproven again and again: whatever else is missed meanwhile is dealt with then.
/// 3. The stamp of a fill is noted before its view.
/// </remarks>
/// <param name="apply">Makes an event effective in memory, without waiting for anything.</param>
/// <param name="doubt">Makes memory unproven (<see cref="DoubtedMemory"/>).</param>
internal sealed class LogFollower(CacheClock clock, PendingEvents pending, Action<Invalidation> apply, Action doubt)
{
    /// <summary>Milliseconds after which a node that has not followed is behind.</summary>
    private const long Patience = 5000;

    private readonly Lock _gate = new();
    private RemoteView? _view;
    private SeenTracker? _tracker;
    private ClockAnchor _anchor;
    private volatile RemoteView? _open;
    /// <summary>When the node is behind unless it follows until then; the far past while it can't know.</summary>
    private long _behindAt = long.MinValue;
    /// <summary>The newest ordinal that was told, and the oldest one told that was not seen yet, each with when.</summary>
    private (long Last, long At) _told;
    private (long Last, long At)? _owed;
    private bool _isBehind = true;
    /// <summary>Whether a view was handed out since memory was made unproven by <see cref="Doubt_NeedsGate"/>; and whether that has to be done before the next one is.</summary>
    private bool _wasOpen = true, _owesDoubt;
    private ulong _connected;
    private bool _isAwaited;
    private TaskCompletionSource _progress = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The cache's clock, for the anchors of servers' clocks.</summary>
    public CacheClock Clock => clock;

    /// <summary>Called when a connection has begun.</summary>
    public Action? Begun { get; set; }

    /// <summary>Called when something was read, with whether somebody waits for one of the events.</summary>
    public Action<bool>? Progressed { get; set; }

    /// <summary>What a strict node may serve by; null on others.</summary>
    public HitLease? Lease { get; set; }

    /// <summary>What entries of Redis may be judged by now; null while none may be used.</summary>
    // The lease first: the view is not older than what it rests on.
    public RemoteView? Usable => Lease is { Lives: false } ? null : Followed;

    /// <summary>The same, whatever the lease.</summary>
    public RemoteView? Followed => _open is { } view && clock.Now < Volatile.Read(ref _behindAt) ? view : null;

    /// <summary>The epoch in which events are appended; 0 while there is no connection.</summary>
    public ulong Epoch => Volatile.Read(ref _connected);

    /// <summary>A connection has been made, and this is the state that was read on it.</summary>
    /// <param name="anchor">The clock of the log's server.</param>
    public void Begin(RemoteState state, ClockAnchor anchor)
    {
        lock (_gate)
        {
            _anchor = anchor;
            bool goesOn = _view is { IsOpen: true } && _tracker is { Outcome: SeenOutcome.Followed } && _view.Epoch == state.Epoch && state.Last >= _view.SeenUpTo;
            if (!goesOn)
            {
                _open = null;
                _view = new(state.Epoch);
                _tracker = new(state, Apply_NeedsGate);
                // The state was read before: what is not in it comes by the log.
                Doubt_NeedsGate();
            }
            Told_NeedsGate(state.Last);
            if (goesOn) _open = _view;
            else Follow_NeedsGate(RemoteStream.Groups, []);
            Interlocked.Exchange(ref _connected, state.Epoch);
        }
        Begun?.Invoke();
    }

    /// <summary>The connection is gone.</summary>
    public void End()
    {
        lock (_gate) End_NeedsGate();
    }

    /// <summary>From which ordinal on a stream is to be read.</summary>
    public long ReadUpTo(RemoteStream stream)
    {
        lock (_gate) return _tracker?.ReadUpTo(stream) ?? 0;
    }

    /// <summary>Whether more of the stream is wanted.</summary>
    public bool Wants(RemoteStream stream)
    {
        lock (_gate) return _tracker?.Wants(stream) ?? false;
    }

    /// <summary>Takes what was read of a stream, in its order.</summary>
    /// <returns>Anything but <see cref="SeenOutcome.Followed"/> ends the connection; the next one begins anew.</returns>
    public SeenOutcome Read(RemoteStream stream, IReadOnlyList<RemoteEvent> events)
    {
        SeenOutcome outcome;
        bool isAwaited;
        lock (_gate)
        {
            outcome = Follow_NeedsGate(stream, events);
            (isAwaited, _isAwaited) = (_isAwaited, false);
        }
        Progressed?.Invoke(isAwaited);
        return outcome;
    }

    /// <summary>The state was asked for again: this is its newest ordinal.</summary>
    public void Told(long last, ClockAnchor anchor)
    {
        lock (_gate)
        {
            if (_view is null) return;
            _anchor = anchor;
            Told_NeedsGate(last);
        }
    }

    /// <summary>Finds out that the node is behind, if it is; called from time to time. Nothing from Redis is used even before that.</summary>
    public void LookAtTheTime()
    {
        // Whoever holds it looks, too; listeners of removals may run within.
        if (!_gate.TryEnter()) return;
        try
        {
            LookAtTheTime_NeedsGate();
        }
        finally
        {
            _gate.Exit();
        }
    }

    /// <summary>Waits until this node has seen up to a position, for a bounded time.</summary>
    /// <returns>Whether it has; false where the epoch is another one.</returns>
    public async ValueTask<bool> WaitUntilSeenAsync(Position position, TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        for (; ;)
        {
            Task progress = Volatile.Read(ref _progress).Task;
            if (Usable is { } view && view.Epoch == position.Epoch && view.SeenUpTo >= position.Ordinal) return true;
            TimeSpan left = patience - time.GetElapsedTime(start);
            if (left <= TimeSpan.Zero || Epoch is not 0 and var epoch && epoch != position.Epoch) return false;
            try
            {
                await progress.WaitAsync(left, time, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                return false;
            }
        }
    }

    private SeenOutcome Follow_NeedsGate(RemoteStream stream, IReadOnlyList<RemoteEvent> events)
    {
        if (_tracker is not { } tracker || _view is not { } view) return SeenOutcome.OtherEpoch;
        SeenOutcome outcome = tracker.Read(stream, events);
        if (tracker.HasBegun)
        {
            view.Seen(tracker.SeenUpTo);
            if (!view.IsOpen)
            {
                view.Open(tracker.Floor);
                pending.Begun(new(view.Epoch, tracker.SeenUpTo));
            }
            CountTheTime_NeedsGate(view);
            if (outcome == SeenOutcome.Followed)
            {
                if (_owesDoubt) doubt();
                (_owesDoubt, _wasOpen) = (false, true);
                _open = view;
            }
        }
        if (outcome != SeenOutcome.Followed)
        {
            End_NeedsGate();
            Doubt_NeedsGate();
        }
        Interlocked.Exchange(ref _progress, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        return outcome;
    }

    private void Apply_NeedsGate(RemoteEvent e, bool isReplay)
    {
        long ordinal = e.Place.Ordinal;
        if (e.Stream == RemoteStream.Groups) _view!.Remember(e.Event, ordinal, _anchor.ToCache(e.At));
        bool isOwn = e.Source.Node == pending.Node;
        _isAwaited |= e.IsAwaited && !isOwn;
        // What was there at the beginning is older than the doubt about all that is in memory.
        if (!isReplay && !isOwn) apply(e.Event);
        if (isOwn) pending.Seen(e.Source.Number);
        if (!isReplay) _view!.Seen(ordinal);
    }

    private void Told_NeedsGate(long last)
    {
        _told = (last, clock.Now);
        CountTheTime_NeedsGate(_view!);
    }

    /// <summary>The node has until five seconds after it was told something, and after it was told what it has not seen yet.</summary>
    private void CountTheTime_NeedsGate(RemoteView view)
    {
        LookAtTheTime_NeedsGate();
        long seen = view.IsOpen ? view.SeenUpTo : -1;
        if (_owed is { } owed && seen >= owed.Last) _owed = null;
        if (seen < _told.Last) _owed ??= _told;
        long behindAt = Math.Min(_told.At, _owed?.At ?? long.MaxValue) + Patience;
        if (clock.Now < behindAt) _isBehind = false;
        Volatile.Write(ref _behindAt, behindAt);
    }

    private void LookAtTheTime_NeedsGate()
    {
        if (_isBehind || clock.Now < _behindAt) return;
        _isBehind = true;
        doubt();
    }

    /// <summary>Makes memory unproven: at once, if anybody could rely on the log since that was done last; else before anybody can.</summary>
    private void Doubt_NeedsGate()
    {
        if (_wasOpen) doubt();
        else _owesDoubt = true;
        _wasOpen = false;
    }

    private void End_NeedsGate()
    {
        _open = null;
        Volatile.Write(ref _connected, 0);
    }
}
