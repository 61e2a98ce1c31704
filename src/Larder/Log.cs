using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>What the engine logs. Event ids are stable; keys never appear.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Error, "A listener of {Kind} events failed; the operation went on.")]
    public static partial void ListenerFailed(ILogger logger, CacheEventKind kind, Exception exception);

    [LoggerMessage(2, LogLevel.Warning, "A value of type {Type} could not be serialized or weighed; it was handed out but not stored. {Problem} {Advice} This is told at most once a minute for a type.")]
    public static partial void SerializationFailed(ILogger logger, Type type, string problem, string advice, Exception exception);

    [LoggerMessage(3, LogLevel.Warning, "A stored value of type {Type} could not be read back; it counts as a miss.")]
    public static partial void DeserializationFailed(ILogger logger, Type type, Exception exception);

    [LoggerMessage(20, LogLevel.Information, "Snapshot loaded: {Entries} entries; {Expired} had expired, {Skipped} were not taken.")]
    public static partial void SnapshotLoaded(ILogger logger, int entries, int expired, int skipped);

    [LoggerMessage(21, LogLevel.Warning, "The snapshot {Path} is {Outcome}; {Entries} of its entries were loaded.")]
    public static partial void SnapshotNotLoaded(ILogger logger, string path, SnapshotOutcome outcome, int entries);

    [LoggerMessage(22, LogLevel.Information, "Snapshot saved: {Entries} entries, {Bytes} bytes; {Skipped} can't be written, {LeftOut} had no room.")]
    public static partial void SnapshotSaved(ILogger logger, int entries, long bytes, int skipped, int leftOut);

    [LoggerMessage(23, LogLevel.Warning, "The snapshot {Path} could not be saved.")]
    public static partial void SnapshotNotSaved(ILogger logger, string path, Exception exception);

    [LoggerMessage(24, LogLevel.Warning, "The snapshot {Path} was not read: others than its owner may write it, and so may decide what the cache answers. Remove it, or take the permission away (chmod go-w) if what it holds can be trusted.")]
    public static partial void SnapshotWritable(ILogger logger, string path);

    [LoggerMessage(30, LogLevel.Warning, "Making a key of the {Form} form took {Milliseconds} ms, for {TextLength} characters.")]
    public static partial void KeySlow(ILogger logger, string form, double milliseconds, long textLength);

    [LoggerMessage(32, LogLevel.Warning, "There were {Count} invalidations within an hour ({Level}). What is invalidated that often is hardly worth caching, or too much goes with it; the history says which. Where it is meant to be so, set InvalidationsPerHour higher.")]
    public static partial void InvalidatedOften(ILogger logger, int count, InvalidationRateLevel level);

    [LoggerMessage(31, LogLevel.Warning, "The configuration's field {Field} is unknown and was passed over.")]
    public static partial void FieldUnknown(ILogger logger, string field);

    [LoggerMessage(40, LogLevel.Warning, "A fill of type {Type} failed; what is stored stands in for it.")]
    public static partial void StoodIn(ILogger logger, Type type, Exception exception);

    [LoggerMessage(41, LogLevel.Warning, "The condition on results of type {Type} failed; the result was handed out but not stored.")]
    public static partial void ConditionFailed(ILogger logger, Type type, Exception exception);

    [LoggerMessage(42, LogLevel.Error, "The result of a fill of type {Type} could not be stored; it was handed out to the caller that made it.")]
    public static partial void LandingFailed(ILogger logger, Type type, Exception exception);

    [LoggerMessage(46, LogLevel.Warning, "A value was given to HybridCache with {Problem}; it was handed out but not stored. {Advice} This is told once.")]
    public static partial void TagsRefused(ILogger logger, string problem, string advice);

    [LoggerMessage(45, LogLevel.Debug, "A set that follows a miss was not stored: its key was removed, set or invalidated since the miss.")]
    public static partial void SetOvertaken(ILogger logger);

    [LoggerMessage(43, LogLevel.Error, "A listener of metrics or traces failed; fills go on. It is told once.")]
    public static partial void WatchFailed(ILogger logger, Exception exception);

    [LoggerMessage(44, LogLevel.Warning, "What a factory had registered with its token failed when the token was cancelled.")]
    public static partial void CancellingFailed(ILogger logger, Exception exception);
}
