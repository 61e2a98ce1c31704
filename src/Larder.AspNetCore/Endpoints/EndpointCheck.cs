using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Larder.AspNetCore;

/// <summary>Tells of what endpoints say about caching and can't have, once each: a rule that can't work, and a cache that stands in the wrong place.</summary>
internal sealed class EndpointCheck(ILogger<EndpointCheck> logger)
{
    private int _routingTold, _authorizationTold;

    /// <summary>Looks through all endpoints, when the program has started.</summary>
    public void LookThrough(IServiceProvider services)
    {
        foreach (EndpointDataSource source in services.GetServices<EndpointDataSource>())
            foreach (Endpoint endpoint in source.Endpoints)
                if (EndpointRule.ProblemOf(endpoint) is { } problem) Log.EndpointRuleUnusable(logger, endpoint.DisplayName ?? "?", problem);
    }

    /// <summary>After a request has come back from the application: what the cache could not see, because it stands too far in front.</summary>
    /// <param name="context">The request.</param>
    /// <param name="endpoint">The endpoint that was known when the request came.</param>
    /// <param name="wasAuthorized">Whether authorization had taken place by then.</param>
    public void LookBack(HttpContext context, Endpoint? endpoint, bool wasAuthorized)
    {
        if (context.GetEndpoint() is not { } reached) return;
        if (endpoint is null && reached.Metadata.GetMetadata<ICacheRuleMetadata>() is not null && Interlocked.Exchange(ref _routingTold, 1) == 0) Log.BeforeRouting(logger, reached.DisplayName ?? "?");
        if (!wasAuthorized && EndpointMarks.IsAuthorized(context) && reached.Metadata.GetMetadata<ICacheRuleMetadata>() is not null && EndpointMarks.DemandsAuthorization(context)
            && Interlocked.Exchange(ref _authorizationTold, 1) == 0) Log.BeforeAuthorization(logger, reached.DisplayName ?? "?");
    }
}
