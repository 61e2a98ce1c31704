using System.Collections.Frozen;
using System.Globalization;

namespace Larder.Redis;

/// <summary>The keywords of connection strings. The names are those of StackExchange.Redis, with some common ones of others.</summary>
internal static class RedisKeywords
{
    /// <summary>Stores a value; returns what is needed instead where it can't be read.</summary>
    private delegate string? Reader(RedisOptions options, string text);

    private static readonly FrozenDictionary<string, Reader> Meaningful = new Dictionary<string, Reader>
    {
        ["password"] = Text((o, text) => o.Password = text),
        ["user"] = Text((o, text) => o.User = text),
        ["name"] = Text((o, text) => o.ClientName = text),
        ["prefix"] = Text((o, text) => o.Prefix = text),
        ["failOnConnectionError"] = Bool((o, on) => o.FailOnConnectionError = on),
        ["leastSecurity"] = OneOf<RedisSecurityLevel>((o, level) => o.LeastSecurity = level),
        ["strictness"] = OneOf<Strictness>((o, strictness) => o.Strictness = strictness),
        ["maxEntryBytes"] = Whole((o, n) => o.MaxEntryBytes = n),
        ["defaultDatabase"] = Whole((o, n) => o.Database = n),
        ["db"] = Whole((o, n) => o.Database = n),
        ["cluster"] = Bool((o, on) => o.Cluster = on),
        ["sentinel"] = Text((o, text) => o.SentinelMaster = text),
        ["serviceName"] = Text((o, text) => o.SentinelMaster = text),
        ["sentinelUser"] = Text((o, text) => o.SentinelUser = text),
        ["sentinelPassword"] = Text((o, text) => o.SentinelPassword = text),
        ["timeout"] = Span((o, span) => o.Timeout = span),
        ["asyncTimeout"] = Span((o, span) => o.Timeout = span),
        ["connectTimeout"] = Span((o, span) => o.ConnectTimeout = span),
        ["heartbeat"] = Span((o, span) => o.Heartbeat = span),
        ["silence"] = Span((o, span) => o.Silence = span),
        ["longestBackoff"] = Span((o, span) => o.LongestBackoff = span),
        ["ssl"] = Bool((o, on) => o.Tls = on ? o.Tls ?? new() : null),
        ["sslHost"] = Text((o, name) => (o.Tls ??= new()).ServerName = name),
        ["checkCertificateRevocation"] = Bool((o, on) => { if (on || o.Tls is not null) (o.Tls ??= new()).CheckRevocation = on; }),
        ["caFile"] = Text((o, file) => (o.Tls ??= new()).TrustedRootsFile = file),
        ["certFile"] = Text((o, file) => (o.Tls ??= new()).ClientCertificateFile = file),
        ["keyFile"] = Text((o, file) => (o.Tls ??= new()).ClientKeyFile = file),
        ["pinnedCertificate"] = Text((o, hash) => (o.Tls ??= new()).PinnedCertificate = hash),
        ["dangerouslyAcceptAnyCertificate"] = Bool((o, on) => { if (on || o.Tls is not null) (o.Tls ??= new()).DangerouslyAcceptAnyCertificate = on; }),
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>They say how another client works: what it does by default, or what this one does always.</summary>
    private static readonly FrozenSet<string> Meaningless = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
        "abortConnect", "allowAdmin", "channelPrefix", "configChannel", "configCheckSeconds", "connectRetry", "highIntegrity", "keepAlive", "protocol", "proxy", "resolveDns",
        "responseTimeout", "setlib", "sslProtocols", "syncTimeout", "tieBreaker", "version", "writeBuffer");

    /// <summary>What is accepted without a meaning.</summary>
    public static IReadOnlyCollection<string> WithoutMeaning => Meaningless;

    /// <summary>Reads a keyword of a connection string.</summary>
    /// <exception cref="FormatException">The keyword is unknown, or its value can't be read.</exception>
    public static void Read(string name, string value, RedisOptions options, List<string> ignored)
    {
        // The name as it is known: what was written may be part of a secret.
        if (Needed(name, value, options, ignored, out string? unknown) is { } needed) throw new FormatException($"The value of {Meaningful.Keys.First(known => known.Equals(name, StringComparison.OrdinalIgnoreCase))} in a connection string can't be used; needed is {needed}.");
        if (unknown is not null) throw new FormatException($"A keyword of a connection string is unknown{unknown} In the style with commas, what contains a comma can't be said: write it as redis://… with %2C.");
    }

    /// <summary>Reads a setting that has a place of its own, by which the message is introduced.</summary>
    /// <exception cref="FormatException">The setting is unknown, or its value can't be read.</exception>
    public static void ReadAlone(string name, string value, RedisOptions options)
    {
        if (Needed(name, value, options, [], out string? unknown) is { } needed) throw new FormatException($"The value can't be used; needed is {needed}.");
        if (unknown is not null) throw new FormatException($"There is no such setting{unknown}");
    }

    /// <summary>Stores a value.</summary>
    /// <param name="unknown">Where nobody knows the name: which there are, in what ends a sentence.</param>
    /// <returns>What is needed instead where the value can't be read.</returns>
    private static string? Needed(string name, string value, RedisOptions options, List<string> ignored, out string? unknown)
    {
        unknown = null;
        if (Meaningful.TryGetValue(name, out Reader? read)) return read(options, value);
        if (Meaningless.TryGetValue(name, out string? known)) ignored.Add(known);
        else unknown = $"{(Spelling.Nearest(name, Meaningful.Keys.AsSpan()) is { } near ? $"; did you mean '{near}'?" : ".")} Known are {List(Meaningful.Keys)}; known and ignored are {List(Meaningless)}.";
        return null;
    }

    /// <summary>What differs from the defaults and is not said elsewhere in a URI.</summary>
    public static IEnumerable<(string Name, string Value)> Values(RedisOptions options)
    {
        var defaults = new RedisOptions();
        if (options.Password is null && options.User is { } user) yield return ("user", user);
        if (options.Cluster) yield return ("cluster", "true");
        if (options.SentinelMaster is { } master) yield return ("sentinel", master);
        if (options.SentinelUser is { } sentinelUser) yield return ("sentinelUser", sentinelUser);
        if (options.SentinelPassword is { } sentinelPassword) yield return ("sentinelPassword", sentinelPassword);
        if (options.ClientName != defaults.ClientName) yield return ("name", options.ClientName);
        if (options.Prefix is { } prefix) yield return ("prefix", prefix);
        if (options.FailOnConnectionError) yield return ("failOnConnectionError", "true");
        if (options.Strictness != defaults.Strictness) yield return ("strictness", options.Strictness.ToString());
        if (options.MaxEntryBytes != defaults.MaxEntryBytes) yield return ("maxEntryBytes", options.MaxEntryBytes.ToString(CultureInfo.InvariantCulture));
        if (options.LeastSecurity != defaults.LeastSecurity) yield return ("leastSecurity", options.LeastSecurity.ToString());
        foreach ((string name, Func<RedisOptions, TimeSpan> span) in new (string, Func<RedisOptions, TimeSpan>)[]
        {
            ("timeout", o => o.Timeout), ("connectTimeout", o => o.ConnectTimeout), ("heartbeat", o => o.Heartbeat), ("silence", o => o.Silence), ("longestBackoff", o => o.LongestBackoff),
        })
            if (span(options) != span(defaults)) yield return (name, span(options).TotalMilliseconds.ToString(CultureInfo.InvariantCulture));
        if (options.Tls is not { } tls) yield break;
        foreach ((string name, string? value) in new[]
        {
            ("sslHost", tls.ServerName), ("caFile", tls.TrustedRootsFile), ("certFile", tls.ClientCertificateFile), ("keyFile", tls.ClientKeyFile), ("pinnedCertificate", tls.PinnedCertificate),
            ("checkCertificateRevocation", tls.CheckRevocation ? "true" : null), ("dangerouslyAcceptAnyCertificate", tls.DangerouslyAcceptAnyCertificate ? "true" : null),
        })
            if (value is not null) yield return (name, value);
    }

    private static string List(IEnumerable<string> names) => string.Join(", ", names.Order(StringComparer.OrdinalIgnoreCase));

    private static Reader Text(Action<RedisOptions, string> set) => (options, text) =>
    {
        if (text.Length == 0) return "some text";
        set(options, text);
        return null;
    };

    private static Reader Whole(Action<RedisOptions, int> set) => (options, text) =>
    {
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return "a whole number";
        set(options, number);
        return null;
    };

    private static Reader Bool(Action<RedisOptions, bool> set) => (options, text) =>
    {
        if (!bool.TryParse(text, out bool on)) return "true or false";
        set(options, on);
        return null;
    };

    private static Reader OneOf<T>(Action<RedisOptions, T> set) where T : struct, Enum => (options, text) =>
    {
        if (char.IsAsciiDigit(text.FirstOrDefault()) || !Enum.TryParse(text, ignoreCase: true, out T value)) return string.Join(" or ", Enum.GetNames<T>());
        set(options, value);
        return null;
    };

    private static Reader Span(Action<RedisOptions, TimeSpan> set) => (options, text) =>
    {
        (string number, long unit) = text switch
        {
            [.. var digits, 'm', 's'] => (digits, TimeSpan.TicksPerMillisecond),
            [.. var digits, 's'] => (digits, TimeSpan.TicksPerSecond),
            _ => (text, TimeSpan.TicksPerMillisecond),
        };
        const int MostMilliseconds = 3_600_000;
        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal amount) || amount > MostMilliseconds) return "milliseconds, or a number with ms or s";
        set(options, TimeSpan.FromTicks((long)(amount * unit)));
        return null;
    };
}
