using System.Globalization;
using System.Text;

namespace Larder.Redis;

/// <summary>Reads and writes options in one line, in the two styles that are common.</summary>
internal static class RedisConnectionString
{
    private const int Longest = 16 << 10;

    private static readonly (string Name, bool IsSecure, bool IsSentinel)[] Schemes =
    [
        ("redis://", false, false), ("rediss://", true, false), ("redis+sentinel://", false, true), ("rediss+sentinel://", true, true),
    ];

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
        var servers = new List<string>();
        if (Schemes.FirstOrDefault(scheme => text.StartsWith(scheme.Name, StringComparison.OrdinalIgnoreCase)) is { Name: { } name } scheme)
        {
            if (scheme.IsSecure) options.Tls = new();
            string rest = text[name.Length..];
            try
            {
                ReadUri(rest, options, ignored, servers, scheme.IsSentinel);
                AddEndpoints(servers, options);
            }
            catch (FormatException e) when (MayHoldHalfAPassword(rest))
            {
                throw new FormatException($"{e.Message} If the password has one of / ? @ % in it, write %2F %3F %40 %25 instead.");
            }
        }
        else
        {
            RequireKnownScheme(text);
            ReadList(text, options, ignored, servers);
            AddEndpoints(servers, options);
        }
        options.Ignored = ignored;
    }

    /// <summary>Whether a sign that ends user and password stands before the one that follows them.</summary>
    private static bool MayHoldHalfAPassword(string rest) => rest.AsSpan().IndexOfAny('/', '?') is >= 0 and int end && rest.AsSpan(end).Contains('@');

    /// <summary>What begins as a URI does is no list of servers.</summary>
    private static void RequireKnownScheme(string text)
    {
        int colon = text.IndexOf(':');
        if (colon < 1 || colon + 1 >= text.Length || text[colon + 1] != '/' || !text.AsSpan(0, colon).ContainsAnyExceptInRange('0', '9') || text.AsSpan(0, colon).IndexOfAny(",=[") >= 0) return;
        string given = text[..(colon + 1)] + "//";
        if (Schemes.FirstOrDefault(scheme => scheme.Name.Equals(given, StringComparison.OrdinalIgnoreCase)).Name is { } known) throw new FormatException($"A connection string of this kind begins with {known}, with two slashes.");
        throw new FormatException($"The scheme of a connection string is unknown. Known are {string.Join(", ", Schemes.Select(scheme => scheme.Name))}; without any it is a list such as localhost:6379,password=….");
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

    private static void ReadList(string text, RedisOptions options, List<string> ignored, List<string> servers)
    {
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            // A password may contain the sign, a path of a socket hardly does.
            int equals = part.IndexOf('=');
            if (equals < 0) servers.Add(part);
            else RedisKeywords.Read(part[..equals].TrimEnd(), part[(equals + 1)..].TrimStart(), options, ignored);
        }
    }

    private static void ReadUri(string text, RedisOptions options, List<string> ignored, List<string> servers, bool isSentinel)
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
        servers.AddRange(text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(Unescaped));
        if (isSentinel)
        {
            // The name of the group stands before the number of the database.
            string rest = Cut(ref path, '/');
            if (path.Length > 0) options.SentinelMaster = Unescaped(path);
            // It may be half of a password, and would be shown.
            if (!RedisOptionsValidator.IsGroup(options.SentinelMaster)) throw new FormatException("The name of a master group in a connection string has letters, digits and . - _ only.");
            path = rest;
        }
        if (path.Length > 0) RedisKeywords.Read("defaultDatabase", path, options, ignored);
        foreach (string pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = pair.IndexOf('=');
            if (equals < 0) throw new FormatException("A part of the query of a connection string has no value.");
            RedisKeywords.Read(Unescaped(pair[..equals]), Unescaped(pair[(equals + 1)..]), options, ignored);
        }
        if (isSentinel && options.SentinelMaster is null) throw new FormatException("A connection string with sentinels names the group of the master: redis+sentinel://host/group.");
    }

    private static void AddEndpoints(List<string> servers, RedisOptions options)
    {
        // The port where none is said depends on what they are.
        int port = options.SentinelMaster is null ? RedisEndpoint.DefaultPort : RedisEndpoint.DefaultSentinelPort;
        foreach (string server in servers)
        {
            // What stands there may be half of a password: its place is told, not its text.
            if (!RedisEndpoint.TryRead(server, port, out RedisEndpoint? endpoint)) throw new FormatException($"Part {options.Endpoints.Count + 1} of the servers of a connection string {WhatIsWrong(server)}.");
            options.Endpoints.Add(endpoint);
        }
        if (options.Endpoints.Count == 0) throw new FormatException("A connection string names at least one server, such as localhost:6379.");
    }

    private static string WhatIsWrong(string server)
    {
        if (server.Contains(' ')) return "has a blank in it";
        string port = server[(server.LastIndexOf(':') + 1)..];
        if (port.Length < server.Length && port.Length > 0 && port.All(char.IsAsciiDigit) && !RedisEndpoint.TryParse($"h:{port}", out _)) return "has a port that is none: allowed is 1 to 65535";
        return "is none: needed is host, host:port, [address]:port or /path";
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
