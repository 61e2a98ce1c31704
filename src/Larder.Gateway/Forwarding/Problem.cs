using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Larder.Gateway.Forwarding;

/// <summary>The answers that the gateway gives in place of the origin: RFC 9457 problem documents that no cache keeps.</summary>
internal static class Problem
{
    /// <summary>Answers a request that is not forwarded, and closes the connection that carried it where the refusal says so.</summary>
    public static Task RefuseAsync(HttpContext context, Refusal refusal)
    {
        if (refusal.Closes && context.Request.Protocol.StartsWith("HTTP/1.", StringComparison.Ordinal)) context.Response.Headers.Connection = "close";
        return WriteAsync(context, refusal.Status, refusal.Detail, null, null);
    }

    /// <summary>Answers in place of an origin that failed, having told the cache in front.</summary>
    public static Task FailAsync(HttpContext context, string origin, OriginFailure failure)
    {
        context.Features.Set<Larder.AspNetCore.IOriginFailureFeature>(failure);
        return WriteAsync(context, failure.Status, $"{origin} {failure.Cause}", origin, failure.Reason.Name());
    }

    private static async Task WriteAsync(HttpContext context, int status, string detail, string? origin, string? reason)
    {
        var body = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("type", "about:blank");
            json.WriteString("title", ReasonPhrases.GetReasonPhrase(status));
            json.WriteNumber("status", status);
            json.WriteString("detail", detail);
            if (origin is not null) json.WriteString("origin", origin);
            if (reason is not null) json.WriteString("reason", reason);
            json.WriteEndObject();
        }

        HttpResponse response = context.Response;
        response.StatusCode = status;
        response.ContentType = "application/problem+json";
        response.Headers.CacheControl = "no-store";
        response.ContentLength = body.WrittenCount;
        if (!HttpMethods.IsHead(context.Request.Method))
            await response.BodyWriter.WriteAsync(body.WrittenMemory, context.RequestAborted);
    }
}
