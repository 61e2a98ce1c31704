namespace Larder.Redis;

/// <summary>The steps on the log, each one script on one connection.</summary>
/// <param name="keptGroups">About how many events the stream of groups keeps.</param>
/// <param name="keptKeys">The same for keys.</param>
internal sealed class LogCommands(RedisNames names, TimeSpan timeout, int keptGroups = 100_000, int keptKeys = 20_000)
{
    /// <summary>The state; where it is not right a new epoch begins.</summary>
    public async ValueTask<(LogOutcome Outcome, RemoteState State)> OpenAsync(RedisConnection connection) =>
        StateIn(connection, await LogScripts.Open.RunAsync(connection, [3, names.State, names.Groups, names.Keys, HexName.New()], timeout).ConfigureAwait(false));

    /// <summary>The state; <see cref="LogOutcome.OtherEpoch"/> where it is not right.</summary>
    public async ValueTask<(LogOutcome Outcome, RemoteState State)> AskAsync(RedisConnection connection) =>
        StateIn(connection, await LogScripts.Ask.RunAsync(connection, [3, names.State, names.Groups, names.Keys], timeout).ConfigureAwait(false));

    /// <summary>Appends an event if the epoch is still this one.</summary>
    /// <returns>The event's ordinal, where it was appended.</returns>
    public async ValueTask<AppendResult> AppendAsync(RedisConnection connection, RemoteStream stream, ulong epoch, IReadOnlyList<EventField> fields)
    {
        bool isGroup = stream == RemoteStream.Groups;
        RedisArgument[] words =
        [
            3, names.State, names.Groups, names.Keys, HexName.Of(epoch), isGroup ? 2 : 3, isGroup ? keptGroups : keptKeys,
            .. fields.SelectMany(field => new RedisArgument[] { field.Name, field.Value }),
        ];
        RedisReply reply = await LogScripts.Append.RunAsync(connection, words, timeout).ConfigureAwait(false);
        if (!reply.IsOk) return new(LogReply.Failed(connection, reply), 0);
        return reply.Value.TryGetInteger(out long ordinal) && ordinal > 0 ? new(LogOutcome.Done, ordinal) : new(LogOutcome.OtherEpoch, 0);
    }

    private static (LogOutcome Outcome, RemoteState State) StateIn(RedisConnection connection, RedisReply reply)
    {
        if (!reply.IsOk) return (LogReply.Failed(connection, reply), default);
        ReadOnlySpan<RespValue> items = reply.Value.Items.Span;
        return items.Length == 4 && HexName.TryRead(items[0], out ulong epoch) && epoch != 0 && items[1].TryGetInteger(out long last) && items[2].TryGetInteger(out long groups) && items[3].TryGetInteger(out long keys)
            ? (LogOutcome.Done, new(epoch, last, groups, keys))
            : (LogOutcome.OtherEpoch, default);
    }
}
