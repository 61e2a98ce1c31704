using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;

namespace Larder.Gateway.Forwarding;

/// <summary>The field <c>Forwarded</c> (RFC 7239), of which the gateway's is the only element.</summary>
internal static class ForwardedField
{
    /// <summary>The client's address, the host it asked for and the scheme, as far as they are known.</summary>
    public static string Of(HttpContext context)
    {
        string peer = PeerOf(context) is { } address ? $"for={Node(address)};" : "";
        string host = context.Request.Headers.Host is [{ Length: > 0 } value] ? $"host={Quoted(value)};" : "";
        return $"{peer}{host}proto={context.Request.Scheme}";
    }

    /// <summary>The client's address; an IPv4 address as such, however the server got it.</summary>
    public static IPAddress? PeerOf(HttpContext context) =>
        context.Connection.RemoteIpAddress is { IsIPv4MappedToIPv6: true } mapped ? mapped.MapToIPv4() : context.Connection.RemoteIpAddress;

    private static string Node(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? $"\"[{address}]\"" : address.ToString();

    private static string Quoted(string value) => $"\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
