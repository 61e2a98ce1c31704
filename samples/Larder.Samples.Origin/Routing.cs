namespace Larder.Samples.Origin;

internal static class Routing
{
    private static readonly string[] ReadMethods = ["GET", "HEAD"];

    /// <summary>Maps GET, and HEAD with it: a resource that can be read can be asked for its headers (<c>curl -I</c>).</summary>
    public static RouteHandlerBuilder MapRead(this IEndpointRouteBuilder routes, string pattern, Delegate handler) =>
        routes.MapMethods(pattern, ReadMethods, handler);
}
