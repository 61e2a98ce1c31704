namespace Larder.Samples.Origin;

/// <summary>Conversion jobs: "what time is it in Tokyo when it is noon in Berlin?". Each user sees only their own, so that a cache
/// may keep these answers per user or not at all. Any bearer token is a user here: this is a sample, not a way to authenticate.</summary>
internal static class Jobs
{
    private const int MaxJobs = 1_000;

    private static readonly string[] States = ["queued", "running", "done", "failed"];
    private static readonly Lock Gate = new();
    private static readonly List<(string User, Job Job)> All = [];

    public static void MapJobs(this IEndpointRouteBuilder routes)
    {
        var jobs = routes.MapGroup("/jobs").AddEndpointFilter(async (context, next) =>
            UserOf(context.HttpContext) is null ? Unauthorized(context.HttpContext) : await next(context));

        jobs.MapRead("", (HttpContext context) => TypedResults.Ok(ListFor(UserOf(context)!)));
        jobs.MapPost("", (HttpContext context, NewJob body) => Create(UserOf(context)!, body));
        jobs.MapRead("/{id:int}", (HttpContext context, int id) =>
            Change(UserOf(context)!, id, job => job) is { } job ? TypedResults.Ok(job) : PathStyle.Missing("job", $"{id}"));
        jobs.MapPut("/{id:int}/status", (HttpContext context, int id, JobStatus body) => SetStatus(UserOf(context)!, id, body));
    }

    private static IResult Create(string user, NewJob body)
    {
        if (Zones.Find(body.From) is not { } from)
            return PathStyle.Wrong($"from: there is no zone '{body.From}'");
        if (Zones.Find(body.To) is not { } to)
            return PathStyle.Wrong($"to: there is no zone '{body.To}'");
        var time = DateTime.SpecifyKind(body.Time, DateTimeKind.Unspecified);
        if (from.IsInvalidTime(time))
            return PathStyle.Wrong("time: the clocks of that zone skip it");

        lock (Gate)
        {
            if (All.Count == MaxJobs)
                return TypedResults.Json(new Problem("The sample keeps no more jobs."), OriginJson.Default.Problem, statusCode: StatusCodes.Status429TooManyRequests);
            var job = new Job(All.Count + 1, Zones.IdOf(from), Zones.IdOf(to), time, TimeZoneInfo.ConvertTime(time, from, to), "queued");
            All.Add((user, job));
            return TypedResults.Created($"/jobs/{job.Id}", job);
        }
    }

    private static IResult SetStatus(string user, int id, JobStatus body)
    {
        if (!States.Contains(body.Status))
            return PathStyle.Wrong($"status: one of {string.Join(", ", States)}");
        return Change(user, id, job => job with { Status = body.Status! }) is { } job ? TypedResults.Ok(job) : PathStyle.Missing("job", $"{id}");
    }

    private static Job[] ListFor(string user)
    {
        lock (Gate)
            return [.. All.Where(entry => entry.User == user).Select(entry => entry.Job)];
    }

    /// <summary>Another user's job does not exist, as far as this user can tell.</summary>
    private static Job? Change(string user, int id, Func<Job, Job> change)
    {
        lock (Gate)
        {
            if (id < 1 || id > All.Count || All[id - 1].User != user)
                return null;
            All[id - 1] = (user, change(All[id - 1].Job));
            return All[id - 1].Job;
        }
    }

    private static string? UserOf(HttpContext context) =>
        context.Request.Headers.Authorization is [{ } value] && value.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) && value.Length > 7
            ? value[7..]
            : null;

    private static IResult Unauthorized(HttpContext context)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer";
        return TypedResults.Unauthorized();
    }
}
