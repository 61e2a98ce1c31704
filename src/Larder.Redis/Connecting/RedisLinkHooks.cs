namespace Larder.Redis;

/// <summary>What a link's owner does with its connections.</summary>
internal sealed record RedisLinkHooks
{
    /// <summary>
    /// Runs on a new connection, after the handshake and before anybody else may use it. If it throws, or takes longer than what
    /// <see cref="RedisOptions.ConnectTimeout"/> leaves, the connection is closed and another one is tried. The message of a <see cref="RedisHandshakeException"/> is shown.
    /// </summary>
    public Func<RedisConnection, CancellationToken, ValueTask>? Prepare { get; init; }

    /// <summary>Told of each new connection when it can be used. It must not block.</summary>
    public Action<RedisConnection>? Connected { get; init; }

    /// <summary>Told of messages that answer no command, on the thread that reads. It must not block.</summary>
    public Action<RespValue>? Pushed { get; init; }

    /// <summary>Told of each error that is an answer, on the thread that reads. It must not block.</summary>
    public Action<RedisError>? Refused { get; init; }
}
