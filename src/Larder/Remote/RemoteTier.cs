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

    /// <summary>What ends with the cache, such as connections.</summary>
    public IDisposable? Owner { get; init; }

    /// <summary>Why there is no connection, for a person and without secrets; null where nothing is known to be wrong.</summary>
    public Func<string?> Problem { get; init; } = static () => null;
}

/// <summary>The Redis tier of one cache (docs/invalidation.md, "With Redis"): puts its parts together and looks after them once a second.</summary>
internal sealed class RemoteTier : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly DoubtedMemory _doubted;
    private readonly RemoteSeams _seams;
    private readonly ITimer _timer;

    public RemoteTier(
        RemoteSeams seams, LocalReceiver receiver, MemoryStore memory, InvalidationIndex index, EntryRecords records, WireLimits limits, CacheClock clock, TimeProvider time)
    {
        _seams = seams;
        _doubted = new(receiver, memory, index, clock, time);
        Follower = new(clock, seams.Pending, receiver.Follow, _doubted.Doubt);
        Reads = new(seams.Store, Follower, seams.Pending, records, limits, clock);
        Writes = new(seams.Store, Follower, Reads, records, limits, clock, seams.MaxEntryBytes);
        Sliding = new(seams.Store, Reads, clock);
        Events = new(seams.Store, seams.Log, Follower, seams.Pending, receiver, Writes);
        _timer = DetachedTimer.Create(time, static tier => ((RemoteTier)tier!).Run(), this, Interval, Interval);
        seams.Log.Follow(Follower);
    }

    public LogFollower Follower { get; }

    public RemoteReads Reads { get; }

    public RemoteWrites Writes { get; }

    public SlidingSlots Sliding { get; }

    public RemoteEvents Events { get; }

    /// <summary>How often memory was made unproven; once for the first connection.</summary>
    public long Doubts => _doubted.Count;

    public RemoteTierStatus Status => new()
    {
        State = Follower.Usable is not null ? RemoteTierState.InUse : Follower.Epoch != 0 ? RemoteTierState.Behind : RemoteTierState.Away,
        Problem = Follower.Usable is null ? _seams.Problem() : null,
        Pending = _seams.Pending.Count,
        Dropped = Writes.Dropped,
        MemoryDoubted = Doubts,
    };

    /// <summary>Whether all that was to be stored and sent has been.</summary>
    public bool IsIdle => Writes.IsIdle && _seams.Pending.IsSent;

    public void Dispose()
    {
        _timer.Dispose();
        _doubted.Dispose();
        _seams.Owner?.Dispose();
    }

    private void Run()
    {
        Follower.LookAtTheTime();
        Events.SendWaiting();
    }
}
