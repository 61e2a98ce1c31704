namespace Larder;

/// <summary>What a cache's Redis tier is made of, from outside of the engine.</summary>
/// <param name="Store">The slots.</param>
/// <param name="Log">The log.</param>
internal sealed record RemoteSeams(IRemoteStore Store, IRemoteLog Log)
{
    /// <summary>The events that wait; tests put others here.</summary>
    public PendingEvents Pending { get; init; } = new((ulong)Random.Shared.NextInt64(1, long.MaxValue));

    /// <summary>What the sweep walks with; null for slots that nobody can walk over.</summary>
    public IRemoteWalk? Walk { get; init; }

    public SweepPace Pace { get; init; } = new();

    /// <summary>What ends with the cache, such as connections.</summary>
    public IDisposable? Owner { get; init; }
}

/// <summary>The Redis tier of one cache (docs/invalidation.md, "With Redis"): puts its parts together and looks after them once a second.</summary>
internal sealed class RemoteTier : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly DoubtedMemory _doubted;
    private readonly IDisposable? _owner;
    private readonly ITimer _timer;

    public RemoteTier(
        RemoteSeams seams, LocalReceiver receiver, MemoryStore memory, InvalidationIndex index, EntryRecords records, WireLimits limits, CacheClock clock, TimeProvider time)
    {
        _owner = seams.Owner;
        _doubted = new(receiver, memory, index, clock, time);
        Follower = new(clock, seams.Pending, receiver.Follow, _doubted.Doubt);
        Reads = new(seams.Store, Follower, seams.Pending, records, limits, clock);
        Writes = new(seams.Store, Follower, records, limits, clock);
        Sliding = new(seams.Store, Reads, clock);
        Events = new(seams.Store, seams.Log, Follower, seams.Pending, receiver, Writes);
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

    public void Dispose()
    {
        _timer.Dispose();
        Sweep?.Dispose();
        _doubted.Dispose();
        _owner?.Dispose();
    }

    private void Run()
    {
        Follower.LookAtTheTime();
        Events.SendWaiting();
        Sweep?.Look();
    }
}
