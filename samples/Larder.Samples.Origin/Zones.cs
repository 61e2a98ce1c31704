using System.Globalization;

namespace Larder.Samples.Origin;

/// <summary>The time zones of this machine. An id is written with dots (<c>Europe.Berlin</c>): an encoded slash in a path
/// means different things to different servers and proxies, and an API does well not to depend on it. Ids are case-sensitive: two
/// spellings of one resource would be two resources to a cache, and a write to one would leave the other as it was.</summary>
internal static class Zones
{
    private static readonly Dictionary<string, TimeZoneInfo> ById =
        TimeZoneInfo.GetSystemTimeZones().DistinctBy(IdOf).ToDictionary(IdOf, StringComparer.Ordinal);

    public static TimeZoneInfo? Find(string? id) => id is null ? null : ById.GetValueOrDefault(id);

    public static string IdOf(TimeZoneInfo zone) => zone.Id.Replace('/', '.');

    public static ZoneLine[] List() =>
        [.. ById.Values.OrderBy(zone => zone.BaseUtcOffset).ThenBy(zone => zone.Id, StringComparer.Ordinal)
            .Select(zone => new ZoneLine(IdOf(zone), Offset(zone.BaseUtcOffset), ChangesClocks(zone)))];

    public static ZoneDetail Describe(TimeZoneInfo zone)
    {
        var now = TimeZoneInfo.ConvertTime(DateTimeOffset.UtcNow, zone);
        return new ZoneDetail(
            IdOf(zone), zone.DisplayName, Offset(zone.BaseUtcOffset), Offset(now.Offset),
            ChangesClocks(zone), zone.IsDaylightSavingTime(now), now);
    }

    /// <summary>When the clocks of a zone change next, within two years; null where they do not.</summary>
    public static DateTimeOffset? NextChange(TimeZoneInfo zone, DateTimeOffset from)
    {
        var offset = zone.GetUtcOffset(from);
        var before = from;
        var after = from;
        for (var day = 0; zone.GetUtcOffset(after) == offset; day++)
        {
            if (day == 731)
                return null;
            before = after;
            after = after.AddDays(1);
        }

        // The change lies between the two: halve until it is known to the second.
        while (after - before > TimeSpan.FromSeconds(1))
        {
            var middle = before + ((after - before) / 2);
            if (zone.GetUtcOffset(middle) == offset)
                before = middle;
            else
                after = middle;
        }

        var change = new DateTimeOffset(after.Ticks - (after.Ticks % TimeSpan.TicksPerSecond), after.Offset);
        return TimeZoneInfo.ConvertTime(change, zone);
    }

    /// <summary>Whether a rule that still holds moves the clocks; <see cref="TimeZoneInfo.SupportsDaylightSavingTime"/> counts former ones too.</summary>
    private static bool ChangesClocks(TimeZoneInfo zone) =>
        zone.GetAdjustmentRules().Any(rule => rule.DateEnd >= DateTime.UtcNow.Date && rule.DaylightDelta != TimeSpan.Zero);

    private static string Offset(TimeSpan offset) =>
        (offset < TimeSpan.Zero ? "-" : "+") + offset.ToString(@"hh\:mm", CultureInfo.InvariantCulture);
}
