using System.Globalization;
using System.Text;

namespace Larder.Redis;

/// <summary>Reads and writes options in one line, in the two styles that are common.</summary>
internal static class RedisConnectionString
{
    private const int Longest = 16 << 10;

    /// <exception cref="FormatException">It is none. The message has no value of it, as that may be a secret.</exception>
    public static RedisOptions Parse(string text)
    {
        var options = new RedisOptions();
        Read(text, options);
        return options;
    }

    /// <summary>Reads it into options: its servers take the place of those that are there.</summary>
    /// <exception cref="FormatException">As for <see cref="Parse"/>; what was read before that is in the options.</exception>
    public static void Read(string text, RedisOptions options)
    {
        if (text.Length > Longest) throw new FormatException($"A connection string has at most {Longest} characters.");
        options.Endpoints.Clear();
        var ignored = new List<string>();
        if (text.StartsWith("redis://", StringComparison.OrdinalIgnoreCase)) ReadUri(text["redis://".Length..], options, ignored);
        else if (text.StartsWith("rediss://", StringComparison.OrdinalIgnoreCase))
        {
            options.Tls = new();
            ReadUri(text["rediss://".Length..], options, ignored);
        }
        else ReadList(text, options, ignored);
        options.Ignored = ignored;
        if (options.Endpoints.Count == 0) throw new FormatException("A connection string names at least one server, such as localhost:6379.");
    }

    /// <summary>As a URI, with the secrets: to be shown to nobody. Reading it gives the same options, but for what a string can't say: certificates and limits.</summary>
    public static string Format(RedisOptions options)
    {
        var text = new StringBuilder(options.Tls is null ? "redis://" : "rediss://");
        if (options.Password is { } password) text.Append(Escaped(options.User ?? "")).Append(':').Append(Escaped(password)).Append('@');
        text.AppendJoin(',', options.Endpoints.Select(endpoint => endpoint.IsUnix ? Escaped(endpoint.Host) : endpoint.ToString()));
        text.Append(CultureInfo.InvariantCulture, $"/{options.Database}");
        char sign = '?';
        foreach ((string name, string value) in RedisKeywords.Values(options))
        {
            text.Append(sign).Append(name).Append('=').Append(Escaped(value));
            sign = '&';
        }
        return text.ToString();
    }

    private static void ReadList(string text, RedisOptions options, List<string> ignored)
    {
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            // A password may contain the sign, a path of a socket hardly does.
            int equals = part.IndexOf('=');
            if (equals < 0) AddEndpoint(part, options);
            else RedisKeywords.Read(part[..equals].TrimEnd(), part[(equals + 1)..].TrimStart(), options, ignored);
        }
    }

    private static void ReadUri(string text, RedisOptions options, List<string> ignored)
    {
        string query = Cut(ref text, '?'), path = Cut(ref text, '/');
        int at = text.LastIndexOf('@');
        if (at >= 0)
        {
            string secret = text[..at];
            int colon = secret.IndexOf(':');
            string user = Unescaped(colon < 0 ? secret : secret[..colon]);
            if (user.Length > 0) options.User = user;
            if (colon >= 0) options.Password = Unescaped(secret[(colon + 1)..]);
            text = text[(at + 1)..];
        }
        foreach (string host in text.Split(',', StringSplitOptions.RemoveEmptyEntries)) AddEndpoint(Unescaped(host), options);
        if (path.Length > 0) RedisKeywords.Read("defaultDatabase", path, options, ignored);
        foreach (string pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = pair.IndexOf('=');
            if (equals < 0) throw new FormatException("A part of the query of a connection string has no value.");
            RedisKeywords.Read(Unescaped(pair[..equals]), Unescaped(pair[(equals + 1)..]), options, ignored);
        }
    }

    private static void AddEndpoint(string text, RedisOptions options)
    {
        // What stands there may be half of a password: its place is told, not its text.
        if (!RedisEndpoint.TryParse(text, out RedisEndpoint? endpoint))
            throw new FormatException($"Part {options.Endpoints.Count + 1} of the servers of a connection string is none: needed is host, host:port, [address]:port or /path.");
        options.Endpoints.Add(endpoint);
    }

    /// <summary>Takes the sign and what follows it off.</summary>
    private static string Cut(ref string text, char sign)
    {
        int at = text.IndexOf(sign);
        if (at < 0) return "";
        string rest = text[(at + 1)..];
        text = text[..at];
        return rest;
    }

    private static string Escaped(string text) => Uri.EscapeDataString(text);

    private static string Unescaped(string text) => Uri.UnescapeDataString(text);
}
