namespace Larder.Redis;

/// <summary>What a step that looks at the state was answered.</summary>
/// <param name="Why">The known code of the error that the server answered with; null where it was none.</param>
internal readonly record struct StateAnswer(LogOutcome Outcome, RemoteState State, string? Why = null)
{
    public void Deconstruct(out LogOutcome outcome, out RemoteState state) => (outcome, state) = (Outcome, State);
}

/// <summary>The steps on the log, each one script on one connection.</summary>
/// <param name="keptGroups">About how many events the stream of groups keeps.</param>
/// <param name="keptKeys">The same for keys.</param>
internal sealed class LogCommands(RedisNames names, TimeSpan timeout, int keptGroups = 100_000, int keptKeys = 20_000)
{
    /// <summary>The state; where it is not right a new epoch begins.</summary>
    public async ValueTask<StateAnswer> OpenAsync(RedisConnection connection) =>
        StateIn(connection, await LogScripts.Open.RunAsync(connection, [3, names.State, names.Groups, names.Keys, HexName.New()], timeout).ConfigureAwait(false));

    /// <summary>The state; <see cref="LogOutcome.OtherEpoch"/> where it is not right.</summary>
    public async ValueTask<StateAnswer> AskAsync(RedisConnection connection) =>
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

    private static StateAnswer StateIn(RedisConnection connection, RedisReply reply)
    {
        if (!reply.IsOk) return new(LogReply.Failed(connection, reply), default, reply.Error?.KnownCode);
        ReadOnlySpan<RespValue> items = reply.Value.Items.Span;
        return items.Length == 4 && HexName.TryRead(items[0], out ulong epoch) && epoch != 0 && items[1].TryGetInteger(out long last) && items[2].TryGetInteger(out long groups) && items[3].TryGetInteger(out long keys)
            ? new(LogOutcome.Done, new(epoch, last, groups, keys))
            : new(LogOutcome.OtherEpoch, default);
    }
}
