using System.Collections.Concurrent;
using System.Globalization;

namespace Larder.Samples.Origin;

/// <summary>The regions .NET knows, with their names and currencies, and the aliases that users of this sample gave them.
/// Where globalization data is missing (invariant mode) the lists are empty and the sample still runs.</summary>
internal static class Regions
{
    public const int MaxAliasLength = 60;

    public static readonly CultureInfo[] Cultures =
        [.. CultureInfo.GetCultures(CultureTypes.SpecificCultures).Where(culture => culture.Name.Length > 0)];

    private static readonly Dictionary<string, RegionInfo> ByCode = Cultures
        .Select(culture => new RegionInfo(culture.Name))
        .Where(region => region.TwoLetterISORegionName is [>= 'A' and <= 'Z', >= 'A' and <= 'Z'])
        .DistinctBy(region => region.TwoLetterISORegionName)
        .ToDictionary(region => region.TwoLetterISORegionName, StringComparer.OrdinalIgnoreCase);

    // Bounded by the number of regions: only a known code gets an alias.
    private static readonly ConcurrentDictionary<string, string> Aliases = new(StringComparer.OrdinalIgnoreCase);

    public static IEnumerable<RegionInfo> All => ByCode.Values.OrderBy(region => region.TwoLetterISORegionName, StringComparer.Ordinal);

    public static RegionInfo? Find(string? code) => code is null ? null : ByCode.GetValueOrDefault(code);

    public static RegionLine Line(RegionInfo region) =>
        new(region.TwoLetterISORegionName, region.EnglishName, Aliases.GetValueOrDefault(region.TwoLetterISORegionName));

    public static RegionDetail Describe(RegionInfo region) => new(
        region.TwoLetterISORegionName, region.EnglishName, region.NativeName, Aliases.GetValueOrDefault(region.TwoLetterISORegionName),
        region.ISOCurrencySymbol, region.CurrencyEnglishName, region.CurrencySymbol, region.IsMetric,
        [.. CulturesOf(region).Select(culture => new CultureLine(culture.Name, culture.NativeName, CalendarOf(culture)))]);

    public static RegionLine[] Search(string text) =>
        [.. All.Select(Line).Where(line => Contains(line.Name, text) || Contains(line.Code, text) || Contains(line.Alias, text))];

    public static void SetAlias(RegionInfo region, string alias) => Aliases[region.TwoLetterISORegionName] = alias;

    public static string CalendarOf(CultureInfo culture) => culture.Calendar.GetType().Name.Replace("Calendar", "", StringComparison.Ordinal);

    private static IEnumerable<CultureInfo> CulturesOf(RegionInfo region) =>
        Cultures.Where(culture => new RegionInfo(culture.Name).TwoLetterISORegionName == region.TwoLetterISORegionName);

    private static bool Contains(string? value, string text) => value?.Contains(text, StringComparison.OrdinalIgnoreCase) == true;
}
