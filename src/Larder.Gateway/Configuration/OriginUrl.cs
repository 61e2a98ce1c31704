namespace Larder.Gateway.Configuration;

/// <summary>The URL of an origin.</summary>
internal static class OriginUrl
{
    /// <summary>What an origin may be, for messages.</summary>
    public const string Allowed = "an absolute http or https URL such as http://127.0.0.1:8081";

    /// <summary>Reads a URL; otherwise says what is allowed instead.</summary>
    public static Uri? Read(string text, out string? problem)
    {
        problem = Problem(text, out Uri? uri);
        return problem is null ? uri : null;
    }

    private static string? Problem(string text, out Uri? uri)
    {
        uri = null;
        int authority = text.StartsWith("http://", StringComparison.OrdinalIgnoreCase) ? 7
            : text.StartsWith("https://", StringComparison.OrdinalIgnoreCase) ? 8 : 0;
        if (authority == 0 || text.Length > 2000 || text.AsSpan().ContainsAnyExceptInRange('!', '~') || text.Contains('\\', StringComparison.Ordinal)) return Allowed;
        if (text.AsSpan().ContainsAny('?', '#')) return "a URL without query and fragment";

        int end = text.IndexOf('/', authority);
        string host = end < 0 ? text[authority..] : text[authority..end];
        if (host.Contains('@', StringComparison.Ordinal)) return "a URL without user and password";
        if (HasBadPort(host)) return "a port from 1 to 65535";
        return Uri.TryCreate(text, UriKind.Absolute, out uri) && uri.Host.Length > 0 ? null : Allowed;
    }

    private static bool HasBadPort(string authority)
    {
        int colon = authority.LastIndexOf(':');
        if (colon < 0 || authority.EndsWith(']')) return false;
        ReadOnlySpan<char> port = authority.AsSpan(colon + 1);
        return port.Length == 0 || port.ContainsAnyExceptInRange('0', '9') || !ushort.TryParse(port, out ushort number) || number == 0;
    }
}
