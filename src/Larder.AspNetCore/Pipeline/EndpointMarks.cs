using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Larder.AspNetCore;

/// <summary>What ASP.NET Core notes on a request about its endpoint, and what the endpoint demands.</summary>
internal static class EndpointMarks
{
    private const string AuthorizationTookPlace = "__AuthorizationMiddlewareWithEndpointInvoked";

    /// <summary>Authorization, CORS and antiforgery each leave one; an endpoint that demands them runs only where it finds it.</summary>
    private static readonly string[] All =
        [AuthorizationTookPlace, "__CorsMiddlewareWithEndpointInvoked", "__AntiforgeryMiddlewareWithEndpointInvoked"];

    public static bool IsAuthorized(HttpContext context) => context.Items.ContainsKey(AuthorizationTookPlace);

    /// <summary>Whether only authorization lets requests through to what answered, by its own metadata or by the fallback policy.</summary>
    public static bool DemandsAuthorization(HttpContext context)
    {
        EndpointMetadataCollection metadata = context.GetEndpoint()?.Metadata ?? EndpointMetadataCollection.Empty;
        if (metadata.GetMetadata<IAllowAnonymous>() is not null) return false;
        return metadata.GetMetadata<IAuthorizeData>() is not null
            || metadata.GetMetadata<AuthorizationPolicy>() is not null
            || metadata.GetMetadata<IAuthorizationRequirementData>() is not null
            || context.RequestServices?.GetService<IOptions<AuthorizationOptions>>()?.Value.FallbackPolicy is not null;
    }

    /// <summary>Takes over where routing led and what has been done about it since: whoever repeats the request begins behind both.</summary>
    public static void Copy(HttpContext from, HttpContext to)
    {
        if (from.GetEndpoint() is { } endpoint) to.SetEndpoint(endpoint);
        to.Request.RouteValues = new(from.Request.RouteValues);
        foreach (string mark in All)
            if (from.Items.TryGetValue(mark, out object? value)) to.Items[mark] = value;
    }
}
