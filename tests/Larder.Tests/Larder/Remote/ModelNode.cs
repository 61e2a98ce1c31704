namespace Larder.Tests.Remote;

/// <summary>One node's connections to a <see cref="ModelRedis"/>, with faults; and its cache.</summary>
internal class ModelNode : IRemoteStore, IRemoteLog, IDisposable
{
    private readonly ModelRedis _redis;
    private readonly Random _random;
    private readonly Lock _dice = new();
    private UInt128 _server;
    private volatile bool _isStopped;
    private Task _reading = Task.CompletedTask;

    /// <param name="store">Makes what values are kept in; this node's slots, where null.</param>
    /// <param name="faults">How likely a command is to go wrong; 0 for a node whose log is read by hand (<see cref="Connect"/>, <see cref="ReadLog"/>).</param>
    public ModelNode(
        ModelRedis redis, int seed = 0, double faults = 0, PendingEvents? pending = null, LarderOptions? options = null, TimeProvider? time = null, long maxEntryBytes = 8 << 20,
        Func<CacheClock, IRemoteStore>? store = null, string name = "")
    {
        (_redis, _random, Faults) = (redis, new(seed), faults);
        options ??= new();
        options.Remote = clock =>
        {
            var seams = new RemoteSeams(store?.Invoke(clock) ?? this, this) { MaxEntryBytes = maxEntryBytes };
            return Seams(pending is null ? seams : seams with { Pending = pending });
        };
        Cache = new(options, time, name: name);
    }

    public LarderCache Cache { get; }

    protected ModelRedis Redis => _redis;

    protected virtual RemoteSeams Seams(RemoteSeams seams) => seams;

    public LogFollower Follower { get; private set; } = null!;

    public double Faults { get; set; }

    /// <summary>Called with the name of a command before it is carried out, and after that before it is answered.</summary>
    public Func<string, Task> Before { get; set; } = _ => Task.CompletedTask;
    public Func<string, Task> After { get; set; } = _ => Task.CompletedTask;

    public bool IsAway { get; set; }

    public RemoteTier Tier => ((RemoteCalls)Support.StoreIntegrity.Field(Cache, "_remote")).Tier;

    private ClockAnchor Anchor => new(_redis.Now, Follower.Clock.Now);

    public void Follow(LogFollower follower) => Follower = follower;

    public void Connect()
    {
        (RemoteState state, _server) = _redis.Run(redis => (redis.State(), redis.Server));
        Follower.Begin(state, Anchor);
    }

    /// <summary>Reads all that is there, or so many events of each stream at most.</summary>
    public SeenOutcome ReadLog(int most = int.MaxValue)
    {
        SeenOutcome outcome = SeenOutcome.Followed;
        foreach (RemoteStream stream in (RemoteStream[])[RemoteStream.Keys, RemoteStream.Groups])
            outcome = Follower.Read(stream, _redis.Run(redis => redis.Read(stream, Follower.ReadUpTo(stream), most)));
        return outcome;
    }

    /// <summary>Connects and reads on a task of its own, with connections that break.</summary>
    public void Start() => _reading = Task.Run(async () =>
    {
        while (!_isStopped)
        {
            Connect();
            while (!_isStopped && _redis.Run(redis => redis.Server) == _server && !Happens(0.2))
            {
                Follower.Told(_redis.Run(redis => redis.State().Last), Anchor);
                if (ReadLog(Next(1, 6)) != SeenOutcome.Followed) break;
                await Task.Yield();
            }
            Follower.End();
        }
    });

    public async Task StopAsync()
    {
        _isStopped = true;
        await _reading;
    }

    public virtual async ValueTask<SlotRead> ReadAsync(string key) => Slot(await DoAsync("get", redis => redis.Get(key)));

    public async ValueTask<SlotRead[]> ReadManyAsync(IReadOnlyList<string> keys)
    {
        (SlotOutcome outcome, (UInt128, byte[])[] slots) = await DoAsync($"get many {keys.Count}", redis => keys.Select(redis.Get).ToArray());
        return [.. keys.Select((_, i) => Slot((outcome, outcome == SlotOutcome.Done ? slots[i] : default)))];
    }

    public virtual async ValueTask<SlotRead> ClaimAsync(string key, TimeSpan lifetime)
    {
        bool isOwn = false;
        SlotRead read = Slot(await DoAsync("claim", redis =>
        {
            isOwn = redis.Get(key).Identity == 0;
            var slot = redis.SetNxGet(key);
            if (isOwn) redis.Expire(key, lifetime);
            return slot;
        }));
        return read with { IsOwnTicket = isOwn && read.Outcome == SlotOutcome.Done };
    }


    public virtual async ValueTask<SlotOutcome> ReplaceAsync(string key, SlotClaim claim, ReadOnlyMemory<byte> stored, TimeSpan lifetime) => await ReplaceAsync(key, claim, stored.ToArray(), lifetime);

    public async ValueTask<SlotOutcome> RemoveAsync(string key, SlotClaim claim) => await ReplaceAsync(key, claim, null, default);

    public virtual async ValueTask<SlotOutcome> ProlongAsync(string key, SlotClaim claim, TimeSpan lifetime)
    {
        (SlotOutcome outcome, bool prolonged) = await DoAsync("prolong", redis => claim.Server.Identity == redis.Server && redis.Prolong(key, claim.Identity, lifetime));
        return outcome == SlotOutcome.Done && !prolonged ? SlotOutcome.Changed : outcome;
    }

    public async ValueTask<SlotRead> PutTicketAsync(string key, TimeSpan lifetime) => Slot(await DoAsync("ticket", redis =>
    {
        UInt128 ticket = redis.SetTicket(key);
        redis.Expire(key, lifetime);
        return (ticket, Array.Empty<byte>());
    }));

    public virtual async ValueTask<SlotOutcome> UnlinkAsync(string key) => (await DoAsync("unlink", redis =>
    {
        redis.Unlink(key);
        return 0;
    })).Outcome;

    public virtual async ValueTask<AppendResult> AppendAsync(RemoteStream stream, ulong epoch, IReadOnlyList<EventField> fields)
    {
        (SlotOutcome outcome, long ordinal) = await DoAsync("append " + stream, redis => redis.Append(stream, epoch, fields));
        return outcome switch
        {
            SlotOutcome.Done => new(ordinal > 0 ? LogOutcome.Done : LogOutcome.OtherEpoch, ordinal),
            SlotOutcome.Unknown => new(LogOutcome.Unknown, 0),
            _ => new(LogOutcome.Refused, 0),
        };
    }

    public void Dispose() => Cache.Dispose();

    private async ValueTask<SlotOutcome> ReplaceAsync(string key, SlotClaim claim, byte[]? stored, TimeSpan lifetime)
    {
        (SlotOutcome outcome, bool replaced) = await DoAsync("replace", redis =>
        {
            if (claim.Server.Identity != redis.Server || !redis.Replace(key, claim.Identity, stored)) return false;
            redis.Expire(key, lifetime);
            return true;
        });
        return outcome == SlotOutcome.Done && !replaced ? SlotOutcome.Changed : outcome;
    }

    private SlotRead Slot((SlotOutcome Outcome, (UInt128 Identity, byte[] Stored) Slot) read) =>
        new(read.Outcome, new(_redis.Run(redis => redis.Server), Anchor), read.Slot.Identity, true, read.Slot.Stored);

    /// <summary>A command: refused, carried out at once or much later, answered or not.</summary>
    protected async ValueTask<(SlotOutcome Outcome, T Result)> DoAsync<T>(string name, Func<ModelRedis, T> command)
    {
        UInt128 server = _server;
        await Before(name);
        if (IsAway || Happens(0.3)) return (SlotOutcome.Refused, default!);
        if (Happens(0.3))
        {
            // Nobody waits for it any more, and it is carried out after all.
            _ = Task.Delay(Next(0, 5)).ContinueWith(_ => Carry(server, command), TaskScheduler.Default);
            return (SlotOutcome.Unknown, default!);
        }
        if (Happens(0.5)) await Task.Delay(Next(0, 3));
        (SlotOutcome Outcome, T Result) carried = Carry(server, command);
        await After(name);
        if (Happens(0.5)) await Task.Delay(Next(0, 3));
        // Of a connection that was closed meanwhile no answer comes.
        return Happens(0.3) || carried.Outcome == SlotOutcome.Done && _redis.Run(redis => redis.Server) != server ? (SlotOutcome.Unknown, default!) : carried;
    }

    private (SlotOutcome, T) Carry<T>(UInt128 server, Func<ModelRedis, T> command) =>
        _redis.Run(redis => redis.Server == server ? (SlotOutcome.Done, command(redis)) : (SlotOutcome.Refused, default!));

    private bool Happens(double share)
    {
        if (Faults == 0) return false;
        lock (_dice) return _random.NextDouble() < share * Faults;
    }

    private int Next(int from, int to)
    {
        lock (_dice) return _random.Next(from, to);
    }
}
