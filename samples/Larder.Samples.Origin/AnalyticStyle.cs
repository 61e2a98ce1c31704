namespace Larder.Samples.Origin;

/// <summary>Analytic style: few paths, slow answers, and families of paths that one pattern covers.</summary>
internal static class AnalyticStyle
{
    // What a query over a large table would take. The point of a cache is that only the first reader waits.
    private static readonly TimeSpan SlowQuery = TimeSpan.FromMilliseconds(800);

    public static void MapAnalyticStyle(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api");
        api.MapRead("/health", () => new ActionStatus("ok"));

        api.MapRead("/analytics/currencies", async (CancellationToken cancellation) =>
        {
            await Task.Delay(SlowQuery, cancellation);
            return Count(Regions.All.Select(region => region.ISOCurrencySymbol));
        });
        api.MapRead("/analytics/scripts", () => Count(Regions.Cultures.Select(culture => ScriptOf(culture.Name))));
        api.MapRead("/calendar/summary", async (CancellationToken cancellation) =>
        {
            await Task.Delay(SlowQuery, cancellation);
            return new CalendarSummary(
                Count(Regions.Cultures.Select(Regions.CalendarOf)),
                Count(Regions.Cultures.Select(culture => culture.DateTimeFormat.FirstDayOfWeek.ToString())));
        });

        // Depends on the moment it is asked and is asked by POST: nothing here may ever be stored.
        api.MapPost("/predictive/next", (ZoneQuestion body) => Zones.Find(body.Zone) is { } zone
            ? TypedResults.Ok(new Prediction(Zones.IdOf(zone), Zones.NextChange(zone, DateTimeOffset.UtcNow), DateTimeOffset.UtcNow))
            : PathStyle.Missing("zone", body.Zone));
    }

    /// <summary>The script in a culture's name (<c>Cyrl</c> in <c>uz-Cyrl-UZ</c>); most names leave out the usual one.</summary>
    private static string ScriptOf(string culture) => culture.Split('-').FirstOrDefault(part => part.Length == 4) ?? "(usual)";

    private static CountLine[] Count(IEnumerable<string> values) =>
        [.. values.CountBy(value => value).Select(pair => new CountLine(pair.Key, pair.Value)).OrderByDescending(line => line.Count).ThenBy(line => line.Name, StringComparer.Ordinal)];
}
