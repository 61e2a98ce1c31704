namespace Larder;

/// <summary>What a cache's Redis tier is made of, from outside of the engine.</summary>
/// <param name="Store">The slots.</param>
/// <param name="Log">The log.</param>
internal sealed record RemoteSeams(IRemoteStore Store, IRemoteLog Log)
{
    /// <summary>The events that wait; tests put others here.</summary>
    public PendingEvents Pending { get; init; } = new((ulong)Random.Shared.NextInt64(1, long.MaxValue));

    /// <summary>Largest entry that is stored there, in bytes as <see cref="EntryHead.Cost"/> counts them; larger ones stay in memory.</summary>
    public long MaxEntryBytes { get; init; } = 8L << 20;

    /// <summary>The leases of strict nodes; without them no node is strict, and no event can be known to be everywhere.</summary>
    public IRemoteLeases? Leases { get; init; }

    /// <summary>Whether this node is strict.</summary>
    public Strictness Strictness { get; init; }

    /// <summary>Makes what a strict node may serve by; tests put others here.</summary>
    public Func<CacheClock, HitLease> HitLease { get; init; } = static clock => new(clock);

    /// <summary>What the sweep walks with; null for slots that nobody can walk over.</summary>
    public IRemoteWalk? Walk { get; init; }

    public SweepPace Pace { get; init; } = new();

    /// <summary>What ends with the cache, such as connections.</summary>
    public IDisposable? Owner { get; init; }

    /// <summary>Ends when the first attempt to reach the log has ended, whatever came of it, and after a bounded time in any case .</summary>
    public Task FirstAttempt { get; init; } = Task.CompletedTask;

    /// <summary>How long the end of a cache waits for what is under way.</summary>
    public TimeSpan StopPatience { get; init; }

    /// <summary>Told once a second how the tier is doing.</summary>
    public Action<RemoteTierStatus>? Watched { get; init; }

    /// <summary>Told when the cache ends how many events the log does not have for sure, if there are any.</summary>
    public Action<int>? Lost { get; init; }

    /// <summary>Why there is no connection, for a person and without secrets; null where nothing is known to be wrong.</summary>
    public Func<string?> Problem { get; init; } = static () => null;
}

/// <summary>The Redis tier of one cache (docs/invalidation.md, "With Redis"): puts its parts together and looks after them once a second.</summary>
internal sealed class RemoteTier : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1), Glance = TimeSpan.FromMilliseconds(10);

    private readonly DoubtedMemory _doubted;
    private readonly RemoteSeams _seams;
    private readonly ITimer _timer;
    private readonly LeaseWatch? _watch;
    private readonly LeaseKeeper? _keeper;
    /// <summary>When the end does not wait any more, by <see cref="Environment.TickCount64"/>; 0 until it begins.</summary>
    private long _settleUntil;
    private int _isDisposed;

    public RemoteTier(
        RemoteSeams seams, LocalReceiver receiver, MemoryStore memory, InvalidationIndex index, EntryRecords records, WireLimits limits, CacheClock clock, TimeProvider time)
    {
        _seams = seams;
        bool isStrict = seams.Strictness == Strictness.Strict;
        if (isStrict && seams.Leases is null) throw new ArgumentException("A strict node needs a place for its lease.", nameof(seams));
        // Before anybody can ask.
        HitLease? lease = index.Lease = isStrict ? seams.HitLease(clock) : null;
        _doubted = new(receiver, memory, index, clock, time, lease);
        Follower = new(clock, seams.Pending, receiver.Follow, _doubted.Doubt) { Lease = lease };
        Reads = new(seams.Store, Follower, seams.Pending, records, limits, clock);
        Writes = new(seams.Store, Follower, Reads, records, limits, clock, seams.MaxEntryBytes);
        Sliding = new(seams.Store, Reads, clock);
        if (seams.Leases is not null) _watch = new(seams.Leases, seams.Pending.Node, time);
        Events = new(seams.Store, seams.Log, Follower, seams.Pending, receiver, Writes, new(Follower, _doubted, index, _watch, isStrict, time), seams.FirstAttempt);
        if (lease is not null)
        {
            _keeper = new(seams.Leases!, Follower, lease, seams.Pending.Node, clock, () => receiver.Follow(Invalidation.All));
            Follower.Progressed = _keeper.Progressed;
            Follower.Begun += _keeper.Renew;
        }
        if (seams.Walk is { } walk) Sweep = new(walk, Follower, limits, seams.Pending.Node, seams.Pace, clock, time);
        _timer = DetachedTimer.Create(time, static tier => ((RemoteTier)tier!).Run(), this, Interval, Interval);
        seams.Log.Follow(Follower);
    }

    public LogFollower Follower { get; }

    public RemoteReads Reads { get; }

    public RemoteWrites Writes { get; }

    public SlidingSlots Sliding { get; }

    public RemoteEvents Events { get; }

    /// <summary>What removes from Redis what was ended; null where nothing can walk over it.</summary>
    public RemoteSweep? Sweep { get; }

    /// <summary>How often memory was made unproven; once for the first connection.</summary>
    public long Doubts => _doubted.Count;

    /// <summary>Makes memory unproven .</summary>
    public void DoubtMemory() => _doubted.Doubt();

    public RemoteTierStatus Status => new()
    {
        State = Follower.Usable is not null ? RemoteTierState.InUse : Follower.Epoch != 0 ? RemoteTierState.Behind : RemoteTierState.Away,
        Problem = Follower.Usable is null ? _seams.Problem() : null,
        Pending = _seams.Pending.Count,
        Dropped = Writes.Dropped,
        MemoryDoubted = Doubts,
    };

    /// <summary>Whether all that was to be stored and sent has been.</summary>
    public bool IsIdle => Writes.IsIdle && _seams.Pending.Unsent == 0;

    /// <summary>Ends when the first attempt to reach the log has ended (<see cref="RemoteSeams.FirstAttempt"/>).</summary>
    public Task FirstAttempt => _seams.FirstAttempt;

    /// <summary>Whether nothing is under way, or nothing of it can go out: Redis is known to be away .</summary>
    private bool IsSettled => IsIdle || Follower.Epoch == 0 && FirstAttempt.IsCompleted;

    /// <summary>Waits for what is under way, at most <see cref="RemoteSeams.StopPatience"/>, however often it is asked for: a host's stop and the end of its cache share it.</summary>
    public async Task SettleAsync(CancellationToken cancellationToken)
    {
        // By the time of the world: it is a process that ends.
        for (long until = BeginToSettle(); !IsSettled && Environment.TickCount64 < until && !cancellationToken.IsCancellationRequested;)
            await Task.Delay(Glance, CancellationToken.None).ConfigureAwait(false);
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        for (long until = BeginToSettle(); !IsSettled && Environment.TickCount64 < until;) Thread.Sleep(Glance);
        if (_seams.Pending.Unsent is > 0 and int lost) _seams.Lost?.Invoke(lost);
        _timer.Dispose();
        Sweep?.Dispose();
        _doubted.Dispose();
        if (_keeper is null) _seams.Owner?.Dispose();
        else _ = ResignAsync(_keeper);
    }

    private long BeginToSettle()
    {
        long until = Environment.TickCount64 + (long)_seams.StopPatience.TotalMilliseconds;
        return Interlocked.CompareExchange(ref _settleUntil, until, 0) is not 0 and var begun ? begun : until;
    }

    /// <summary>Nothing is served from here on; the connections stay for as long as it takes to say so.</summary>
    private async Task ResignAsync(LeaseKeeper keeper)
    {
        await keeper.ResignAsync().ConfigureAwait(false);
        _seams.Owner?.Dispose();
    }

    private void Run()
    {
        Follower.LookAtTheTime();
        Events.SendWaiting();
        _keeper?.Renew();
        if (Follower.Epoch != 0) _watch?.Tick();
        Sweep?.Look();
        _seams.Watched?.Invoke(Status);
    }
}
