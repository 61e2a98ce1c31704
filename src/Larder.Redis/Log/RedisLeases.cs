namespace Larder.Redis;

/// <summary>The leases of strict nodes on the log's server, each step one script.</summary>
/// <param name="connection">The connection to the log's server; null while there is none.</param>
internal sealed class RedisLeases(Func<RedisConnection?> connection, RedisNames names, TimeSpan timeout) : IRemoteLeases
{
    private const int LeaseParts = 5;

    public async ValueTask<LeaseAnswer> RenewAsync(ulong node, ulong epoch, long seen)
    {
        if (connection() is not { } current) return new(LogOutcome.Refused, 0, 0);
        RedisReply reply = await LeaseScripts.Renew.RunAsync(
            current, [4, names.State, names.Groups, names.Keys, names.Nodes, HexName.New(), HexName.New(), HexName.Of(node), HexName.Of(epoch), seen], timeout).ConfigureAwait(false);
        if (!reply.IsOk) return new(LogReply.Failed(current, reply), 0, 0);
        if (reply.Value.Items.Span is not [var name, var ordinal]) return new(reply.Value.IsNull ? LogOutcome.OtherEpoch : LogOutcome.Refused, 0, 0);
        return HexName.TryRead(name, out ulong streak) && ordinal.TryGetInteger(out long joined) ? new(LogOutcome.Done, streak, joined) : new(LogOutcome.Unknown, 0, 0);
    }

    public async ValueTask<LeaseList> UnseenAsync(long ordinal, IReadOnlyList<NodeLease> givenUp)
    {
        if (connection() is not { } current) return LeaseList.Failed(LogOutcome.Refused);
        RedisArgument[] words =
        [
            4, names.State, names.Groups, names.Keys, names.Nodes, HexName.New(), ordinal,
            .. givenUp.SelectMany(lease => new RedisArgument[] { HexName.Of(lease.Node), HexName.Of(lease.Streak), lease.Renewals }),
        ];
        RedisReply reply = await LeaseScripts.Unseen.RunAsync(current, words, timeout).ConfigureAwait(false);
        if (!reply.IsOk) return LeaseList.Failed(LogReply.Failed(current, reply));
        return Read(reply.Value.Items.Span);
    }

    public async ValueTask ResignAsync(ulong node)
    {
        if (connection() is { } current) await current.SendAsync(["HDEL", names.Nodes, HexName.Of(node)], timeout).ConfigureAwait(false);
    }

    private static LeaseList Read(ReadOnlySpan<RespValue> items)
    {
        if (items.IsEmpty) return LeaseList.Failed(LogOutcome.OtherEpoch);
        if (items.Length % LeaseParts != 2 || !HexName.TryRead(items[0], out ulong epoch) || !HexName.TryRead(items[1], out ulong registry)) return LeaseList.Failed(LogOutcome.Unknown);
        var unseen = new List<NodeLease>(items.Length / LeaseParts);
        for (items = items[2..]; !items.IsEmpty; items = items[LeaseParts..])
        {
            // A list that can't be read in part would miss somebody.
            if (!HexName.TryRead(items[0], out ulong node) || !HexName.TryRead(items[1], out ulong streak) || !items[2].TryGetInteger(out long renewals)
                || !HexName.TryRead(items[3], out ulong of) || !items[4].TryGetInteger(out long seen)) return LeaseList.Failed(LogOutcome.Unknown);
            unseen.Add(new(node, streak, renewals, of, seen));
        }
        return new(LogOutcome.Done, epoch, registry, unseen);
    }
}
