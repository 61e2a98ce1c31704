namespace Larder.Redis;

/// <summary>The server can't be used as it is. The message has no secrets, and nothing that the server said but a known code.</summary>
internal sealed class RedisHandshakeException(string message) : Exception(message);

/// <summary>What is said on a new connection before anybody may use it: who we are, which database; and asked: who the server is.</summary>
/// <remarks>A server may repeat the arguments of a command that it refuses, and with them the password. So no text of an error is told to anybody.</remarks>
internal sealed class RedisHandshake(RedisOptions options, TimeProvider time)
{
    private readonly TimeSpan _patience = options.ConnectTimeout;

    public async Task RunAsync(RedisConnection connection, CancellationToken cancellationToken)
    {
        ServerIdentity identity = await HelloAsync(connection, cancellationToken).ConfigureAwait(false);
        if (options.Database != 0) Require("SELECT", await connection.SendAsync(["SELECT", options.Database], _patience, cancellationToken).ConfigureAwait(false));

        ValueTask<ServerAnswer> asking = ServerAnswer.AskAsync(connection, time, _patience, cancellationToken);
        ValueTask<RedisReply> ping = connection.SendAsync(["PING"], _patience, cancellationToken);
        ServerAnswer answer = await asking.ConfigureAwait(false);
        RedisReply life = Answered("PING", await ping.ConfigureAwait(false));

        // It has no data yet.
        if (life.Error is { } error && error.Is("LOADING")) throw new RedisHandshakeException("the server is loading its data (LOADING)");
        Answered("INFO", answer.Server);
        Answered("INFO", answer.Replication);
        Answered("TIME", answer.Time);
        connection.Server = answer.Of(identity);
    }

    private async Task<ServerIdentity> HelloAsync(RedisConnection connection, CancellationToken cancellationToken)
    {
        string name = options.ClientName;
        RedisReply hello = options.Password is { } password
            ? await connection.SendAsync(["HELLO", 3, "AUTH", options.User ?? "default", password, "SETNAME", name], _patience, cancellationToken).ConfigureAwait(false)
            : await connection.SendAsync(["HELLO", 3, "SETNAME", name], _patience, cancellationToken).ConfigureAwait(false);
        if (options.Tls is null && hello.Outcome is (RedisOutcome.Lost or RedisOutcome.LostUnsent)) throw new RedisHandshakeException($"HELLO was not answered ({hello.Outcome}); does the server want TLS? Then it is rediss://, or ssl=true");
        Answered("HELLO", hello);
        if (hello.Value.Kind == RespKind.Map) return ServerIdentity.Unknown with { Protocol = 3 };
        // Whoever repeats what it hears would otherwise pass for a server: so does a connection to a free port of the own machine that found itself.
        if (hello.IsOk) throw new RedisHandshakeException("HELLO was answered, but not as Redis does");
        // Servers before 6.0 do not know it; some behind a proxy refuse the version.
        bool isUnknown = hello.Error is { } error && (error.Is("NOPROTO") || error.Is("ERR") && error.Text.StartsWith("ERR unknown command", StringComparison.OrdinalIgnoreCase));
        if (!isUnknown) Require("HELLO", hello);

        if (options.Password is { } secret)
        {
            RedisReply auth = options.User is { } user
                ? await connection.SendAsync(["AUTH", user, secret], _patience, cancellationToken).ConfigureAwait(false)
                : await connection.SendAsync(["AUTH", secret], _patience, cancellationToken).ConfigureAwait(false);
            Require("AUTH", auth);
        }
        // A name is a convenience: it may be refused.
        Answered("CLIENT SETNAME", await connection.SendAsync(["CLIENT", "SETNAME", name], _patience, cancellationToken).ConfigureAwait(false));
        return ServerIdentity.Unknown;
    }

    private static RedisReply Answered(string what, RedisReply reply) =>
        reply.Outcome == RedisOutcome.Answered ? reply : throw new RedisHandshakeException($"{what} was not answered ({reply.Outcome})");

    private static void Require(string what, RedisReply reply)
    {
        if (Answered(what, reply).Error is not { } error) return;
        string why = error.KnownCode switch
        {
            "NOAUTH" => ": the server wants a password",
            "WRONGPASS" => ": the server knows no such user with this password",
            "NOPERM" => ": the user may not do that; ACL LOG on the server says more",
            _ => "",
        };
        throw new RedisHandshakeException($"{what} was refused ({error.KnownCode}){why}");
    }
}
