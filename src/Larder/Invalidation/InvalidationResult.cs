namespace Larder;

/// <summary>Whether an invalidation has its place in the log.</summary>
public enum InvalidationStatus : byte
{
    /// <summary>It holds on this node and waits for the log; its position is not final.</summary>
    Pending,
    /// <summary>It holds as far as <see cref="InvalidationReach"/> says, and its position is final.</summary>
    Acknowledged,
}

/// <summary>How far an invalidation had come when its call ended.</summary>
public enum InvalidationReach : byte
{
    /// <summary>This node: nobody is handed here what it covers.</summary>
    Local,
    /// <summary>The log: whoever follows it will apply the event. Where the log lives in the process, that is everybody.</summary>
    Logged,
    /// <summary>
    /// All nodes that are <see cref="Strictness.Strict"/>: none of them hands out any more what it covers. Those that are not
    /// follow the log as soon as they read it.
    /// </summary>
    Everywhere,
}

/// <summary>What became of an invalidation.</summary>
/// <param name="Position">Its place in the log: whoever has seen it sees no older value.</param>
/// <param name="Removed">
/// How many entries of this node's memory it ended: removed or, where it is soft, made stale. What had expired or was
/// covered already does not count, nor what a reader came upon before the count did. Null
/// when nobody asked, and when it could not be counted.
/// </param>
/// <param name="Status">Whether it has its place in the log.</param>
/// <param name="Reach">How far it had come.</param>
public readonly record struct InvalidationResult(Position Position, int? Removed, InvalidationStatus Status, InvalidationReach Reach);
