using Larder.AspNetCore;
using Larder.Gateway.Forwarding;
using Larder.Gateway.Hosting;
using Larder.Redis;

namespace Larder.Gateway.Configuration;

/// <summary>What a configuration came to.</summary>
/// <param name="Options">The options; null if there is a mistake, or no origin.</param>
/// <param name="RuleCount">How many rules could be read.</param>
/// <param name="Problems">Every mistake; flags first, then the document from top to bottom.</param>
internal sealed record ConfigurationResult(GatewayOptions? Options, int RuleCount, IReadOnlyList<ConfigProblem> Problems);

/// <summary>What was given beside the document, and wins over it.</summary>
/// <param name="Origin">The origin's URL.</param>
/// <param name="Urls">Where to listen, separated by semicolons.</param>
/// <param name="Redis">The connection string of the Redis that is shared.</param>
internal sealed record ConfigurationFlags(string? Origin = null, string? Urls = null, string? Redis = null);

/// <summary>Reads the gateway's options from a document and flags, reporting every mistake at once.</summary>
internal static class GatewayConfiguration
{
    private static readonly string[] Known = ["origin", "urls", "memory", "body", "keepStale", "cacheErrors", "timeouts", "privateUserHeader", "redis", "rules"];

    private const string RedisAllowed = "a connection string such as \"redis://127.0.0.1:6379\", with settings \"redis://127.0.0.1:6379?prefix=shop:&timeout=100ms\"";

    /// <summary>The defaults, before the origin is known; never handed out.</summary>
    private static GatewayOptions NoOriginYet => new() { Origin = null! };

    /// <summary>Reads a document; null for none.</summary>
    /// <param name="source">How messages call the document.</param>
    public static ConfigurationResult Read(ConfigNode? root, string source, ConfigurationFlags? flags = null)
    {
        var ofFlags = new ConfigReport("");
        var ofDocument = new ConfigReport(source);
        (Uri? origin, GatewayOptions options) = root is null ? (null, NoOriginYet) : Document(root, ofDocument);
        if (flags?.Origin is { } given) origin = Origin(new(given, "--origin", 0), ofFlags, flag: true);
        if (flags?.Redis is { } redis) options = options with { Redis = Redis(new(redis, "--redis", 0), ofFlags, flag: true) };
        if (flags?.Urls is { } urls)
        {
            PlacedText[] parts = [.. urls.Split(';', StringSplitOptions.TrimEntries).Select(url => new PlacedText(url, "--urls", 0))];
            options = options with { Urls = Urls(parts, ofFlags, flag: true) };
        }

        if (origin is not null && ofFlags.Problems.Count + ofDocument.Problems.Count == 0 && options.Urls.FirstOrDefault(url => ListenUrl.IsAt(url, origin)) is { } own)
            ofFlags.Add(null, "origin", $"{Shown.Url(origin.OriginalString)} is where larder itself listens ({own}); every request would go round in circles");
        ConfigProblem[] problems = [.. ofFlags.Problems, .. ofDocument.Problems.OrderBy(problem => problem.Line)];
        return new(problems.Length > 0 || origin is null ? null : options with { Origin = origin }, options.Rules.Count, problems);
    }

    private static (Uri? Origin, GatewayOptions Options) Document(ConfigNode root, ConfigReport report)
    {
        GatewayOptions defaults = NoOriginYet;
        if (root is not ConfigMap map)
        {
            report.Add(root.Line, "", $"{Shown.Value(root)} is not allowed; an object with {string.Join(", ", Known)}");
            return (null, defaults);
        }

        var members = new ConfigMembers(map, "", report, Known);
        Uri? origin = members.Text("origin", OriginUrl.Allowed) is { } url ? Origin(url, report, flag: false) : null;
        IReadOnlyList<string> urls = members.Texts("urls", ListenUrl.Allowed, ListenUrl.Allowed) is { } texts ? Urls(texts, report, flag: false) : defaults.Urls;
        ConfigMembers? memory = members.Object("memory", "entries", "megabytes");
        ConfigMembers? body = members.Object("body", "megabytes");
        GatewayOptions options = defaults with
        {
            Urls = urls,
            MaxEntries = (int?)memory?.Whole("entries", 0, ConfigLimits.Entries, "whole number") ?? defaults.MaxEntries,
            MaxBytes = (memory?.Whole("megabytes", 0, ConfigLimits.Megabytes, "whole number of megabytes") << 20) ?? defaults.MaxBytes,
            MaxBodyBytes = (body?.Whole("megabytes", 1, ConfigLimits.BodyMegabytes, "whole number of megabytes") << 20) ?? defaults.MaxBodyBytes,
            KeepStale = members.Seconds("keepStale", 0, ConfigLimits.YearSeconds) ?? defaults.KeepStale,
            CacheErrors = members.Flag("cacheErrors") ?? defaults.CacheErrors,
            Redis = members.Text("redis", RedisAllowed) is { } redis ? Redis(redis, report, flag: false) : null,
        };
        options = Timeouts(members, options);
        return (origin, options with { PrivateUserHeader = UserHeader(members, report) ?? defaults.PrivateUserHeader, Rules = Rules(members, report) });
    }

    private static GatewayOptions Timeouts(ConfigMembers members, GatewayOptions options)
    {
        ConfigMembers? timeouts = members.Object("timeouts", "connect", "response", "idle");
        return options with
        {
            ConnectTimeout = Timeout("connect") ?? options.ConnectTimeout,
            ResponseTimeout = Timeout("response") ?? options.ResponseTimeout,
            IdleTimeout = Timeout("idle") ?? options.IdleTimeout,
        };

        TimeSpan? Timeout(string name) => timeouts?.Seconds(name, ConfigLimits.LeastTimeoutSeconds, ConfigLimits.TimeoutSeconds);
    }

    private static Uri? Origin(PlacedText url, ConfigReport report, bool flag)
    {
        Uri? origin = OriginUrl.Read(url.Value, out string? allowed);
        if (allowed is not null) RefuseUrl(url, allowed, report, flag);
        return origin;
    }

    /// <summary>Problems are told without the text, which may hold a password.</summary>
    private static string? Redis(PlacedText text, ConfigReport report, bool flag)
    {
        try
        {
            if (new RedisOptionsValidator().Validate(null, RedisOptions.Parse(text.Value)) is not { Failed: true } invalid) return text.Value;
            foreach (string problem in invalid.Failures) report.Add(flag ? null : text.Line, text.Place, problem);
        }
        catch (FormatException e)
        {
            report.Add(flag ? null : text.Line, text.Place, $"{e.Message} Allowed is {RedisAllowed}");
        }
        return null;
    }

    private static List<string> Urls(IReadOnlyList<PlacedText> texts, ConfigReport report, bool flag)
    {
        var urls = new List<string>();
        foreach (PlacedText text in texts)
        {
            if (ListenUrl.Problem(text.Value) is { } allowed) RefuseUrl(text, allowed, report, flag);
            else if (urls.Contains(text.Value, StringComparer.OrdinalIgnoreCase) && !text.Value.EndsWith(":0", StringComparison.Ordinal)) RefuseUrl(text, "each URL once", report, flag);
            else urls.Add(text.Value);
        }
        return urls;
    }

    private static void RefuseUrl(PlacedText url, string allowed, ConfigReport report, bool flag) =>
        report.Add(flag ? null : url.Line, url.Place, $"{Shown.Url(url.Value)} is not allowed; {allowed}");

    private static string? UserHeader(ConfigMembers members, ConfigReport report)
    {
        const string Allowed = "the name of a request header such as \"Authorization\"";
        if (members.Text("privateUserHeader", Allowed) is not { } name) return null;
        if (!HttpToken.Is(name.Value)) report.Refuse(name, Allowed);
        else if (HeaderRules.IsUntrusted(name.Value) || HeaderRules.IsHopByHop(name.Value)) report.Refuse(name, $"{Allowed}: the gateway removes this one, because any client could set it");
        return name.Value;
    }

    private static List<CacheRule> Rules(ConfigMembers members, ConfigReport report)
    {
        var reader = new RuleReader(report);
        return [.. members.Objects("rules", RuleReader.Known).Select(reader.Read).OfType<CacheRule>()];
    }
}
