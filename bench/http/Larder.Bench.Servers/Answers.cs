using System.Globalization;

namespace Larder.Bench.Servers;

/// <summary>What every mode answers: bytes prepared once, with a validator and a lifetime; and two figures for the script.</summary>
internal static class Answers
{
    private static readonly Answer OneKilobyte = new(1024, "\"one-kilobyte\"", "max-age=3600");
    private static readonly Answer SixtyFourKilobytes = new(64 * 1024, "\"sixty-four-kilobytes\"", "max-age=3600");
    private static readonly Answer NotStored = new(1024, "\"not-stored\"", "no-store");
    private static long s_served;

    /// <summary>The answers as endpoints; <paramref name="figures"/> keeps a cache away from the figures that does not heed <c>no-store</c>.</summary>
    public static void MapAnswers(this WebApplication app, Action<IEndpointConventionBuilder>? figures = null)
    {
        app.MapGet("/1k", (RequestDelegate)OneKilobyte.WriteAsync);
        app.MapGet("/64k", (RequestDelegate)SixtyFourKilobytes.WriteAsync);
        app.MapGet("/nostore1k", (RequestDelegate)NotStored.WriteAsync);
        foreach (string path in (string[])["/_count", "/_alloc"])
        {
            var endpoint = app.MapGet(path, (RequestDelegate)FigureAsync);
            figures?.Invoke(endpoint);
        }
    }

    /// <summary>The answers without routing.</summary>
    public static Task AnswerAsync(HttpContext context) => context.Request.Path.Value switch
    {
        "/1k" => OneKilobyte.WriteAsync(context),
        "/64k" => SixtyFourKilobytes.WriteAsync(context),
        "/nostore1k" => NotStored.WriteAsync(context),
        _ => FigureAsync(context),
    };

    /// <summary><c>/_count</c>: how often an answer was made here; <c>/_alloc</c>: bytes allocated since the start.</summary>
    private static Task FigureAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        long figure = context.Request.Path == "/_alloc" ? GC.GetTotalAllocatedBytes(precise: true) : Interlocked.Read(ref s_served);
        return context.Response.WriteAsync(figure.ToString(CultureInfo.InvariantCulture));
    }

    private sealed class Answer(int length, string entityTag, string cacheControl)
    {
        private readonly byte[] _body = [.. Enumerable.Range(0, length).Select(i => (byte)('a' + i % 26))];

        public Task WriteAsync(HttpContext context)
        {
            Interlocked.Increment(ref s_served);
            HttpResponse response = context.Response;
            response.Headers.ETag = entityTag;
            response.Headers.CacheControl = cacheControl;
            if (context.Request.Headers.IfNoneMatch == entityTag)
            {
                response.StatusCode = StatusCodes.Status304NotModified;
                return Task.CompletedTask;
            }
            response.ContentType = "text/plain";
            response.ContentLength = _body.Length;
            return response.Body.WriteAsync(_body, 0, _body.Length);
        }
    }
}
