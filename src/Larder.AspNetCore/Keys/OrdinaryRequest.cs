using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>
/// Whether a request is one that anybody would make. Errors that one odd request can provoke (<see cref="Rfc9111.StatusCodes.IsProvocable"/>) are kept
/// only where an ordinary one got them: whoever asks then would have got the same, so nobody is denied anything by what another has sent.
/// </summary>
/// <remarks>
/// What servers stumble over and no key holds: much of something, a character that is no visible ASCII, a field that steers the server, names a part, a
/// condition or another method, or that applications define among themselves (<c>X-…</c>). A request with any of it may get its error, and nobody else does.
/// </remarks>
internal static class OrdinaryRequest
{
    private const int MostTarget = 2000, MostFields = 40, MostFieldLength = 1000, MostLength = 6000;

    private static readonly HashSet<string> Odd = new(StringComparer.OrdinalIgnoreCase)
    {
        "Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Expect", "TE", "Trailer", "Upgrade", "HTTP2-Settings", "Max-Forwards",
        "Transfer-Encoding", "Content-Encoding", "Content-Length", "Content-Type", "Content-Range", "Forwarded", "Front-End-Https", "Prefer", "Authorization", "Proxy-Authorization", "Cookie",
        "Proxy", "True-Client-IP", "Client-IP", "Destination", "Depth", "Overwrite", "Translate", "Transform", "Early-Data",
    };

    /// <summary>What clients and proxies put into any request, though it begins as private fields do.</summary>
    private static readonly HashSet<string> Harmless = new(StringComparer.OrdinalIgnoreCase) { "X-Requested-With", "X-Request-Id", "X-Correlation-Id" };

    public static bool Is(HttpContext context, IHeaderDictionary headers)
    {
        if (RequestTarget.Of(context).Length > MostTarget || headers.Count > MostFields) return false;
        int length = 0;
        foreach ((string name, StringValues values) in headers)
        {
            if (Odd.Contains(name) || (name.StartsWith("X-", StringComparison.OrdinalIgnoreCase) && !Harmless.Contains(name)) || values.Count > 1) return false;
            string value = values.ToString();
            length += name.Length + value.Length;
            if (value.Length > MostFieldLength || length > MostLength || value.AsSpan().ContainsAnyExceptInRange(' ', '~') || !Rfc9111.FieldSyntax.IsToken(name)) return false;
        }
        return true;
    }
}
