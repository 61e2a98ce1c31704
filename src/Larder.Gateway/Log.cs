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

    [LoggerMessage(4009, LogLevel.Warning, "{Origin} {Cause} The request is sent once more, to {Other}")]
    public static partial void SentOnceMore(ILogger logger, string origin, string cause, string other);

    [LoggerMessage(4010, LogLevel.Warning, "{Origin} could not be connected to several times in a row and is left alone, while another URL takes its requests, for {Seconds:0.0} s")]
    public static partial void LeftAlone(ILogger logger, string origin, double seconds);

    [LoggerMessage(4011, LogLevel.Information, "{Origin} answers again")]
    public static partial void TakenBack(ILogger logger, string origin);

    [LoggerMessage(4012, LogLevel.Warning, "{Origin} fails its health checks and gets no requests while another URL takes them: it {Cause}")]
    public static partial void CheckFailed(ILogger logger, string origin, string cause);

    [LoggerMessage(4013, LogLevel.Information, "{Origin} passes its health checks again")]
    public static partial void CheckPassed(ILogger logger, string origin);

    [LoggerMessage(4014, LogLevel.Information, "The certificate has been read anew; it ends {End:u}")]
    public static partial void CertificateRead(ILogger logger, DateTime end);

    [LoggerMessage(4015, LogLevel.Error, "The certificate has changed and can't be used, the last one stays: {Problem}")]
    public static partial void CertificateRefused(ILogger logger, string problem);

    [LoggerMessage(4016, LogLevel.Warning, "The certificate in {File} is not valid today, clients will refuse it: it begins {Begin:u} and ends {End:u}")]
    public static partial void CertificateNotValid(ILogger logger, string file, DateTime begin, DateTime end);

    [LoggerMessage(4017, LogLevel.Warning, "The certificate in {File} ends soon: {End:u}")]
    public static partial void CertificateEnds(ILogger logger, string file, DateTime end);

    [LoggerMessage(4018, LogLevel.Information, "The configuration has been read anew: the gateway caches {Origins} ({Rules} rules)")]
    public static partial void Reloaded(ILogger logger, string origins, int rules);

    [LoggerMessage(4019, LogLevel.Error, "The configuration has changed and can't be used, the last one stays: {Problem}")]
    public static partial void NotReloaded(ILogger logger, string problem);

    [LoggerMessage(4020, LogLevel.Warning, "These need a restart to change: {Members}")]
    public static partial void NeedsRestart(ILogger logger, string members);
}
