using Microsoft.AspNetCore.Http;

namespace Larder.Gateway.Forwarding;

/// <summary>
/// The outermost middleware of a forwarding host: an exchange that broke after its response began, or whose client
/// left, has been logged and aborted already, and is not an unhandled error of the host.
/// </summary>
internal static class QuietAborts
{
    /// <summary>Runs the rest of the pipeline.</summary>
    public static async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (OriginBodyException)
        {
            context.Abort();
        }
        catch (OperationCanceledException) when (context.Response.HasStarted || context.RequestAborted.IsCancellationRequested)
        {
            context.Abort();
        }
    }
}
