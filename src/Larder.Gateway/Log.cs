using Microsoft.Extensions.Logging;

namespace Larder.Gateway;

/// <summary>What the gateway logs. Events are numbered for good; none carries a path, a query or a header value.</summary>
internal static partial class Log
{
    [LoggerMessage(4001, LogLevel.Warning, "No answer from {Origin} ({Reason}): it {Cause} [{Exception}]")]
    public static partial void OriginFailed(ILogger logger, string origin, string reason, string cause, string exception);

    [LoggerMessage(4002, LogLevel.Warning, "The response body of {Origin} broke off ({Reason}); the client's connection is aborted")]
    public static partial void BodyBroken(ILogger logger, string origin, string reason);

    [LoggerMessage(4003, LogLevel.Debug, "The client left during an exchange with {Origin}")]
    public static partial void ClientLeft(ILogger logger, string origin);

    [LoggerMessage(4004, LogLevel.Debug, "A request was refused with {Status}: {Detail}")]
    public static partial void Refused(ILogger logger, int status, string detail);

    [LoggerMessage(4005, LogLevel.Debug, "A connection with {Origin} switched protocols")]
    public static partial void Upgraded(ILogger logger, string origin);

    [LoggerMessage(4006, LogLevel.Information, "The gateway listens on {Urls} and caches {Origin} ({Rules} rules)")]
    public static partial void Started(ILogger logger, string urls, string origin, int rules);

    [LoggerMessage(4007, LogLevel.Information, "The gateway before {Origin} has stopped")]
    public static partial void Stopped(ILogger logger, string origin);

    [LoggerMessage(4008, LogLevel.Warning, "{Url} listens on all interfaces: whoever reaches this machine reaches the gateway and its origin")]
    public static partial void ListensEverywhere(ILogger logger, string url);
}
