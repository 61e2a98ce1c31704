using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;
using Microsoft.Net.Http.Headers;

namespace Larder.Samples.Origin;

/// <summary>Path style: the path names a resource, the method says what to do with it.</summary>
internal static class PathStyle
{
    private const int MaxNoteLength = 500;

    // Bounded by the number of zones: only a zone that exists has a note.
    private static readonly ConcurrentDictionary<string, Note> Notes = new(StringComparer.Ordinal);

    public static void MapPathStyle(this IEndpointRouteBuilder routes)
    {
        var started = Stopwatch.GetTimestamp();
        routes.MapRead("/health", () => new Health("ok", Stopwatch.GetElapsedTime(started)));
        routes.MapRead("/version", Version);

        // Silent about caching: a rule of the cache decides how long the list may be kept.
        routes.MapRead("/zones", () => Zones.List());
        routes.MapRead("/zones/{id}", (string id) => Zones.Find(id) is { } zone ? TypedResults.Ok(Zones.Describe(zone)) : Missing("zone", id));

        // A read and its write share a path. The cache has to learn that the PUT makes the stored GET wrong.
        routes.MapRead("/zones/{id}/note", ReadNote);
        routes.MapPut("/zones/{id}/note", WriteNote);

        routes.MapJobs();
    }

    /// <summary>This answer says itself how long it holds, and carries a validator: a cache can renew it with a 304.</summary>
    private static IResult Version(HttpContext context)
    {
        var version = typeof(PathStyle).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";
        var tag = new EntityTagHeaderValue($"\"{version}-{Environment.Version}\"");
        context.Response.GetTypedHeaders().CacheControl = new CacheControlHeaderValue { Public = true, MaxAge = TimeSpan.FromMinutes(10) };
        context.Response.GetTypedHeaders().ETag = tag;

        return context.Request.GetTypedHeaders().IfNoneMatch.Any(known => known.Equals(EntityTagHeaderValue.Any) || known.Compare(tag, useStrongComparison: false))
            ? TypedResults.StatusCode(StatusCodes.Status304NotModified)
            : TypedResults.Ok(new VersionInfo(version, Environment.Version.ToString()));
    }

    private static IResult ReadNote(string id)
    {
        if (Zones.Find(id) is not { } zone)
            return Missing("zone", id);
        return TypedResults.Ok(Notes.GetValueOrDefault(Zones.IdOf(zone)) ?? new Note("", null));
    }

    private static IResult WriteNote(string id, NoteText body)
    {
        if (Zones.Find(id) is not { } zone)
            return Missing("zone", id);
        if (body.Text is not { Length: <= MaxNoteLength } text)
            return Wrong($"text: at most {MaxNoteLength} characters");

        var note = new Note(text, DateTimeOffset.UtcNow);
        Notes[Zones.IdOf(zone)] = note;
        return TypedResults.Ok(note);
    }

    internal static IResult Missing(string what, string? id) => TypedResults.NotFound(new Problem($"There is no {what} '{id}'."));

    internal static IResult Wrong(string why) => TypedResults.BadRequest(new Problem(why));
}
