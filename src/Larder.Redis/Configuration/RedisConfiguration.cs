using System.Security.Cryptography;
using Microsoft.Extensions.Configuration;

namespace Larder.Redis;

/// <summary>
/// Reads <see cref="RedisOptions"/> from the section <c>Larder:Redis</c> (<c>Larder:name:Redis</c> of a named cache): a connection string as its value or as
/// <c>ConnectionString</c>, and the keywords of connection strings as fields. The cache without a name knows the environment's common names, too.
/// </summary>
internal static class RedisConfiguration
{
    /// <summary>The variable with a connection string.</summary>
    public const string Url = "REDIS_URL";

    private const string ConnectionString = "ConnectionString";

    /// <summary>The names of variables; what each one sets, in the order in which they are read.</summary>
    private static readonly (string Name, Action<RedisOptions, string> Set)[] Variables =
    [
        (Url, ReadString),
        ("REDIS_AUTH", (o, text) => o.Password = text),
        ("REDIS_ACL_USERNAME", (o, text) => o.User = text),
        ("REDIS_ACL_PASSWORD", (o, text) => o.Password = text),
        ("REDIS_TLS_ENABLED", Keyword("ssl")),
        ("REDIS_TLS_CERT_PATH", Keyword("certFile")),
        ("REDIS_TLS_KEY_PATH", Keyword("keyFile")),
        ("REDIS_TLS_CA_PATH", Keyword("caFile")),
        ("REDIS_VERIFY_CERTIFICATES", (o, text) => Keyword("dangerouslyAcceptAnyCertificate")(o, bool.TryParse(text, out bool verify) ? (!verify).ToString() : text)),
        ("REDIS_ENCRYPTION_KEY", (o, text) => o.Encryption.Keys.Add(EncryptionKey(text))),
    ];

    /// <summary>The names of the variables.</summary>
    public static IEnumerable<string> VariableNames => Variables.Select(variable => variable.Name);

    /// <summary>The variables of this process that are set, for hosts that read no environment by themselves.</summary>
    /// <param name="withUrl">Whether also that which says where Redis is.</param>
    public static IEnumerable<KeyValuePair<string, string?>> OfEnvironment(bool withUrl) =>
        VariableNames.Where(name => withUrl || name != Url).Select(name => KeyValuePair.Create(name, Environment.GetEnvironmentVariable(name))).Where(variable => variable.Value is { Length: > 0 });

    /// <param name="options">Where what is read goes; what can't be read is noted there.</param>
    /// <param name="cacheName">The cache's name; empty for the one without.</param>
    public static void Read(RedisOptions options, string cacheName, IConfiguration configuration)
    {
        options.Unreadable.Clear();
        options.Variables.Clear();
        if (cacheName.Length == 0)
            foreach ((string name, Action<RedisOptions, string> set) in Variables)
            {
                if (configuration[name] is not { Length: > 0 } text) continue;
                options.Variables.Add(name);
                Try(options, name, text, set);
            }
        IConfigurationSection section = configuration.GetSection(cacheName.Length == 0 ? $"{LarderConfiguration.Section}:{LarderConfiguration.TierSection}" : $"{LarderConfiguration.Section}:{cacheName}:{LarderConfiguration.TierSection}");
        // The string first: the fields say more.
        if ((section.Value ?? section[ConnectionString]) is { Length: > 0 } url) Try(options, section.Path, url, ReadString);
        foreach (IConfigurationSection field in section.GetChildren())
            if (field.Value is { } value && !field.Key.Equals(ConnectionString, StringComparison.OrdinalIgnoreCase)) Try(options, field.Path, value, Keyword(field.Key));
    }

    private static void Try(RedisOptions options, string name, string text, Action<RedisOptions, string> set)
    {
        try
        {
            set(options, text);
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            // These messages have no values.
            options.Unreadable.Add($"{name}: {e.Message}");
        }
    }

    private static void ReadString(RedisOptions options, string text) => RedisConnectionString.Read(text, options);

    private static Action<RedisOptions, string> Keyword(string name) => (options, text) => RedisKeywords.ReadAlone(name, text, options);

    /// <summary>Named by a hash of the key, so that another key has another name and old ones stay readable while they are listed.</summary>
    private static RedisEncryptionKey EncryptionKey(string text)
    {
        byte[] key = new byte[RedisEncryptionKey.KeyBytes];
        if (!Convert.TryFromBase64String(text, key, out int written) || written != key.Length) throw new FormatException($"needed are {RedisEncryptionKey.KeyBytes} random bytes in base64.");
        return new(Convert.ToHexStringLower(SHA256.HashData(key).AsSpan(0, 8)), key);
    }
}
