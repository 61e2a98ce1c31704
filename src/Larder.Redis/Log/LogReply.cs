namespace Larder.Redis;

/// <summary>What is alike in the answers of the log's server.</summary>
internal static class LogReply
{
    /// <summary>How a step ended that was not answered as it should be. Where the answer shows that the server is another one by now, its connection is closed.</summary>
    public static LogOutcome Failed(RedisConnection connection, RedisReply reply)
    {
        ServerWatch.Heed(connection, reply);
        return reply.IsUncertain ? LogOutcome.Unknown : LogOutcome.Refused;
    }
}
