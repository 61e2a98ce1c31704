using Microsoft.Extensions.Logging;

namespace Larder.AspNetCore;

/// <summary>What the HTTP cache logs. Event ids are stable; URLs and keys never appear.</summary>
internal static partial class Log
{
    [LoggerMessage(2001, LogLevel.Warning, "A background refresh failed; the stale response stays until its window ends.")]
    public static partial void RefreshFailed(ILogger logger, Exception exception);

    [LoggerMessage(2003, LogLevel.Warning, "The application failed; a stale response was served in place of its answer.")]
    public static partial void StoodIn(ILogger logger, Exception exception);

    [LoggerMessage(2004, LogLevel.Error, "A response could not be stored; the client had it all the same.")]
    public static partial void StoringFailed(ILogger logger, Exception exception);

    [LoggerMessage(2005, LogLevel.Warning, "A response of the output cache was not stored, because nothing could evict it by one of its tags; further ones are counted (unstored-tag) and not told of. {Problem}")]
    public static partial void OutputTagRefused(ILogger logger, string problem);

    [LoggerMessage(2006, LogLevel.Warning, "A write invalidated responses on this node, and Redis has not acknowledged it yet: other nodes may still serve them.")]
    public static partial void InvalidationPending(ILogger logger);

    [LoggerMessage(2007, LogLevel.Error, "A rule's VaryBy failed; the request was passed on uncached.")]
    public static partial void KeyFailed(ILogger logger, Exception exception);

    [LoggerMessage(2008, LogLevel.Error, "A rule's Condition failed; the response was not stored.")]
    public static partial void ConditionFailed(ILogger logger, Exception exception);

    [LoggerMessage(2012, LogLevel.Error, "PurgeOptions.IsAllowed failed; nothing was purged.")]
    public static partial void PurgeFailed(ILogger logger, Exception exception);

    [LoggerMessage(2009, LogLevel.Error, "What the endpoint {Endpoint} says about caching can't be used, and nothing of it is cached: {Problem}")]
    public static partial void EndpointRuleUnusable(ILogger logger, string endpoint, string problem);

    [LoggerMessage(2010, LogLevel.Warning, "UseLarder stands before UseRouting: the cache does not see what the endpoint {Endpoint} says about caching. Put it behind.")]
    public static partial void BeforeRouting(ILogger logger, string endpoint);

    [LoggerMessage(2011, LogLevel.Warning, "UseLarder stands before UseAuthorization: what endpoints such as {Endpoint} answer, which demand authorization, is not served from the cache. Put it behind.")]
    public static partial void BeforeAuthorization(ILogger logger, string endpoint);

    [LoggerMessage(2002, LogLevel.Error, "The function that tells users apart failed; the request was passed on uncached.")]
    public static partial void UserFailed(ILogger logger, Exception exception);

    [LoggerMessage(2014, LogLevel.Warning, "A fragment of a page could not be made, because the application failed.")]
    public static partial void FragmentFailed(ILogger logger, Exception exception);

    [LoggerMessage(2015, LogLevel.Warning, "A page was broken off, because one of its fragments could not be put into it: {Problem}.")]
    public static partial void PageFailed(ILogger logger, string problem);

    [LoggerMessage(2016, LogLevel.Information, "A page was assembled without {Fragments} fragments that may be missing, and without {Tags} ESI tags that are not known or can't be read.")]
    public static partial void PageIncomplete(ILogger logger, int fragments, int tags);

    [LoggerMessage(2017, LogLevel.Warning, "A response asks for ESI and passed unprocessed: {Problem}.")]
    public static partial void PageNotProcessed(ILogger logger, string problem);
}
