using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Larder.Redis;

/// <summary>The answer to a command on a slot.</summary>
/// <param name="Connection">Who answered; null where nobody was asked, and the reply says nothing then.</param>
/// <param name="Server">Who that is.</param>
internal readonly record struct SlotAnswer(RedisReply Reply, RedisConnection? Connection, RemoteServer Server)
{
    /// <summary>The server is another one than the command was meant for: it was not sent.</summary>
    public bool IsOtherServer { get; init; }

    public bool IsOk => Connection is not null && Reply.IsOk;

    /// <summary>How it ended. Where the answer shows that the server is another one by now, its connection is closed.</summary>
    public SlotOutcome Conclude()
    {
        if (IsOtherServer) return SlotOutcome.Changed;
        if (Connection is null) return SlotOutcome.Refused;
        ServerWatch.Heed(Connection, Reply);
        return Reply.IsOk ? SlotOutcome.Done : Reply.IsUncertain ? SlotOutcome.Unknown : SlotOutcome.Refused;
    }
}

/// <summary>Sends commands on slots to the slot's server, and again where that names another one (docs/invalidation.md, R-33).</summary>
/// <remarks>A command that is redirected was not executed. All of its ways together take no longer than one may.</remarks>
/// <param name="epoch">The log's epoch that this node is in now; 0 for none.</param>
internal sealed class SlotServers(IRedisRoutes routes, ServerClock clock, TimeSpan timeout, Func<ulong> epoch)
{
    private const int MostRedirections = 3;

    /// <summary>Reads a slot.</summary>
    public ValueTask<SlotAnswer> GetAsync(RedisArgument slot) => SendAsync(slot, null);

    /// <param name="words">The command; null for <c>GET</c>, which hits in Redis need no array for.</param>
    /// <param name="script">What the words are arguments of; null where they are a command.</param>
    /// <param name="only">The one server that it is meant for; 0 for whichever has the slot.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<SlotAnswer> SendAsync(RedisArgument slot, RedisArgument[]? words, RedisScript? script = null, UInt128 only = default)
    {
        long began = clock.Time.GetTimestamp();
        TimeSpan left = timeout;
        RedisLink? link = routes.For(slot);
        bool isAsking = false;
        for (int redirections = 0; ; redirections++)
        {
            if (!TryUse(link, out RedisConnection? connection, out RemoteServer server)) return default;
            if (only != default && server.Identity != only) return new(default, connection, server) { IsOtherServer = true };
            RedisReply reply =
                script is not null ? await script.RunAsync(connection, words!, left, isAsking).ConfigureAwait(false)
                : await SendAsync(connection, slot, words, left, isAsking).ConfigureAwait(false);
            if (reply.Error is null || redirections == MostRedirections) return new(reply, connection, server);
            link = routes.Follow(connection, reply, out isAsking);
            left = timeout - clock.Time.GetElapsedTime(began);
            if (link is null || left <= TimeSpan.Zero) return new(reply, connection, server);
        }
    }

    private static ValueTask<RedisReply> SendAsync(RedisConnection connection, RedisArgument slot, RedisArgument[]? words, TimeSpan left, bool isAsking)
    {
        scoped ReadOnlySpan<RedisArgument> command = words;
        if (words is null) command = ["GET", slot];
        return isAsking ? connection.SendAskingAsync(command, left) : connection.SendAsync(command, left);
    }

    /// <summary>Sends a command to a server of which it is known that it is the right one, or that has no slot in it.</summary>
    public async ValueTask<SlotAnswer> SendToAsync(RedisLink link, RedisArgument[] words, UInt128 only = default)
    {
        if (!TryUse(link, out RedisConnection? connection, out RemoteServer server)) return default;
        if (only != default && server.Identity != only) return new(default, connection, server) { IsOtherServer = true };
        return new(await connection.SendAsync(words, timeout).ConfigureAwait(false), connection, server);
    }

    /// <summary>Runs a script that changes a slot only while it is as it was claimed; it answers 1 where it did.</summary>
    public async ValueTask<SlotOutcome> ChangeAsync(RedisScript script, RedisArgument slot, SlotClaim claim, params RedisArgument[] more)
    {
        if (claim.Stamp.Epoch != epoch()) return SlotOutcome.Changed;
        SlotAnswer answer = await SendAsync(slot, [1, slot, SlotContent.BytesOf(claim.Identity), .. more], script, claim.Server.Identity).ConfigureAwait(false);
        return !answer.IsOk ? answer.Conclude() : answer.Reply.Value.TryGetInteger(out long done) && done == 1 ? SlotOutcome.Done : SlotOutcome.Changed;
    }

    private bool TryUse(RedisLink? link, [NotNullWhen(true)] out RedisConnection? connection, out RemoteServer server)
    {
        (connection, server) = (link?.Current, default);
        return connection is not null && clock.TryDescribe(connection.Server, out server) && link!.Breaker.TryPass();
    }
}
