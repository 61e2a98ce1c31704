using Larder.Gateway.Configuration;
using Larder.Gateway.Hosting;
using Larder.Redis;

namespace Larder.Cli.Configuration;

/// <summary>Where <c>larder serve</c> learns what it shall be: a flag wins over the environment, and that over the file.</summary>
internal sealed class ServeInput
{
    /// <summary>The variable in the place of <c>--origin</c>.</summary>
    public const string OriginVariable = "LARDER_ORIGIN";

    /// <summary>The variable in the place of <c>--urls</c>.</summary>
    public const string UrlsVariable = "LARDER_URLS";

    /// <summary>The variable in the place of <c>--config</c>.</summary>
    public const string ConfigVariable = "LARDER_CONFIG";

    private readonly ConfigurationFlags _given;
    private readonly string? _redis;

    /// <param name="flags">The flags of the call.</param>
    /// <param name="file">The file that a flag names.</param>
    /// <param name="environment">The value of a variable; an empty one counts as none.</param>
    public ServeInput(ConfigurationFlags flags, string? file, Func<string, string?> environment)
    {
        _given = flags;
        if (flags.Origin is null && Value(OriginVariable) is { } origin) _given = _given with { Origin = origin, OriginPlace = OriginVariable };
        if (flags.Urls is null && Value(UrlsVariable) is { } urls) _given = _given with { Urls = urls, UrlsPlace = UrlsVariable };
        File = file ?? Value(ConfigVariable);
        _redis = Value(RedisConfiguration.Url);

        string? Value(string name) => environment(name) is { Length: > 0 } value ? value : null;
    }

    /// <summary>The configuration file; null for none.</summary>
    public string? File { get; }

    /// <summary>Whether it is the variable that says where Redis is.</summary>
    public bool RedisIsOfVariable(GatewayOptions options) => _redis is not null && options.Redis == _redis && _given.Redis is null;

    /// <summary>Reads it all, the file anew.</summary>
    public ConfigurationResult Read()
    {
        ConfigurationResult read = File is null ? GatewayConfiguration.Read(null, "", _given) : ConfigFile.Read(File, _given);
        if (read.Options is not { Redis: null } options || _redis is null) return read;

        // Counts where nothing else says it. Told like a flag's mistakes, but under its own name.
        IReadOnlyList<ConfigProblem> problems = GatewayConfiguration.Read(null, "", new(Redis: _redis)).Problems;
        return problems.Count == 0
            ? read with { Options = options with { Redis = _redis } }
            : new(null, read.RuleCount, [.. problems.Select(problem => problem with { Place = RedisConfiguration.Url })]);
    }

    /// <summary>What the gateway stands before, in words.</summary>
    public static string Names(GatewayOptions options)
    {
        IEnumerable<string> named = options.Origins.Select(origin => origin.Name ?? string.Join(" or ", origin.Urls.Select(Shown)));
        return string.Join(", ", options.Origin is { } fallback ? named.Append(Shown(fallback)) : named);

        static string Shown(Uri url) => url.GetLeftPart(UriPartial.Path).TrimEnd('/');
    }
}
