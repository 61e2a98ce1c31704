using Larder.Gateway.Forwarding;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Larder.Gateway.Hosting;

/// <summary>
/// <c>GET</c> and <c>HEAD /healthz</c>, reserved for the gateway: 200 while it serves, 503 while it starts or stops. Only
/// the path spelt exactly so, whatever query follows; every other spelling and method belongs to the origin. It tells
/// nothing about the origin, so that an orchestrator does not restart the cache because the origin is down.
/// </summary>
internal sealed class Health(IHostApplicationLifetime lifetime)
{
    /// <summary>The reserved path.</summary>
    public const string Path = "/healthz";

    /// <summary>Answers, or runs the rest of the pipeline.</summary>
    public Task InvokeAsync(HttpContext context, RequestDelegate next) => IsAsked(context) ? AnswerAsync(context) : next(context);

    private static bool IsAsked(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method)) return false;
        string? target = RequestGuard.TargetOf(context).PathAndQuery;
        return target is not null && target.StartsWith(Path, StringComparison.Ordinal) && (target.Length == Path.Length || target[Path.Length] == '?');
    }

    private async Task AnswerAsync(HttpContext context)
    {
        bool ready = lifetime.ApplicationStarted.IsCancellationRequested && !lifetime.ApplicationStopping.IsCancellationRequested;
        byte[] body = ready ? "ok"u8.ToArray() : "not ready"u8.ToArray();
        HttpResponse response = context.Response;
        response.StatusCode = ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        response.ContentType = "text/plain";
        response.Headers.CacheControl = "no-store";
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method)) await response.Body.WriteAsync(body, context.RequestAborted);
    }
}
