using System.Net;
using Microsoft.AspNetCore.Http;

namespace Larder.AspNetCore;

/// <summary>
/// Who may purge by the method <c>PURGE</c>: of the URL that is asked for, or, with a <c>Surrogate-Key</c>, <c>Cache-Tag</c> or <c>xkey</c> in the request, of its tags.
/// <c>Soft-Purge: 1</c> makes stale instead of removing. Others are answered 403.
/// </summary>
public sealed class PurgeOptions
{
    /// <summary>From where; loopback by default. It is the peer of the connection: behind a proxy that is the proxy.</summary>
    public IList<IPNetwork> From { get; } = [IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("::1/128")];

    /// <summary>What else must hold; null, the default, for nothing. What it throws counts as no.</summary>
    public Func<HttpContext, bool>? IsAllowed { get; set; }

    internal bool Allows(HttpContext context)
    {
        if (context.Connection.RemoteIpAddress is not { } peer) return false;
        if (peer.IsIPv4MappedToIPv6) peer = peer.MapToIPv4();
        return From.Any(network => network.Contains(peer)) && (IsAllowed is null || IsAllowed(context));
    }
}
