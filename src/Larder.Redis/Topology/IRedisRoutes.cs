namespace Larder.Redis;

/// <summary>Says which server a name is on. Links are the routes' own: nobody else ends them.</summary>
internal interface IRedisRoutes
{
    /// <summary>The link to the server of a name; null while none is known. It may have no connection yet.</summary>
    RedisLink? For(in RedisArgument name);

    /// <summary>Where a command is to be sent again that was answered so; null where nowhere: it was refused then.</summary>
    /// <param name="connection">Who answered.</param>
    /// <param name="isAsking">Whether it has to be sent by <see cref="RedisConnection.SendAskingAsync"/>.</param>
    RedisLink? Follow(RedisConnection connection, RedisReply reply, out bool isAsking);

    /// <summary>All servers that names are on, asked for anew; null where they are not known. For what walks over all names, not for requests: it may wait for servers.</summary>
    ValueTask<RedisServers?> AllAsync();
}

/// <summary>All servers.</summary>
/// <param name="Layout">The same object as long as each name is on the same server.</param>
internal sealed record RedisServers(IReadOnlyList<RedisLink> Links, object Layout);

/// <summary>All names are on one server.</summary>
internal sealed class SingleServer(RedisLink link) : IRedisRoutes
{
    public RedisLink? For(in RedisArgument name) => link;

    public RedisLink? Follow(RedisConnection connection, RedisReply reply, out bool isAsking)
    {
        isAsking = false;
        return null;
    }

    public ValueTask<RedisServers?> AllAsync() => new(new RedisServers([link], link));
}
