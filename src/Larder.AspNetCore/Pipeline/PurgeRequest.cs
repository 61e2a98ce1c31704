using Microsoft.AspNetCore.Http;

namespace Larder.AspNetCore;

/// <summary>Answers <c>PURGE</c> (<see cref="PurgeOptions"/>). It never reaches the application.</summary>
internal static class PurgeRequest
{
    private const string Method = "PURGE";
    private static readonly string[] SoftHeaders = ["Soft-Purge", "Fastly-Soft-Purge"];

    public static bool Is(HttpContext context, HttpCacheOptions options) => options.Purge is not null && context.Request.Method == Method;

    public static async Task AnswerAsync(HttpContext context, HttpCache cache)
    {
        cache.Count(Reason.BypassMethod);
        cache.Position?.Take(context.Request.Headers);
        if (!IsAllowed(context, cache))
        {
            await JsonAnswer.WriteAsync(context, StatusCodes.Status403Forbidden, """{"title":"Forbidden","status":403,"detail":"PURGE is not allowed from here."}""");
            return;
        }
        IHeaderDictionary headers = context.Request.Headers;
        bool isSoft = SoftHeaders.Any(name => headers[name] == "1");
        List<string> tags = [.. cache.Options.TagHeaders.SelectMany(name => ResponseTags.Words(headers[name])).Distinct(StringComparer.OrdinalIgnoreCase)];
        if (tags.Count > Invalidation.MaxTags || tags.Exists(static tag => TagRules.Problem(tag) is not null))
        {
            await JsonAnswer.WriteAsync(context, StatusCodes.Status400BadRequest, """{"title":"Bad Request","status":400,"detail":"A tag has 1 to 256 visible characters and does not begin with '='; at most 1,000 are purged at once."}""");
            return;
        }
        IEnumerable<Invalidation> events = tags.Count > 0 ? [Invalidation.AnyTag(tags)] : Url(context);
        foreach (Invalidation what in events) await cache.InvalidateAsync(isSoft ? what.Soft() : what);
        cache.Position?.Tell(context.Response.Headers, hasWritten: true);
        await JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, tags.Count > 0 ? """{"purged":"tags"}""" : """{"purged":"url"}""");
    }

    private static bool IsAllowed(HttpContext context, HttpCache cache)
    {
        try
        {
            return cache.Options.Purge!.Allows(context);
        }
        catch (Exception e)
        {
            Log.PurgeFailed(cache.LoggerOf(context), e);
            return false;
        }
    }

    private static IEnumerable<Invalidation> Url(HttpContext context) => WriteInvalidation.OfUrl(UrlOrigin.Of(context.Request) + RequestTarget.Of(context).ToString());
}
