using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>Pass and Write: to the origin and back without storing; a write invalidates before its answer leaves.</summary>
internal sealed class Passage(HttpCache cache, HttpContext context, Reason reason, bool writes)
{
    private readonly WriteInvalidation? _write = writes ? new(cache, context) : null;
    private readonly HttpCacheFeature _said = new(reason);
    private bool _invalidated;

    public async Task RunAsync(RequestDelegate next)
    {
        cache.Count(reason);
        context.Features.Set<IHttpCacheFeature>(_said);
        Endpoint? endpoint = context.GetEndpoint();
        bool wasAuthorized = EndpointMarks.IsAuthorized(context);
        context.Response.OnStarting(static state => ((Passage)state).OnStartingAsync(), this);
        try
        {
            await next(context);
            cache.Endpoints?.LookBack(context, endpoint, wasAuthorized);
        }
        catch when (_write is not null || _said.Invalidations.Count > 0)
        {
            // Nobody knows whether the write took place, so it counts as if it had.
            await InvalidateAsync();
            throw;
        }
        // Where the client has left, the server does not start the response of a write that took place.
        if (MayHaveWritten()) await InvalidateAsync();
    }

    private async Task OnStartingAsync()
    {
        if (MayHaveWritten()) await InvalidateAsync();
        IHeaderDictionary headers = context.Response.Headers;
        ResponseTags.Remove(headers, cache.Options.TagHeaders);
        cache.Position?.Tell(headers, _invalidated);
        Reason? failed = context.Features.Get<IOriginFailureFeature>()?.Reason;
        headers[ResponseHeaders.XCache] = failed is null ? "BYPASS" : "ERROR";
        headers[ResponseHeaders.CacheStatusName] = StringValues.Concat(
            headers[ResponseHeaders.CacheStatusName],
            Rfc9111.CacheStatus.Forwarded(Rfc9111.CacheStatus.FwdFor(reason), null, false, false, (failed ?? reason).Name()));
    }

    private async Task InvalidateAsync()
    {
        if (_invalidated || (_write is null && _said.Invalidations.Count == 0)) return;
        _invalidated = true;
        if (_write is not null) await _write.RunAsync();
        await cache.InvalidateAsync(_said);
    }

    /// <summary>It succeeded, or nobody knows: no answer came, or a proxy farther on says that it got none.</summary>
    private bool MayHaveWritten() => context.Features.Get<IOriginFailureFeature>() is { } failure
        ? !failure.NothingWasSent
        : context.Response.StatusCode is (>= 200 and < 400) or StatusCodes.Status502BadGateway or StatusCodes.Status504GatewayTimeout;
}
