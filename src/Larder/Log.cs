using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>What the engine logs. Event ids are stable; keys never appear.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Error, "A listener of {Kind} events failed; the operation went on.")]
    public static partial void ListenerFailed(ILogger logger, CacheEventKind kind, Exception exception);

    [LoggerMessage(2, LogLevel.Warning, "A value of type {Type} could not be serialized or weighed; it was handed out but not stored.")]
    public static partial void SerializationFailed(ILogger logger, Type type, Exception exception);

    [LoggerMessage(3, LogLevel.Warning, "A stored value of type {Type} could not be read back; it counts as a miss.")]
    public static partial void DeserializationFailed(ILogger logger, Type type, Exception exception);
}
