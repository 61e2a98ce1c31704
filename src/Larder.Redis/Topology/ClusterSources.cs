namespace Larder.Redis;

/// <summary>Any node of a cluster: the servers of the options, then those of the map. Who is a replica can be asked as well.</summary>
internal sealed class AnyNode(IList<RedisEndpoint> endpoints, Func<ClusterMap?> map) : IEndpointSource
{
    public ValueTask<RedisEndpoint> NextAsync(int turn, CancellationToken cancellationToken)
    {
        IReadOnlyList<RedisEndpoint> more = map()?.Nodes ?? [];
        int place = (int)((uint)turn % (uint)(endpoints.Count + more.Count));
        return new(place < endpoints.Count ? endpoints[place] : more[place - endpoints.Count]);
    }

    public void Accept(RedisConnection connection) => ServerKind.RequireCluster(connection.Server);
}

/// <summary>One master of a cluster.</summary>
/// <param name="moved">Told that a node does not serve what it was asked for.</param>
/// <param name="lost">Told that the node can't be reached, or not as a master.</param>
internal sealed class OneNode(RedisEndpoint endpoint, Action<RedisConnection, RedisError> moved, Action lost) : IEndpointSource
{
    public ValueTask<RedisEndpoint> NextAsync(int turn, CancellationToken cancellationToken) => new(endpoint);

    public void Accept(RedisConnection connection)
    {
        ServerKind.RequireCluster(connection.Server);
        ServerKind.RequireMaster(connection.Server);
        connection.Misdirected = error => moved(connection, error);
    }

    public void Lost() => lost();
}

/// <summary>The master of one hash slot, whoever that is: connections to another one are closed.</summary>
internal sealed class SlotMaster(int slot, ClusterRoutes routes) : IEndpointSource
{
    private const string Elsewhere = "the hash slot is on another node of the cluster";

    private readonly GivenConnections _given = new();

    public async ValueTask<RedisEndpoint> NextAsync(int turn, CancellationToken cancellationToken)
    {
        try
        {
            if (turn > 0 || routes.Map is null) await routes.RefreshedAsync().WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw new RedisHandshakeException($"no node of the cluster answers ({routes.Why})");
        }
        return routes.Map is { } map
            ? map.EndpointOf(slot) ?? throw new RedisHandshakeException("no node of the cluster serves the hash slot")
            : throw new RedisHandshakeException($"there is no map of the cluster ({routes.Why})");
    }

    public void Accept(RedisConnection connection)
    {
        ServerKind.RequireCluster(connection.Server);
        ServerKind.RequireMaster(connection.Server);
        _given.Add(connection);
        if (routes.Map?.EndpointOf(slot) != connection.Endpoint) throw new RedisHandshakeException(Elsewhere);
    }

    /// <summary>There is another map.</summary>
    public void LookAgain()
    {
        // Where nobody serves it, the one who did may again.
        if (routes.Map?.EndpointOf(slot) is { } endpoint) _given.CloseAllBut(endpoint, Elsewhere);
    }
}
