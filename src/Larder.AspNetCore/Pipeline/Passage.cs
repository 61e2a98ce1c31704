using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>Pass and Write: to the origin and back without storing; a write invalidates before its answer leaves.</summary>
internal sealed class Passage(HttpCache cache, HttpContext context, Reason reason, bool writes)
{
    private bool _invalidated;

    public async Task RunAsync(RequestDelegate next)
    {
        cache.Count(reason);
        context.Response.OnStarting(static state => ((Passage)state).OnStartingAsync(), this);
        try
        {
            await next(context);
        }
        catch when (writes)
        {
            // Nobody knows whether the write took place, so it counts as if it had.
            await InvalidateAsync();
            throw;
        }
        if (writes && !_invalidated && IsUnknownOutcome()) await InvalidateAsync();
    }

    private async Task OnStartingAsync()
    {
        if (writes && (context.Response.StatusCode is >= 200 and < 400 || IsUnknownOutcome())) await InvalidateAsync();
        IHeaderDictionary headers = context.Response.Headers;
        headers[ResponseHeaders.XCache] = "BYPASS";
        headers[ResponseHeaders.CacheStatusName] = StringValues.Concat(
            headers[ResponseHeaders.CacheStatusName],
            Rfc9111.CacheStatus.Forwarded(Rfc9111.CacheStatus.FwdFor(reason), null, false, false, reason.Name()));
    }

    private async Task InvalidateAsync()
    {
        if (_invalidated) return;
        _invalidated = true;
        await WriteInvalidation.RunAsync(cache, context);
    }

    /// <summary>No answer came from the origin: the write may have reached it all the same.</summary>
    private bool IsUnknownOutcome() => context.Features.Get<IOriginFailureFeature>() is not null;
}
