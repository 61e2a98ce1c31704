using Microsoft.Extensions.Logging;

namespace Larder.Redis;

/// <summary>What the Redis client logs. Event ids are stable; neither keys nor secrets nor the words of a server appear.</summary>
internal static partial class Log
{
    public const string Category = "Larder.Redis";

    [LoggerMessage(1, LogLevel.Information, "Connected to {Endpoint} ({Use}): {Server}.")]
    public static partial void Connected(ILogger logger, RedisEndpoint endpoint, LinkUse use, ServerIdentity server);

    [LoggerMessage(2, LogLevel.Warning, "No connection to {Endpoint} ({Use}): {Why}.")]
    public static partial void Disconnected(ILogger logger, RedisEndpoint endpoint, LinkUse use, string why);

    [LoggerMessage(3, LogLevel.Error, "A listener to new connections failed; the connection goes on.")]
    public static partial void ListenerFailed(ILogger logger, Exception exception);

    [LoggerMessage(4, LogLevel.Error, "Reading the invalidation log failed; it is followed again by another connection.")]
    public static partial void FollowingFailed(ILogger logger, Exception exception);

    [LoggerMessage(5, LogLevel.Error, "The invalidation log in Redis is lost again and again. Redis is not used for {Seconds} s; memory and the origin answer. Something restarts the server, evicts keys without a lifetime (maxmemory-policy allkeys-*) or deletes them.")]
    public static partial void EpochsEnd(ILogger logger, double seconds);

    [LoggerMessage(6, LogLevel.Warning, "The options for Redis give a security of {Level} (the server was not asked): {Findings}")]
    public static partial void Insecure(ILogger logger, RedisSecurityLevel level, string findings);

    [LoggerMessage(7, LogLevel.Error, "Redis denies its user {What} ({Code}), which the cache needs; ACL LOG on the server says more. Memory and the origin answer for what can't be done there, and invalidations wait until they can be sent.")]
    public static partial void Denied(ILogger logger, string code, string what);

    [LoggerMessage(12, LogLevel.Error, "Redis wants a password ({Code}): the options give none, or the server was given one since. Until then memory and the origin answer, and invalidations wait.")]
    public static partial void WantsPassword(ILogger logger, string code);

    [LoggerMessage(8, LogLevel.Warning, "Redis has not been used for {Minutes} minutes: {Problem}. Memory and the origin answer; {Pending} invalidations wait.")]
    public static partial void StillAway(ILogger logger, long minutes, string problem, int pending);

    [LoggerMessage(9, LogLevel.Information, "Redis is used again, after {Minutes} minutes.")]
    public static partial void UsedAgain(ILogger logger, long minutes);

    [LoggerMessage(10, LogLevel.Warning, "Redis has lost its log: all that was cached is ended. It was emptied or restarted, or another server has taken its place.")]
    public static partial void LogLost(ILogger logger);

    [LoggerMessage(11, LogLevel.Error, "The cache ends, and Redis has not acknowledged {Count} invalidations. They are lost: what they should have ended there lives until its time is over.")]
    public static partial void Lost(ILogger logger, int count);

    [LoggerMessage(13, LogLevel.Information, "Settings for Redis come from {Variables}.")]
    public static partial void OfEnvironment(ILogger logger, string variables);

    [LoggerMessage(14, LogLevel.Warning, "The prefix '{Prefix}' does not end with a colon: a cache with a longer prefix that begins so may use the same names, and what is allowed for one by a pattern is allowed for both.")]
    public static partial void OpenPrefix(ILogger logger, string prefix);

    [LoggerMessage(20, LogLevel.Warning, "No server to connect to ({Use}): {Why}.")]
    public static partial void NoServer(ILogger logger, LinkUse use, string why);

    [LoggerMessage(21, LogLevel.Information, "The cluster has {Masters} masters, which serve {Slots} hash slots.")]
    public static partial void ClusterMap(ILogger logger, int masters, int slots);

    [LoggerMessage(22, LogLevel.Warning, "No map of the cluster: {Why}.")]
    public static partial void NoClusterMap(ILogger logger, string why);
}
