using System.Globalization;
using System.Net;

namespace Larder.Gateway.Configuration;

/// <summary>An address to listen on: <c>http://host[:port]</c> or <c>https://host[:port]</c>.</summary>
internal static class ListenUrl
{
    /// <summary>What an address may be, for messages.</summary>
    public const string Allowed = "a URL such as http://127.0.0.1:8080, with nothing after the port";

    /// <summary>Why the gateway can't listen there: what is allowed instead. Null if it can.</summary>
    public static string? Problem(string url)
    {
        if (!TrySplit(url, out string host, out string? port)) return Allowed;
        if (!IsHost(host)) return Allowed;
        if (port is null) return null;
        if (port.Length is 0 or > 5 || port.AsSpan().ContainsAnyExceptInRange('0', '9') || int.Parse(port, CultureInfo.InvariantCulture) > 65535)
            return "a port from 0 to 65535 (0 is any free one)";
        if (int.Parse(port, CultureInfo.InvariantCulture) == 0 && host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
            return "a free port (0) needs an IP address such as http://127.0.0.1:0";
        return null;
    }

    /// <summary>Whether the server listens on every interface there: it does for every host that is neither an IP address nor <c>localhost</c>.</summary>
    public static bool IsEverywhere(string url)
    {
        if (!TrySplit(url, out string host, out _)) return false;
        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase)) return false;
        return !IPAddress.TryParse(host, out IPAddress? ip) || ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any);
    }

    /// <summary>Whether a request to <paramref name="origin"/> would come in at <paramref name="url"/>: the gateway would forward to itself.</summary>
    public static bool IsAt(string url, Uri origin)
    {
        if (!TrySplit(url, out string host, out string? port) || origin.Port != PortOf(url, port)) return false;
        return host.Equals(origin.Host, StringComparison.OrdinalIgnoreCase) || origin.IsLoopback && (IsEverywhere(url) || IsLoopback(host));
    }

    /// <summary>Whether the gateway speaks TLS there.</summary>
    public static bool IsSecure(string url) => url.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    /// <summary>The parts of an address that has no problem.</summary>
    public static (bool IsSecure, string Host, int Port) Split(string url) =>
        TrySplit(url, out string host, out string? port) ? (IsSecure(url), host, PortOf(url, port)) : throw new ArgumentException($"{Shown.Url(url)} is not allowed; {Allowed}", nameof(url));

    private static int PortOf(string url, string? port) => port is null ? IsSecure(url) ? 443 : 80 : int.Parse(port, CultureInfo.InvariantCulture);

    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || IPAddress.TryParse(host, out IPAddress? ip) && IPAddress.IsLoopback(ip);

    private static bool TrySplit(string url, out string host, out string? port)
    {
        const string Scheme = "http://";
        host = "";
        port = null;
        if (!IsSecure(url) && !url.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return false;
        string authority = url[(IsSecure(url) ? Scheme.Length + 1 : Scheme.Length)..];
        if (authority.EndsWith('/')) authority = authority[..^1];
        int colon = authority.IndexOf(':', authority.StartsWith('[') ? Math.Max(authority.IndexOf(']', StringComparison.Ordinal), 0) : 0);
        host = colon < 0 ? authority : authority[..colon];
        port = colon < 0 ? null : authority[(colon + 1)..];
        return host.Length > 0;
    }

    private static bool IsHost(string host)
    {
        if (host is "*" or "+") return true;
        if (host.StartsWith('[')) return host.EndsWith(']') && IPAddress.TryParse(host, out _);
        return host.Length <= 253 && !host.Equals("unix", StringComparison.OrdinalIgnoreCase)
            && host.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-');
    }
}
