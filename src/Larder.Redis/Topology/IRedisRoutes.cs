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
}

/// <summary>All names are on one server.</summary>
internal sealed class SingleServer(RedisLink link) : IRedisRoutes
{
    public RedisLink? For(in RedisArgument name) => link;

    public RedisLink? Follow(RedisConnection connection, RedisReply reply, out bool isAsking)
    {
        isAsking = false;
        return null;
    }
}
