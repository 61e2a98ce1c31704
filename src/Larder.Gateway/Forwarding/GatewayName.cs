using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace Larder.Gateway.Forwarding;

/// <summary>
/// What this process is called in <c>Via</c>. The origin is told a name that nobody else has, so that a request that comes back
/// is known; clients are told only what kind of proxy it was, so that none of them can make a request look as if it had.
/// </summary>
internal static class GatewayName
{
    private static readonly Refusal Loop = new(508, "The request has come back to the gateway that forwarded it; look where its origins lead.", Closes: false);

    private static readonly string Own = "larder-" + RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>The member of <c>Via</c> for a request that came in this protocol.</summary>
    public static string ViaOf(string protocol) => protocol switch
    {
        "HTTP/1.1" => "1.1 " + Own,
        "HTTP/2" => "2 " + Own,
        "HTTP/3" => "3 " + Own,
        _ => "1.0 " + Own,
    };

    /// <summary>Refuses a request that this gateway has forwarded already.</summary>
    public static Refusal? LoopRefusal(HttpRequest request)
    {
        foreach (string? line in request.Headers.Via)
            if (line is not null && line.Contains(Own, StringComparison.OrdinalIgnoreCase)) return Loop;
        return null;
    }
}
