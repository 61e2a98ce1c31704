namespace Larder;

/// <summary>Waits until every strict node whose lease lives has seen a position (docs/invalidation.md, R-26 and R-29).</summary>
/// <remarks>
/// Invariants.
/// 1. One loop asks for all who wait, and runs only while somebody does. Who waits is answered by what was asked for after he came.
/// 2. What was seen at an instant of this node's clock, which is read after the answer came, was so at the server before. A lease is given
///    up, or a registry held to be complete, only a lease's length after that.
/// 3. <see cref="_gate"/> guards who waits; the rest belongs to the loop.
/// </remarks>
/// <param name="own">This node, which needs no telling.</param>
internal sealed class LeaseWatch(IRemoteLeases leases, ulong own, TimeProvider time)
{
    private static readonly TimeSpan Length = TimeSpan.FromMilliseconds(HitLease.Length);
    /// <summary>Longest wait: a lease's length for one that died as the wait began, and what is said and answered meanwhile.</summary>
    private static readonly TimeSpan Patience = Length + TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(1), LongestPause = TimeSpan.FromMilliseconds(50);
    /// <summary>More than there may be leases.</summary>
    private const int MostKnown = 2000;
    /// <summary>In one step.</summary>
    private const int MostGivenUp = 200;
    /// <summary>Seconds between looks at what others have left behind.</summary>
    private const int SweepEvery = 10;

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, (NodeLease Lease, long At)> _known = [];
    private readonly List<Waiter> _waiting = [];
    private bool _isAsking;
    private (ulong Epoch, ulong Registry, long At) _registry;
    private int _ticks;
    private TaskCompletionSource _woken = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="Position">Null for a look at what was left behind, which waits for nothing.</param>
    private sealed record Waiter(Position? Position, long Since)
    {
        public TaskCompletionSource<bool> Task { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Waits, for a bounded time or until it is cancelled.</summary>
    /// <returns>Whether all have seen it.</returns>
    public async ValueTask<bool> WaitAsync(Position position, CancellationToken cancellationToken)
    {
        var waiter = new Waiter(position, time.GetTimestamp());
        Add(waiter);
        using CancellationTokenRegistration _ = cancellationToken.UnsafeRegister(static waiter => ((Waiter)waiter!).Task.TrySetResult(false), waiter);
        return await waiter.Task.Task.ConfigureAwait(false);
    }

    /// <summary>Called once a second: gets to know the registry, before somebody has to wait for that, and gives up what others left behind.</summary>
    public void Tick()
    {
        if (_ticks++ % SweepEvery == 0 || Volatile.Read(ref _registry.Registry) == 0) Add(new(null, time.GetTimestamp()));
    }

    private void Add(Waiter waiter)
    {
        lock (_gate)
        {
            _waiting.Add(waiter);
            if (_isAsking)
            {
                _woken.TrySetResult();
                return;
            }
            _isAsking = true;
        }
        _ = AskAllAsync();
    }

    private async Task AskAllAsync()
    {
        for (TimeSpan pause = ShortestPause; ;)
        {
            List<Waiter> waiting;
            Task woken;
            lock (_gate)
            {
                _waiting.RemoveAll(waiter => waiter.Task.Task.IsCompleted);
                if (_waiting.Count == 0)
                {
                    _isAsking = false;
                    return;
                }
                waiting = [.. _waiting];
                if (_woken.Task.IsCompleted)
                {
                    _woken = new(TaskCreationOptions.RunContinuationsAsynchronously);
                    pause = ShortestPause;
                }
                woken = _woken.Task;
            }
            await AskAsync(waiting).ConfigureAwait(false);
            if (waiting.TrueForAll(waiter => waiter.Task.Task.IsCompleted)) continue;
            try
            {
                await woken.WaitAsync(pause, time).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // Time to ask again.
            }
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async ValueTask AskAsync(List<Waiter> waiting)
    {
        bool sweeps = waiting.Exists(waiter => waiter.Position is null);
        long ordinal = sweeps ? long.MaxValue : waiting.Max(waiter => waiter.Position!.Value.Ordinal);
        NodeLease[] over = [.. _known.Values.Where(known => time.GetElapsedTime(known.At) >= Length).Take(MostGivenUp).Select(known => known.Lease)];
        LeaseList list;
        try
        {
            list = await leases.UnseenAsync(ordinal, over).ConfigureAwait(false);
        }
        catch (Exception)
        {
            list = LeaseList.Failed(LogOutcome.Unknown);
        }
        if (list.Outcome == LogOutcome.Done)
        {
            Note(list, sweeps);
            bool isComplete = time.GetElapsedTime(_registry.At) >= Length;
            foreach (Waiter waiter in waiting)
            {
                if (waiter.Position is not { } position) continue;
                if (position.Epoch != list.Epoch) waiter.Task.TrySetResult(false);
                else if (isComplete && !list.Unseen.Any(lease => lease.Node != own && (lease.Epoch != position.Epoch || lease.Seen < position.Ordinal))) waiter.Task.TrySetResult(true);
            }
        }
        foreach (Waiter waiter in waiting)
            if (waiter.Position is null || time.GetElapsedTime(waiter.Since) >= Patience) waiter.Task.TrySetResult(false);
    }

    private void Note(LeaseList list, bool isWhole)
    {
        long at = time.GetTimestamp();
        if ((_registry.Epoch, _registry.Registry) != (list.Epoch, list.Registry))
        {
            (_registry.Epoch, _registry.At) = (list.Epoch, at);
            Volatile.Write(ref _registry.Registry, list.Registry);
        }
        if (isWhole || _known.Count > MostKnown)
        {
            HashSet<ulong> listed = [.. list.Unseen.Select(lease => lease.Node)];
            foreach (ulong node in _known.Keys.Where(node => !listed.Contains(node)).ToArray()) _known.Remove(node);
        }
        foreach (NodeLease lease in list.Unseen)
            if (!_known.TryGetValue(lease.Node, out var known) || (known.Lease.Streak, known.Lease.Renewals) != (lease.Streak, lease.Renewals)) _known[lease.Node] = (lease, at);
    }
}
