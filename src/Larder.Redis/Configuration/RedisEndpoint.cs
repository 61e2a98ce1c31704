using System.Globalization;

namespace Larder.Redis;

/// <summary>Where a Redis server is.</summary>
/// <param name="Host">A name, an address, or the path of a Unix socket (which begins with a slash).</param>
/// <param name="Port">1 to 65535; 0 for a Unix socket.</param>
public sealed record RedisEndpoint(string Host, int Port = RedisEndpoint.DefaultPort)
{
    /// <summary>The port where none is said, without and with TLS alike.</summary>
    public const int DefaultPort = 6379;

    internal const int DefaultSentinelPort = 26379;

    internal bool IsUnix => Host.StartsWith('/');

    /// <summary>Reads <c>host</c>, <c>host:port</c>, <c>[address]:port</c> (IPv6) or <c>/path</c>.</summary>
    /// <returns>Whether it is one; the host is not looked up.</returns>
    public static bool TryParse(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out RedisEndpoint? endpoint) => TryRead(text, DefaultPort, out endpoint);

    /// <param name="port">The port where none is said.</param>
    internal static bool TryRead(string text, int port, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out RedisEndpoint? endpoint)
    {
        endpoint = null;
        if (text.StartsWith('/'))
        {
            endpoint = new(text, 0);
            return IsValid(endpoint);
        }
        string host = text, digits = "";
        bool hasPort = false;
        if (text.StartsWith('['))
        {
            int close = text.IndexOf(']');
            if (close < 0 || close + 1 < text.Length && text[close + 1] != ':') return false;
            host = text[1..close];
            hasPort = close + 1 < text.Length;
            if (hasPort) digits = text[(close + 2)..];
        }
        else if (text.IndexOf(':') is >= 0 and int colon && text.LastIndexOf(':') == colon)
        {
            (host, digits, hasPort) = (text[..colon], text[(colon + 1)..], true);
        }
        if (hasPort && !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out port)) return false;
        endpoint = new(host, port);
        return IsValid(endpoint);
    }

    internal static bool IsValid(RedisEndpoint endpoint)
    {
        const int LongestHost = 255, LongestPath = 107;
        if (endpoint.Host is not { Length: > 0 and <= LongestHost } host || host.AsSpan().ContainsAnyInRange('\0', ' ')) return false;
        if (endpoint.IsUnix) return endpoint.Port == 0 && System.Text.Encoding.UTF8.GetByteCount(host) <= LongestPath;
        return endpoint.Port is > 0 and <= 65535 && Uri.CheckHostName(host) != UriHostNameType.Unknown;
    }

    /// <summary>As <see cref="TryParse"/> reads it.</summary>
    public override string ToString() =>
        IsUnix ? Host : FormattableString.Invariant($"{(Host.Contains(':') ? $"[{Host}]" : Host)}:{Port}");
}
