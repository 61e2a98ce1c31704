namespace Larder;

/// <summary>Keeps a strict node's lease (docs/invalidation.md, R-26).</summary>
/// <remarks>
/// Invariants.
/// 1. One renewal is under way at a time; whoever asks meanwhile gets another one after it, so that what it has seen is told.
/// 2. The clock and the doubts are noted before a renewal is sent. Its answer counts only where the node is not behind and has seen, in the
///    epoch it named, up to where the log was when the streak began.
/// 3. Before the first answer of a streak that this node did not have counts, all that was in memory is ended: while it had no lease an
///    event may have been acknowledged that it had not seen.
/// </remarks>
/// <param name="endAll">A hard event on all in memory.</param>
internal sealed class LeaseKeeper(IRemoteLeases leases, LogFollower follower, HitLease lease, ulong node, CacheClock clock, Action endAll)
{
    private ulong _streak;
    private int _isRenewing, _isAsked;
    private volatile bool _isOver;

    /// <summary>Renews the lease, now or as soon as the renewal under way is answered.</summary>
    public void Renew()
    {
        if (_isOver) return;
        Volatile.Write(ref _isAsked, 1);
        if (Interlocked.CompareExchange(ref _isRenewing, 1, 0) == 0) _ = RenewAllAsync();
    }

    /// <summary>The node has seen more.</summary>
    /// <param name="isAwaited">Whether somebody waits for one of the events.</param>
    public void Progressed(bool isAwaited)
    {
        if (isAwaited || !lease.Lives) Renew();
    }

    /// <summary>Serves nothing any more, and takes the lease back.</summary>
    public async Task ResignAsync()
    {
        _isOver = true;
        lease.End();
        try
        {
            await leases.ResignAsync(node).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Others give it up when its time is over.
        }
    }

    private async Task RenewAllAsync()
    {
        do
        {
            Volatile.Write(ref _isAsked, 0);
            try
            {
                await RenewOnceAsync().ConfigureAwait(false);
            }
            catch (Exception)
            {
                // A seam that breaks its word: the lease was not renewed.
            }
            Interlocked.Exchange(ref _isRenewing, 0);
        }
        while (Volatile.Read(ref _isAsked) != 0 && Interlocked.CompareExchange(ref _isRenewing, 1, 0) == 0);
    }

    private async ValueTask RenewOnceAsync()
    {
        ulong epoch = follower.Epoch;
        if (epoch == 0 || _isOver) return;
        // In this order: all of it was so before the renewal was sent.
        long doubts = lease.Doubts, sent = clock.Now;
        long seen = follower.Followed is { } before && before.Epoch == epoch ? before.SeenUpTo : 0;
        LeaseAnswer answer = await leases.RenewAsync(node, epoch, seen).ConfigureAwait(false);
        if (answer.Outcome != LogOutcome.Done || follower.Followed is not { } view || view.Epoch != epoch || view.SeenUpTo < answer.Joined) return;
        if (answer.Streak != _streak)
        {
            endAll();
            _streak = answer.Streak;
        }
        lease.Renew(sent, doubts);
    }
}
