namespace Larder;

/// <summary>How fast slots are swept.</summary>
internal sealed record SweepPace
{
    /// <summary>How long after an event: by then no node stores what it covers any more.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Between two pages.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromMilliseconds(10);

    /// <summary>Between two sweeps of a node, and before it asks again whether it is its turn.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>Removes from Redis what group events have ended, and what no node of this epoch can use .</summary>
/// <remarks>
/// Invariants.
/// 1. One loop at a time, of whoever has set <see cref="_isWorking"/>; the fields below it belong to that one.
/// 2. A slot is removed only by the identity whose content was judged: what came into it since then stays. So whatever is wrong here, a
///    node that does not know of a new epoch yet for one, costs fills.
/// 3. What can't be read, or stands in another key's place, is left to its lifetime: another node, with another key or version, may be able to use it.
/// </remarks>
internal sealed class RemoteSweep(IRemoteWalk walk, LogFollower follower, WireLimits limits, ulong node, SweepPace pace, CacheClock clock, TimeProvider time) : IDisposable
{
    /// <summary>How long a node may be silent whose turn it is.</summary>
    private static readonly TimeSpan TurnLife = TimeSpan.FromSeconds(30);

    private int _isWorking;
    private ulong _epoch;
    private long _sweptUpTo = -1, _notBefore;
    /// <summary>The events that are to be carried out, from an instant on.</summary>
    private (long UpTo, long At)? _due;
    private long _walked, _removed, _sweeps;
    private volatile bool _isDisposed;

    /// <summary>How many slots were looked at.</summary>
    public long Walked => Interlocked.Read(ref _walked);

    /// <summary>How many of them were removed.</summary>
    public long Removed => Interlocked.Read(ref _removed);

    /// <summary>How many sweeps of this node have come to their end.</summary>
    public long Sweeps => Interlocked.Read(ref _sweeps);

    /// <summary>The newest event of groups of which this node knows that it was carried out, by whichever node; -1 for none of this epoch.</summary>
    public long SweptUpTo => Interlocked.Read(ref _sweptUpTo);

    /// <summary>Begins a sweep in the background, if there is something to be swept; called from time to time.</summary>
    public void Look()
    {
        if (_isDisposed || follower.Usable is not { } view || Interlocked.CompareExchange(ref _isWorking, 1, 0) != 0) return;
        long now = clock.Now;
        if (view.Epoch != _epoch)
        {
            // Once in each epoch in any case: what is there of others is of no use.
            (_epoch, _due) = (view.Epoch, null);
            Interlocked.Exchange(ref _sweptUpTo, -1);
        }
        if (view.NewestGroup > _sweptUpTo) _due ??= (view.NewestGroup, CacheClock.After(now, pace.Delay));
        if (_due is { } due && now >= due.At && now >= _notBefore)
            ThreadPool.UnsafeQueueUserWorkItem(static work => _ = work.Sweep.RunAsync(work.view, work.UpTo), (Sweep: this, view, due.UpTo), preferLocal: false);
        else
            Volatile.Write(ref _isWorking, 0);
    }

    public void Dispose() => _isDisposed = true;

    private async Task RunAsync(RemoteView view, long upTo)
    {
        try
        {
            SweepTurn turn = await walk.TakeTurnAsync(view.Epoch, node, upTo, TurnLife).ConfigureAwait(false);
            if (turn == SweepTurn.Own && await WalkAsync(view, upTo).ConfigureAwait(false))
            {
                await walk.EndTurnAsync(view.Epoch, node, upTo).ConfigureAwait(false);
                Interlocked.Increment(ref _sweeps);
                turn = SweepTurn.Done;
            }
            if (turn == SweepTurn.Done)
            {
                Interlocked.Exchange(ref _sweptUpTo, upTo);
                _due = null;
            }
        }
        catch (Exception)
        {
            // A seam that breaks its word; the next round begins anew.
        }
        finally
        {
            _notBefore = CacheClock.After(clock.Now, pace.Interval);
            Volatile.Write(ref _isWorking, 0);
        }
    }

    /// <returns>Whether it came to the end.</returns>
    private async ValueTask<bool> WalkAsync(RemoteView view, long upTo)
    {
        for (WalkPlace? after = null; ;)
        {
            if (_isDisposed || follower.Usable?.Epoch != view.Epoch || await walk.NextAsync(after).ConfigureAwait(false) is not { } page) return false;
            foreach (byte[][] names in page.Names.Chunk(walk.MostAtOnce))
                foreach (WalkedSlot slot in await walk.ReadAsync(names, whole: false).ConfigureAwait(false)) await SweepAsync(view, slot).ConfigureAwait(false);
            if (page.Next is null) return true;
            after = page.Next;
            await Task.Delay(pace.Pause, time).ConfigureAwait(false);
            if (await walk.TakeTurnAsync(view.Epoch, node, upTo, TurnLife).ConfigureAwait(false) != SweepTurn.Own) return false;
        }
    }

    private async ValueTask SweepAsync(RemoteView view, WalkedSlot slot)
    {
        Interlocked.Increment(ref _walked);
        WireOutcome outcome = Judge(view, slot, out bool isEnded);
        if (outcome == WireOutcome.Cut)
        {
            slot = (await walk.ReadAsync([slot.Name], whole: true).ConfigureAwait(false))[0];
            outcome = Judge(view, slot, out isEnded);
        }
        if (outcome != WireOutcome.Done || !isEnded) return;
        var claim = new SlotClaim(slot.Identity, slot.Server, new(view.Epoch, 0));
        if (await walk.RemoveAsync(slot.Name, claim).ConfigureAwait(false) == SlotOutcome.Done) Interlocked.Increment(ref _removed);
    }

    /// <returns><see cref="WireOutcome.Done"/> where it is known whether it is ended; <see cref="WireOutcome.Cut"/> where that needs more of it.</returns>
    private WireOutcome Judge(RemoteView view, in WalkedSlot slot, out bool isEnded)
    {
        isEnded = false;
        if (slot.Stored.Length <= RemoteReads.ServerBytes) return WireOutcome.NotOurs;
        WireOutcome outcome = WireFormat.ReadHead(slot.Stored[RemoteReads.ServerBytes..], limits, out WireEntry stored);
        if (outcome != WireOutcome.Done) return outcome;
        if (!walk.IsPlaceOf(slot.Name, stored.Key)) return WireOutcome.OtherKey;
        isEnded = RemoteReads.ServerOf(slot.Stored.Span) != slot.Server.Identity || stored.Stamp.Epoch != view.Epoch || IsEnded(view, stored);
        return WireOutcome.Done;
    }

    private static bool IsEnded(RemoteView view, in WireEntry stored)
    {
        ReadOnlySpan<char> name = stored.Key.AsSpan()[stored.SubjectStart..stored.SubjectEnd];
        Coverage coverage = view.Judge(stored.Key, name, stored.Tags, stored.User, stored.Stamp.Ordinal, out _);
        bool hasStaleTime = Math.Max(stored.StaleWhileRevalidateUntil, stored.StaleIfErrorUntil) > stored.FreshUntil;
        return coverage == Coverage.Covered || coverage == Coverage.Softened && !hasStaleTime;
    }
}
