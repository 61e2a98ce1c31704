using Microsoft.AspNetCore.Http;

namespace Larder.AspNetCore;

/// <summary>The cache's own answers, which no cache keeps: problem documents (RFC 9457) and confirmations.</summary>
internal static class JsonAnswer
{
    /// <param name="context">The request.</param>
    /// <param name="status">The status code; 400 and above makes it a problem.</param>
    /// <param name="json">ASCII.</param>
    public static Task WriteAsync(HttpContext context, int status, string json)
    {
        HttpResponse response = context.Response;
        response.StatusCode = status;
        response.ContentType = status < 400 ? "application/json" : "application/problem+json";
        response.Headers.CacheControl = "no-store";
        response.ContentLength = json.Length;
        return response.WriteAsync(json, context.RequestAborted);
    }
}
