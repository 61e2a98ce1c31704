using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Larder.AspNetCore;

/// <summary>
/// Where the request for a fragment begins: at the layer, and where routing and authorization stand in front of that, with both once more: they have said
/// where the page is, and that its user may see it, not so of the fragment.
/// </summary>
internal sealed class FragmentRoutes
{
    // ASP.NET Core's own names, by which its own middleware (error pages that run again) finds the routes.
    private const string GlobalRoutes = "__GlobalEndpointRouteBuilder";
    private const string Routes = "__EndpointRouteBuilder";

    private readonly RequestDelegate _layer;
    private readonly RequestDelegate _routed;
    private readonly RequestDelegate _authorized;

    public FragmentRoutes(IApplicationBuilder app, RequestDelegate layer)
    {
        _layer = layer;
        _routed = Branch(app, authorizes: false);
        bool canAuthorize = app.ApplicationServices.GetService<IPolicyEvaluator>() is not null;
        _authorized = canAuthorize ? Branch(app, authorizes: true) : _routed;
    }

    /// <summary>What the fragments of a page begin with. An endpoint that demands authorization refuses by itself where none has taken place.</summary>
    public RequestDelegate For(HttpContext page) => EndpointMarks.IsAuthorized(page) ? _authorized : page.GetEndpoint() is not null ? _routed : _layer;

    private RequestDelegate Branch(IApplicationBuilder app, bool authorizes)
    {
        if (!app.Properties.TryGetValue(GlobalRoutes, out object? routes) && !app.Properties.TryGetValue(Routes, out routes)) return _layer;
        if (routes is not IEndpointRouteBuilder { DataSources.Count: > 0 }) return _layer;
        IApplicationBuilder branch = app.New();
        branch.Properties[GlobalRoutes] = routes;
        branch.UseRouting();
        if (authorizes) branch.UseAuthorization();
        branch.Run(_layer);
        return branch.Build();
    }
}
