namespace Larder.Redis;

/// <summary>Says where a link connects to, and whether what it found there may be used.</summary>
internal interface IEndpointSource
{
    /// <summary>The server to try next.</summary>
    /// <param name="turn">How many attempts there were before this one.</param>
    /// <exception cref="RedisHandshakeException">None is known. The message is shown.</exception>
    ValueTask<RedisEndpoint> NextAsync(int turn, CancellationToken cancellationToken);

    /// <summary>Looks at a connection after its handshake, before anybody uses it. It may close the connection later, too.</summary>
    /// <exception cref="RedisHandshakeException">It may not be used. The message is shown.</exception>
    void Accept(RedisConnection connection);

    /// <summary>Told when an attempt came to nothing, and when a connection has ended.</summary>
    void Lost()
    {
    }
}

/// <summary>The servers of a list, in turns.</summary>
/// <param name="mustBeMaster">Whether a server that is, or may be, a replica is left for the next one.</param>
internal sealed class FixedEndpoints(IList<RedisEndpoint> endpoints, bool mustBeMaster = false) : IEndpointSource
{
    public ValueTask<RedisEndpoint> NextAsync(int turn, CancellationToken cancellationToken) => new(endpoints[(int)((uint)turn % (uint)endpoints.Count)]);

    public void Accept(RedisConnection connection)
    {
        ServerKind.RequireAlone(connection.Server);
        if (mustBeMaster) ServerKind.RequireMaster(connection.Server);
    }
}

/// <summary>What kind of server answers, against what the options take it for.</summary>
internal static class ServerKind
{
    public static void RequireAlone(ServerIdentity server)
    {
        if (server.Mode == "cluster") throw new RedisHandshakeException("the server is a node of a cluster: set cluster=true");
        if (server.Mode == "sentinel") throw new RedisHandshakeException("the server is a sentinel: set sentinel= to the name of its master group");
    }

    public static void RequireCluster(ServerIdentity server)
    {
        if (server.Mode is null) throw new RedisHandshakeException("the server does not say whether it is a node of a cluster: the user may not ask it (INFO)");
        if (server.Mode != "cluster") throw new RedisHandshakeException("the server is no node of a cluster: leave cluster=true out");
    }

    /// <summary>Where the user may not ask, the answers to what it asks will tell.</summary>
    public static void RequireSentinel(ServerIdentity server)
    {
        if (server.Mode is not (null or "sentinel")) throw new RedisHandshakeException("the server is no sentinel");
    }

    public static void RequireMaster(ServerIdentity server)
    {
        if (server.Role is null) throw new RedisHandshakeException("the server does not say whether it is a master: the user may not ask it (INFO)");
        if (server.Role != "master") throw new RedisHandshakeException("the server is no master");
    }
}
