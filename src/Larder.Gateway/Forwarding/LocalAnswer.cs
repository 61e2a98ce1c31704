using System.Text;
using Microsoft.AspNetCore.Http;

namespace Larder.Gateway.Forwarding;

/// <summary>What the gateway answers as the last recipient: <c>OPTIONS *</c>, and <c>Max-Forwards: 0</c> (RFC 9110 §7.6.2).</summary>
internal static class LocalAnswer
{
    /// <summary>Whether the request ends here.</summary>
    public static bool Applies(HttpRequest request, in RequestTarget target) => target.IsAsterisk || RequestGuard.MaxForwards(request) == 0;

    /// <summary>Answers. TRACE reflects the request line and the fields that are no secret (RFC 9110 §9.3.8).</summary>
    public static async Task WriteAsync(HttpContext context, string target)
    {
        HttpResponse response = context.Response;
        response.Headers.CacheControl = "no-store";
        if (!HttpMethods.IsTrace(context.Request.Method))
        {
            response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        HttpRequest request = context.Request;
        var text = new StringBuilder().Append("TRACE ").Append(target).Append(' ').Append(request.Protocol).Append("\r\n");
        foreach (string name in (ReadOnlySpan<string>)["Host", "Via", "Max-Forwards"])
        {
            foreach (string? value in request.Headers[name]) text.Append(name).Append(": ").Append(value).Append("\r\n");
        }
        byte[] body = Encoding.Latin1.GetBytes(text.Append("\r\n").ToString());
        response.ContentType = "message/http";
        response.ContentLength = body.Length;
        await response.BodyWriter.WriteAsync(body, context.RequestAborted);
    }
}
