using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Larder.Redis;

/// <summary>Finds the master of a name in Redis Cluster, and follows the cluster as it changes (docs/invalidation.md, R-33).</summary>
/// <remarks>
/// Invariants.
/// 1. Map and links are one object, swapped as one under the gate; readers take no lock. A link that is missing in it is made under the gate.
/// 2. A link is made when its node is first asked, and ended when the map does not name the node any more, and no redirection has for a while. Redirections
///    add no more than <see cref="MostGuests"/> nodes to those of the map that was read last.
/// 3. A map is asked for by one at a time, from several nodes; that of the node that has heard the most is taken. Whoever is connected to the log's slot is told after the swap.
/// </remarks>
internal sealed class ClusterRoutes : IRedisRoutes, IAsyncDisposable
{
    private const int MostGuests = 24;
    private const int AskedAtOnce = 5;
    /// <summary>How long a node is kept that has no slots yet, but was named in a redirection.</summary>
    private static readonly TimeSpan GuestTime = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly RedisOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly TopologyBeats _beats;
    private readonly TimeSpan _patience;
    private readonly Dictionary<RedisEndpoint, Node> _nodes = [];
    private readonly List<Task> _leaving = [];
    private readonly RedisLink _any;
    private readonly RefreshLoop _refresh;
    private readonly RedisLinkHooks? _hooks;
    private Placement? _placement;
    /// <summary>How many masters there were in the map that was read last.</summary>
    private int _masters;
    private string _why = "none was asked yet";
    private bool _isOver;

    public ClusterRoutes(RedisOptions options, RedisLinkHooks? hooks, TimeProvider time, ILogger? logger, TopologyBeats beats)
    {
        _hooks = hooks;
        (_options, _time, _logger, _beats) = (options, time, logger ?? NullLogger.Instance, beats);
        _patience = options.ConnectTimeout / 4;
        _any = new(options, hooks: null, time, logger, new AnyNode(options.Endpoints, () => Map), LinkUse.Map);
        _refresh = new(RefreshAsync, time, beats.Refresh, beats.Gap);
    }

    private sealed record Placement(ClusterMap Map, RedisLink?[] Links);

    private sealed class Node(RedisLink link, ServerWatch watch)
    {
        public RedisLink Link => link;

        /// <summary>When a redirection named it last.</summary>
        public long? NamedAt { get; set; }

        public async Task EndAsync()
        {
            await watch.DisposeAsync().ConfigureAwait(false);
            await link.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Called when there is another map.</summary>
    public Action? Placed { get; set; }

    /// <summary>Null until the first was read.</summary>
    public ClusterMap? Map => Volatile.Read(ref _placement)?.Map;

    /// <summary>Why there is no map, or none newer, without secrets.</summary>
    public string Why => Volatile.Read(ref _why);

    /// <summary>Where the links stand, that on which any node is asked for the map first.</summary>
    public IReadOnlyList<RedisLinkStatus> Statuses
    {
        get
        {
            lock (_gate) return [_any.Status, .. _nodes.Values.Select(node => node.Link.Status)];
        }
    }

    /// <summary>Ends when a map was asked for, whatever came of it: after now, or, where there is none yet, by now.</summary>
    public Task RefreshedAsync() => Map is null ? _refresh.Join() : _refresh.Ask();

    public RedisLink? For(in RedisArgument name)
    {
        if (Volatile.Read(ref _placement) is not { } placement) return null;
        int owner = placement.Map.OwnerOf(HashSlot.Of(name));
        return owner < 0 ? null : Volatile.Read(ref placement.Links[owner]) ?? LinkTo(placement.Map.Nodes[owner], isNamed: false);
    }

    public RedisLink? Follow(RedisConnection connection, RedisReply reply, out bool isAsking)
    {
        isAsking = false;
        if (reply.Error is not { } error) return null;
        if (error.Is("CLUSTERDOWN")) _ = _refresh.Ask();
        if (Heard(connection, error) is not { } to) return null;
        isAsking = to.IsAsk;
        return LinkTo(to.Node, isNamed: true);
    }

    public async ValueTask<RedisServers?> AllAsync()
    {
        try
        {
            await _refresh.Ask().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        if (Map is not { } map) return null;
        RedisLink?[] links = [.. map.Nodes.Select(node => LinkTo(node, isNamed: false))];
        return links.Contains(null) ? null : new(links!, map);
    }

    /// <summary>Notes that a hash slot has moved.</summary>
    private ClusterRedirection? Heard(RedisConnection connection, RedisError error)
    {
        if (connection.Endpoint is not { } endpoint || ClusterRedirection.Of(error, endpoint) is not { } to) return null;
        if (to.IsAsk) return to;
        bool isNew = false;
        lock (_gate)
        {
            if (_placement is { } placement && placement.Map.With(to.Slot, to.Node, _masters + MostGuests) is var map && map != placement.Map)
            {
                Place_NeedsGate(map);
                isNew = true;
            }
        }
        // Before the map is asked for: of it, too.
        _ = LinkTo(to.Node, isNamed: true);
        if (isNew) Placed?.Invoke();
        _ = _refresh.Ask();
        return to;
    }

    private RedisLink? LinkTo(RedisEndpoint endpoint, bool isNamed)
    {
        lock (_gate)
        {
            if (!_nodes.TryGetValue(endpoint, out Node? node))
            {
                if (_isOver || _nodes.Count >= _masters + MostGuests) return null;
                var link = new RedisLink(_options, _hooks, _time, _logger, new OneNode(endpoint, (connection, error) => Heard(connection, error), () => _refresh.Ask()));
                _nodes.Add(endpoint, node = new(link, new(link, _time, _beats.Watch, _patience)));
                if (_placement is { } placement) Place_NeedsGate(placement.Map);
            }
            if (isNamed) node.NamedAt = _time.GetTimestamp();
            return node.Link;
        }
    }

    private void Place_NeedsGate(ClusterMap map) =>
        Volatile.Write(ref _placement, new(map, [.. map.Nodes.Select(endpoint => _nodes.GetValueOrDefault(endpoint)?.Link)]));

    private async Task RefreshAsync(CancellationToken cancellationToken)
    {
        try
        {
            RedisConnection[] asked = Asked();
            if (asked.Length == 0) asked = [await FirstAsync(cancellationToken).ConfigureAwait(false)];
            (ClusterAnswer? Answer, string Why)[] answers = await Task.WhenAll(asked.Select(connection => ClusterAnswer.AskAsync(connection, _patience, cancellationToken))).ConfigureAwait(false);
            for (int i = 0; i < asked.Length; i++)
                if (answers[i].Answer is null && asked[i] == _any.Current) asked[i].Close("the node knows no map of the cluster");
            if (ClusterAnswer.Best(answers.Select(answer => answer.Answer).OfType<ClusterAnswer>()) is { } best) Take(best.Map);
            else Fail(answers[0].Why);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            Fail(_any.Status.Why ?? "it took too long");
        }
    }

    private void Take(ClusterMap map)
    {
        bool isNew;
        lock (_gate)
        {
            isNew = _placement is not { } before || before.Map.Served != map.Served || before.Map.Nodes.Count != map.Nodes.Count;
            // One object for what is the same: whoever has it sees so that nothing has moved.
            if (_placement is { } known && map.IsLike(known.Map) && known.Map.Nodes.Count == map.Nodes.Count) map = known.Map;
            _masters = map.Nodes.Count;
            Forget_NeedsGate(map);
            Place_NeedsGate(map);
        }
        Volatile.Write(ref _why, "nothing has failed");
        if (isNew) Log.ClusterMap(_logger, map.Nodes.Count, map.Served);
        Placed?.Invoke();
    }

    private void Fail(string why)
    {
        if (Interlocked.Exchange(ref _why, why) != why) Log.NoClusterMap(_logger, why);
    }

    private void Forget_NeedsGate(ClusterMap map)
    {
        _leaving.RemoveAll(task => task.IsCompleted);
        HashSet<RedisEndpoint> named = [.. map.Nodes];
        foreach ((RedisEndpoint endpoint, Node node) in _nodes.ToArray())
        {
            if (named.Contains(endpoint) || WasNamed_NeedsGate(node)) continue;
            _nodes.Remove(endpoint);
            _leaving.Add(Task.Run(node.EndAsync));
        }
    }

    private bool WasNamed_NeedsGate(Node node) => node.NamedAt is { } at && _time.GetElapsedTime(at) < GuestTime;

    /// <summary>
    /// Some connections to different nodes, other ones each time. Those that redirections named of late come first: who took a hash slot over knows of it, while
    /// others may not have heard yet, and would take back what is known.
    /// </summary>
    private RedisConnection[] Asked()
    {
        Node[] nodes;
        lock (_gate)
        {
            nodes = [.. _nodes.Values];
            Random.Shared.Shuffle(nodes);
            nodes = [.. nodes.OrderByDescending(node => WasNamed_NeedsGate(node) ? node.NamedAt : null)];
        }
        return [.. nodes.Select(node => node.Link).Prepend(_any).Select(link => link.Current).OfType<RedisConnection>().Take(AskedAtOnce)];
    }

    private async Task<RedisConnection> FirstAsync(CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_options.ConnectTimeout, _time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        return await _any.WhenConnectedAsync(limit.Token).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _refresh.DisposeAsync().ConfigureAwait(false);
        List<Task> leaving;
        lock (_gate)
        {
            _isOver = true;
            leaving = [.. _leaving, .. _nodes.Values.Select(node => node.EndAsync())];
        }
        await Task.WhenAll(leaving).ConfigureAwait(false);
        await _any.DisposeAsync().ConfigureAwait(false);
    }
}
