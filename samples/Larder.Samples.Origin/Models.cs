using System.Text.Json.Serialization;

namespace Larder.Samples.Origin;

// What goes over the wire. Members of what comes in are nullable: a client may leave anything out.

internal sealed record Health(string Status, TimeSpan Uptime);
internal sealed record VersionInfo(string Version, string Runtime);
internal sealed record Problem(string Error);

internal sealed record ZoneLine(string Id, string Offset, bool ChangesClocks);
internal sealed record ZoneDetail(
    string Id, string Name, string StandardOffset, string CurrentOffset, bool ChangesClocks, bool IsDaylightSaving, DateTimeOffset LocalTime);
internal sealed record Note(string Text, DateTimeOffset? Written);
internal sealed record NoteText(string? Text);

internal sealed record Job(int Id, string From, string To, DateTime Time, DateTime Result, string Status);
internal sealed record NewJob(string? From, string? To, DateTime Time);
internal sealed record JobStatus(string? Status);

internal sealed record ActionStatus(string Status);
internal sealed record RegionLine(string Code, string Name, string? Alias);
internal sealed record RegionDetail(
    string Code, string Name, string NativeName, string? Alias,
    string Currency, string CurrencyName, string CurrencySymbol, bool IsMetric, CultureLine[] Cultures);
internal sealed record CultureLine(string Name, string NativeName, string Calendar);
internal sealed record RegionAlias(string? Code, string? Alias);

internal sealed record CountLine(string Name, int Count);
internal sealed record CalendarSummary(CountLine[] Calendars, CountLine[] FirstDays);
internal sealed record ZoneQuestion(string? Zone);
internal sealed record Prediction(string Zone, DateTimeOffset? NextChange, DateTimeOffset AsOf);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(Health))]
[JsonSerializable(typeof(VersionInfo))]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(ZoneLine[]))]
[JsonSerializable(typeof(ZoneDetail))]
[JsonSerializable(typeof(Note))]
[JsonSerializable(typeof(NoteText))]
[JsonSerializable(typeof(Job[]))]
[JsonSerializable(typeof(NewJob))]
[JsonSerializable(typeof(JobStatus))]
[JsonSerializable(typeof(ActionStatus))]
[JsonSerializable(typeof(RegionLine[]))]
[JsonSerializable(typeof(RegionDetail))]
[JsonSerializable(typeof(RegionAlias))]
[JsonSerializable(typeof(CountLine[]))]
[JsonSerializable(typeof(CalendarSummary))]
[JsonSerializable(typeof(ZoneQuestion))]
[JsonSerializable(typeof(Prediction))]
internal sealed partial class OriginJson : JsonSerializerContext;
