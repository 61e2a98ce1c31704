using Larder.AspNetCore.Rfc9111;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore;

/// <summary>The header by which clients carry positions from node to node (docs/invalidation.md, R-30).</summary>
/// <remarks>It is between client and cache: neither the application nor an origin is shown it, no response is stored with it, and nothing varies by it.</remarks>
internal sealed class PositionHeader(string name, TimeSpan patience, LarderCache engine)
{
    public static readonly TimeSpan LongestPatience = TimeSpan.FromSeconds(10);
    private const int LongestName = 64;

    /// <summary>Taking these out of requests or answers would do harm.</summary>
    private static readonly HashSet<string> Taken = new(StringComparer.OrdinalIgnoreCase)
    {
        "Accept", "Accept-Encoding", "Accept-Language", "Age", "Authorization", "Cache-Control", "Cache-Status", "Connection", "Content-Encoding", "Content-Length", "Content-Location", "Content-Range",
        "Content-Type", "Cookie", "Date", "ETag", "Expect", "Expires", "Forwarded", "Host", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Keep-Alive",
        "Last-Modified", "Location", "Origin", "Pragma", "Proxy-Authorization", "Range", "Referer", "Set-Cookie", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "User-Agent", "Vary", "Via",
        "WWW-Authenticate", "X-Cache", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Api-Key", "X-Auth-Token",
    };

    public static bool IsAllowed(string name) => name.Length <= LongestName && FieldSyntax.IsToken(name) && !Taken.Contains(name);

    /// <summary>Takes what a request carries out of it.</summary>
    public StringValues Take(IHeaderDictionary request)
    {
        StringValues carried = request[name];
        if (carried.Count > 0) request.Remove(name);
        return carried;
    }

    /// <summary>Waits until what is read is not older; false where that can't be known.</summary>
    public async ValueTask<bool> CatchUpAsync(StringValues carried, CancellationToken aborted)
    {
        if (carried.Count != 1 || !PositionToken.TryParse(carried[0], out PositionToken token)) return false;
        try
        {
            return await engine.CatchUpAsync(token, patience, aborted);
        }
        catch (OperationCanceledException)
        {
            // The client has left: whatever is done for it now, it is not given anything old.
            return false;
        }
    }

    /// <summary>Puts a write's position into its answer. Of anything else a position that another cache put there says nothing to this one's clients.</summary>
    public void Tell(IHeaderDictionary response, bool hasWritten)
    {
        if (hasWritten && engine.PositionToken is { IsNone: false } token) response[name] = token.ToString();
        else response.Remove(name);
    }
}
