namespace Larder;

/// <summary>The two streams of the log.</summary>
internal enum RemoteStream : byte
{
    /// <summary>Events on tags, patterns, users and everything, and those on keys whose slot could not be removed; kept long.</summary>
    Groups,
    /// <summary>Events on keys; kept short.</summary>
    Keys,
}

/// <summary>One event as it stands in the log (docs/invalidation.md, R-1).</summary>
/// <param name="Stream">Where it stands.</param>
/// <param name="Place">Its position; an epoch of 0 is nobody's, and stands for one that can't be read.</param>
/// <param name="GroupsBefore">The newest ordinal in <see cref="RemoteStream.Groups"/> before it.</param>
/// <param name="KeysBefore">The newest ordinal in <see cref="RemoteStream.Keys"/> before it.</param>
/// <param name="Source">Whose it is.</param>
/// <param name="At">When it was appended, by the clock of the log's server: Unix time in milliseconds.</param>
/// <param name="Event">What it covers; everything where that can't be read.</param>
internal sealed record RemoteEvent(
    RemoteStream Stream, Position Place, long GroupsBefore, long KeysBefore, RemoteSource Source, long At, Invalidation Event)
{
    /// <summary>Whether its sender waits until strict nodes have seen it.</summary>
    public bool IsAwaited { get; init; }
}

/// <summary>Who sent an event, so that its node knows it again.</summary>
/// <param name="Node">Random for each cache; 0 is nobody.</param>
/// <param name="Number">The how-manieth event of that cache.</param>
internal readonly record struct RemoteSource(ulong Node, long Number);

/// <summary>A field of a stream's entry; a name may come several times.</summary>
internal readonly record struct EventField(string Name, ReadOnlyMemory<byte> Value);
