using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Larder.AspNetCore;

/// <summary>
/// Tells those who waited for another's answer that the origin failed: with its status, and a problem document (RFC 9457) in the place of its body, which may have been
/// for the other one's eyes.
/// </summary>
internal static class SharedFailure
{
    public static Task WriteAsync(HttpContext context, int status, Reason reason)
    {
        IHeaderDictionary headers = context.Response.Headers;
        headers[ResponseHeaders.XCache] = "ERROR";
        headers[ResponseHeaders.CacheStatusName] = CacheStatus.Forwarded(CacheStatus.FwdFor(reason), status, stored: false, collapsed: true, Reason.Coalesced.Name());
        return JsonAnswer.WriteAsync(context, status, $$"""{"type":"about:blank","title":"{{ReasonPhrases.GetReasonPhrase(status)}}","status":{{status}},"detail":"The origin failed for a request that this one waited for."}""");
    }
}
