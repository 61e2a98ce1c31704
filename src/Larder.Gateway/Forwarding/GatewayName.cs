using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace Larder.Gateway.Forwarding;

/// <summary>
/// What one gateway is called in <c>Via</c>. The origin is told a name that nobody else has, so that a request that comes back
/// is known; clients are told only what kind of proxy it was, so that none of them can make a request look as if it had.
/// </summary>
internal sealed class GatewayName
{
    private static readonly Refusal Loop = new(508, "The request has come back to the gateway that forwarded it; look where its origins lead.", Closes: false);

    private readonly string _own = "larder-" + RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>The member of <c>Via</c> for a request that came in this protocol.</summary>
    public string ViaOf(string protocol) => protocol switch
    {
        "HTTP/1.1" => "1.1 " + _own,
        "HTTP/2" => "2 " + _own,
        "HTTP/3" => "3 " + _own,
        _ => "1.0 " + _own,
    };

    /// <summary>Refuses a request that this gateway has forwarded already.</summary>
    public Refusal? LoopRefusal(HttpRequest request)
    {
        foreach (string? line in request.Headers.Via)
            if (line is not null && line.Contains(_own, StringComparison.OrdinalIgnoreCase)) return Loop;
        return null;
    }
}
