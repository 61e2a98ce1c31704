namespace Larder.Samples.Origin;

/// <summary>Action style: the last segment names a resource and a verb (<c>region.list</c>). The verb tells reads from writes.</summary>
internal static class ActionStyle
{
    public static void MapActionStyle(this IEndpointRouteBuilder routes)
    {
        var actions = routes.MapGroup("/actions");
        actions.MapRead("/health.check", () => new ActionStatus("ok"));

        actions.MapRead("/region.list", () => Regions.All.Select(Regions.Line).ToArray());
        actions.MapRead("/region.get", (string? code) =>
            Regions.Find(code) is { } region ? TypedResults.Ok(Regions.Describe(region)) : PathStyle.Missing("region", code));
        actions.MapRead("/region.search", (string? q) =>
            string.IsNullOrWhiteSpace(q) ? PathStyle.Wrong("q: what to search for") : TypedResults.Ok(Regions.Search(q.Trim())));

        // A write: it makes every stored list, get and search of regions wrong.
        actions.MapPost("/region.update", (RegionAlias body) =>
        {
            if (Regions.Find(body.Code) is not { } region)
                return PathStyle.Missing("region", body.Code);
            if (body.Alias is not { Length: > 0 and <= Regions.MaxAliasLength } alias)
                return PathStyle.Wrong($"alias: 1 to {Regions.MaxAliasLength} characters");
            Regions.SetAlias(region, alias);
            return TypedResults.Ok(Regions.Line(region));
        });
    }
}
