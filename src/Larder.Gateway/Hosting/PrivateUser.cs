using Larder.AspNetCore;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Larder.Gateway.Hosting;

/// <summary>Who a request's user is: the hash of one header's value, so that no credential becomes part of a key.</summary>
internal static class PrivateUser
{
    /// <summary>The lower-case SHA-256 of the header's only value; null if it is missing, empty or given several times.</summary>
    public static string? Of(HttpContext context, string header)
    {
        StringValues values = context.Request.Headers[header];
        return values is [{ Length: > 0 } value] ? UserSource.NameOf(value) : null;
    }
}
