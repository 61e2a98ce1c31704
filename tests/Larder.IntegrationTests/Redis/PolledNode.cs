using System.Globalization;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>One node's cache on a real server, or on a cluster: its slots, and a log that it asks for again and again instead of waiting for what comes.</summary>
internal sealed class PolledNode : IRemoteLog, IAsyncDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    private readonly IRedisRoutes _routes;
    private readonly IAsyncDisposable _links;
    private readonly RedisNames _names;
    private readonly LogCommands _commands;
    private readonly CancellationTokenSource _ending = new();
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private LogFollower _follower = null!;
    private ServerClock _clock = null!;
    private Task _reading = Task.CompletedTask;

    private PolledNode(IRedisRoutes routes, IAsyncDisposable links, RedisNames names)
    {
        (_routes, _links, _names) = (routes, links, names);
        _commands = new(_names, Long);
    }

    public LarderCache Cache { get; private set; } = null!;

    public IRedisRoutes Routes => _routes;

    public RedisNames Names => _names;

    public ServerClock Clock => _clock;

    public LogFollower Follower => _follower;

    public RemoteSweep Sweep => Cache.Remote!.Tier.Sweep!;

    private RedisConnection? Log => _routes.For(_names.State)?.Current;

    /// <param name="seams">Puts others in the place of the node's seams.</param>
    public static async Task<PolledNode> StartAsync(
        RedisServer server, string prefix = "larder:", EntryCipher? cipher = null, LarderOptions? options = null, Func<RemoteSeams, PolledNode, RemoteSeams>? seams = null, TimeProvider? time = null)
    {
        var link = new RedisLink(server.Options());
        await link.WhenConnectedAsync(new CancellationTokenSource(Long).Token);
        return await BeginAsync(new(new SingleServer(link), link, new(prefix)), cipher, options, seams, time);
    }

    /// <inheritdoc cref="StartAsync(RedisServer, string, EntryCipher?, LarderOptions?, Func{RemoteSeams, PolledNode, RemoteSeams}?, TimeProvider?)"/>
    public static async Task<PolledNode> StartAsync(TestCluster cluster, EntryCipher? cipher = null, Func<RemoteSeams, PolledNode, RemoteSeams>? seams = null)
    {
        var names = new RedisNames("larder:");
        var topology = new RedisTopology(cluster.Options(), names);
        // All of them: who is not connected to a server loses what it would store there.
        await SentinelGroup.Until(async () => await topology.Routes.AllAsync() is { } all && all.Links.Count == cluster.Nodes.Count && all.Links.All(link => link.Current is not null));
        return await BeginAsync(new(topology.Routes, topology, names), cipher, null, seams, null);
    }

    /// <summary>The seams of a node that sweeps as soon as it may.</summary>
    /// <param name="change">Puts another walk in the place of the node's.</param>
    public static Func<RemoteSeams, PolledNode, RemoteSeams> Sweeping(Func<IRemoteWalk, PolledNode, IRemoteWalk>? change = null, EntryCipher? cipher = null) => (seams, node) =>
    {
        IRemoteWalk walk = new RedisWalk(node._routes, node._names, node._clock, Long, () => node._follower.Epoch, cipher);
        return seams with { Walk = change?.Invoke(walk, node) ?? walk, Pace = new() { Delay = TimeSpan.Zero, Pause = TimeSpan.FromMilliseconds(1), Interval = TimeSpan.FromMilliseconds(100) } };
    };

    private static async Task<PolledNode> BeginAsync(PolledNode node, EntryCipher? cipher, LarderOptions? options, Func<RemoteSeams, PolledNode, RemoteSeams>? seams, TimeProvider? time)
    {
        options ??= new();
        options.Remote = clock =>
        {
            node._clock = new(clock, TimeProvider.System);
            var made = new RemoteSeams(new RedisSlots(node._routes, node._names, node._clock, Long, () => node._follower.Epoch, cipher), node);
            return seams?.Invoke(made, node) ?? made;
        };
        node.Cache = new(options, time);
        node._reading = Task.Run(node.ReadAsync);
        await node._begun.Task.WaitAsync(Long);
        return node;
    }

    /// <summary>Waits until this node has seen what another one was told of its event.</summary>
    public async Task SeesAsync(InvalidationResult result) => Assert.True(await _follower.WaitUntilSeenAsync(result.Position, Long, TimeProvider.System, default));

    /// <summary>Waits until it knows that what was ended up to there has been swept.</summary>
    public async Task SweptAsync(long upTo)
    {
        while (Sweep.SweptUpTo < upTo) await Task.Delay(1);
    }

    public void Follow(LogFollower follower) => _follower = follower;

    public ValueTask<AppendResult> AppendAsync(RemoteStream stream, ulong epoch, IReadOnlyList<EventField> fields) =>
        Log is { } connection ? _commands.AppendAsync(connection, stream, epoch, fields) : new(new AppendResult(LogOutcome.Refused, 0));

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _reading;
        Cache.Dispose();
        await _links.DisposeAsync();
    }

    private async Task ReadAsync()
    {
        bool hasBegun = false;
        while (!_ending.IsCancellationRequested)
        {
            if (Log is not { } connection || !_clock.TryDescribe(connection.Server, out RemoteServer server))
            {
                await Task.Delay(1);
                continue;
            }
            (LogOutcome outcome, RemoteState state) = await (hasBegun ? _commands.AskAsync(connection) : _commands.OpenAsync(connection));
            if (outcome == LogOutcome.Done && !hasBegun) _follower.Begin(state, server.Clock);
            else if (outcome == LogOutcome.Done) _follower.Told(state.Last, server.Clock);
            else _follower.End();
            hasBegun = outcome == LogOutcome.Done && await ReadAsync(connection, RemoteStream.Keys) && await ReadAsync(connection, RemoteStream.Groups);
            if (_follower.Usable is not null) _begun.TrySetResult();
            await Task.Delay(5);
        }
    }

    private async Task<bool> ReadAsync(RedisConnection connection, RemoteStream stream)
    {
        string from = string.Create(CultureInfo.InvariantCulture, $"({_follower.ReadUpTo(stream)}-0");
        RedisReply reply = await connection.SendAsync(["XRANGE", stream == RemoteStream.Groups ? _names.Groups : _names.Keys, from, "+"], Long);
        return reply.IsOk && _follower.Read(stream, [.. reply.Value.Items.ToArray().Select(entry => Decode(stream, entry))]) == SeenOutcome.Followed;
    }

    private static RemoteEvent Decode(RemoteStream stream, RespValue entry)
    {
        RespValue[] words = entry.Items.Span[1].Items.ToArray();
        long ordinal = long.Parse(entry.Items.Span[0].Text!.Split('-')[0], CultureInfo.InvariantCulture);
        return RemoteEventCodec.Decode(stream, ordinal, [.. words.Chunk(2).Select(pair => new EventField(pair[0].Text!, pair[1].Bytes))]);
    }
}
