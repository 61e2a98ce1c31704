namespace Larder.Tests.Remote;

/// <summary>The time that all nodes share. A node that is paused is not woken by it, though its clock goes on.</summary>
internal sealed class SharedTime
{
    private readonly List<NodeTime> _nodes = [];
    private long _ticks = TimeSpan.TicksPerDay;

    public long Ticks => Interlocked.Read(ref _ticks);

    public NodeTime NewNode()
    {
        var node = new NodeTime(this);
        _nodes.Add(node);
        return node;
    }

    /// <summary>Lets time pass; nodes that are not paused read the log four times a second.</summary>
    public void Pass(TimeSpan span, params IEnumerable<StrictNode> nodes)
    {
        TimeSpan step = TimeSpan.FromMilliseconds(250);
        for (; span > TimeSpan.Zero; span -= step)
        {
            Advance(step < span ? step : span);
            foreach (StrictNode node in nodes)
                if (!node.Time.IsPaused) node.Read();
        }
    }

    public void Advance(TimeSpan by)
    {
        Interlocked.Add(ref _ticks, by.Ticks);
        foreach (NodeTime node in _nodes) node.Fire();
    }
}

/// <inheritdoc cref="SharedTime"/>
internal sealed class NodeTime(SharedTime time) : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<NodeTimer> _timers = [];

    public bool IsPaused { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => time.Ticks;

    public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero).AddTicks(time.Ticks);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new NodeTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        lock (_gate) _timers.Add(timer);
        return timer;
    }

    public void Fire()
    {
        if (IsPaused) return;
        NodeTimer[] due;
        lock (_gate) due = [.. _timers.Where(timer => timer.IsDue)];
        foreach (NodeTimer timer in due) timer.Fire();
    }

    private sealed class NodeTimer(NodeTime node, Action callback) : ITimer
    {
        private long _due = long.MaxValue;
        private TimeSpan _period;

        public bool IsDue => node.GetTimestamp() >= Volatile.Read(ref _due);

        public void Fire()
        {
            Volatile.Write(ref _due, _period > TimeSpan.Zero ? node.GetTimestamp() + _period.Ticks : long.MaxValue);
            callback();
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _period = period;
            Volatile.Write(ref _due, dueTime < TimeSpan.Zero ? long.MaxValue : node.GetTimestamp() + dueTime.Ticks);
            return true;
        }

        public void Dispose()
        {
            lock (node._gate) node._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>A node with a lease, strict unless it is said otherwise.</summary>
internal sealed class StrictNode(ModelRedis redis, NodeTime time, Func<CacheClock, HitLease>? lease = null, Strictness strictness = Strictness.Strict)
    : ModelNode(redis, options: new() { MaxEntries = 8 }, time: time), IRemoteLeases
{
    public NodeTime Time => time;

    protected override RemoteSeams Seams(RemoteSeams seams)
    {
        seams = new(seams.Store, seams.Log) { Pending = seams.Pending, Leases = this, Strictness = strictness };
        return lease is null ? seams : new(seams.Store, seams.Log) { Pending = seams.Pending, Leases = this, Strictness = strictness, HitLease = lease };
    }

    public async ValueTask<LeaseAnswer> RenewAsync(ulong node, ulong epoch, long seen) =>
        await DoAsync("renew", redis => redis.Leases.Renew(redis.State(), node, epoch, seen)) is (SlotOutcome.Done, var answer) ? answer : new(LogOutcome.Refused, 0, 0);

    public async ValueTask<LeaseList> UnseenAsync(long ordinal, IReadOnlyList<NodeLease> givenUp) =>
        await DoAsync("unseen", redis => redis.Leases.Unseen(redis.State(), ordinal, givenUp)) is (SlotOutcome.Done, var list) ? list : LeaseList.Failed(LogOutcome.Refused);

    public async ValueTask ResignAsync(ulong node) => await DoAsync("resign", redis =>
    {
        redis.Leases.Resign(node);
        return 0;
    });

    /// <summary>What the reader of the log does once a second: it asks for the state and reads on.</summary>
    public void Read(int most = int.MaxValue)
    {
        Follower.Told(Redis.Run(redis => redis.State().Last), new(Redis.Now, Follower.Clock.Now));
        ReadLog(most);
    }
}
