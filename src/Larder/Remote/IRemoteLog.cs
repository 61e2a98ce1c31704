namespace Larder;

/// <summary>How a step on the log ended.</summary>
internal enum LogOutcome : byte
{
    /// <summary>It was done; an event has its ordinal.</summary>
    Done,
    /// <summary>The epoch is over; nothing was done.</summary>
    OtherEpoch,
    /// <summary>The server refused, or there is no connection to it; nothing was done.</summary>
    Refused,
    /// <summary>No answer in time: it may have been done, or be done later.</summary>
    Unknown,
}

/// <param name="Ordinal">The event's, where it was appended.</param>
internal readonly record struct AppendResult(LogOutcome Outcome, long Ordinal);

/// <summary>
/// The log in Redis. Whoever implements it asks for the state and reads both streams on a connection of its own, and hands what
/// it reads to the follower on one thread at a time; it has deadlines of its own and answers what went wrong as an outcome.
/// </summary>
internal interface IRemoteLog
{
    /// <summary>Begins to follow the log: for each connection <see cref="LogFollower.Begin"/>, then what is read, then <see cref="LogFollower.End"/>.</summary>
    void Follow(LogFollower follower);

    /// <summary>Appends an event whose other fields the script adds (<see cref="RemoteEventCodec"/>), if the epoch is still this one.</summary>
    ValueTask<AppendResult> AppendAsync(RemoteStream stream, ulong epoch, IReadOnlyList<EventField> fields);
}
