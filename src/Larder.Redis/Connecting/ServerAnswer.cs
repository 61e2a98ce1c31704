namespace Larder.Redis;

/// <summary>What a server said when it was asked who it is and how late.</summary>
/// <param name="Asked">The local timestamp just before the questions were sent.</param>
/// <param name="Answered">The local timestamp after <paramref name="Time"/> had come.</param>
internal readonly record struct ServerAnswer(RedisReply Time, RedisReply Server, RedisReply Replication, long Asked, long Answered)
{
    /// <summary>Whether each question was answered, with an error or not.</summary>
    public bool IsWhole => (Time.Outcome, Server.Outcome, Replication.Outcome) == (RedisOutcome.Answered, RedisOutcome.Answered, RedisOutcome.Answered);

    /// <summary>Asks on a connection; everything goes out before the call first waits.</summary>
    public static async ValueTask<ServerAnswer> AskAsync(RedisConnection connection, TimeProvider time, TimeSpan timeout, CancellationToken cancellationToken)
    {
        long asked = time.GetTimestamp();
        ValueTask<RedisReply> timing = connection.SendAsync(["TIME"], timeout, cancellationToken);
        ValueTask<RedisReply> server = connection.SendAsync(["INFO", "server"], timeout, cancellationToken);
        ValueTask<RedisReply> replication = connection.SendAsync(["INFO", "replication"], timeout, cancellationToken);
        RedisReply told = await timing.ConfigureAwait(false);
        long answered = time.GetTimestamp();
        return new(told, await server.ConfigureAwait(false), await replication.ConfigureAwait(false), asked, answered);
    }

    /// <summary>What is known of the server now. A user of few rights may have none to ask; what it does not know it does without.</summary>
    public ServerIdentity Of(ServerIdentity server)
    {
        if (Server.Value.Text is { } text) server = server.With(text);
        if (Replication.Value.Text is { } rest) server = server.With(rest);
        return server.With(Time.Value, Asked, Answered);
    }
}
