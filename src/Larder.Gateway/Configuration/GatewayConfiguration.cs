using Larder.AspNetCore;
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
internal sealed record ConfigurationFlags(string? Origin = null, string? Urls = null, string? Redis = null)
{
    /// <summary>How messages call what gave the origin.</summary>
    public string OriginPlace { get; init; } = "--origin";

    /// <summary>How messages call what gave the URLs.</summary>
    public string UrlsPlace { get; init; } = "--urls";

    /// <summary>Never shows what may hold a password: nothing has been checked yet.</summary>
    public override string ToString() =>
        $"ConfigurationFlags {{ Origin = {(Origin is null ? "" : Shown.Url(Origin))}, Urls = {Urls}, Redis = {(Redis is null ? "" : "given")} }}";
}

/// <summary>Reads the gateway's options from a document and flags, reporting every mistake at once.</summary>
internal static class GatewayConfiguration
{
    private static readonly string[] Known = ["origin", "origins", "urls", "tls", "memory", "body", "keepStale", "cacheErrors", "timeouts", "retries", "headers", "forwarded", "privateUserHeader", "redis", "rules", .. CachingReader.Known];

    private const string RedisAllowed = "a connection string such as \"redis://127.0.0.1:6379\", with settings \"redis://127.0.0.1:6379?prefix=shop:&timeout=100ms\"";

    /// <summary>Reads a document; null for none.</summary>
    /// <param name="source">How messages call the document.</param>
    public static ConfigurationResult Read(ConfigNode? root, string source, ConfigurationFlags? flags = null)
    {
        var ofFlags = new ConfigReport("");
        var ofDocument = new ConfigReport(source);
        GatewayOptions options = root is null ? new() : Document(root, source, ofDocument);
        if (flags?.Origin is { } given) options = options with { Origin = Origin(new(given, flags.OriginPlace, 0), ofFlags, flag: true) };
        if (flags?.Redis is { } redis) options = options with { Redis = Redis(new(redis, "--redis", 0), ofFlags, flag: true) };
        if (flags?.Urls is { } urls)
        {
            PlacedText[] parts = [.. urls.Split(';', StringSplitOptions.TrimEntries).Select(url => new PlacedText(url, flags.UrlsPlace, 0))];
            options = options with { Urls = ListenReader.Urls(parts, ofFlags, flag: true), Http2Urls = [] };
        }

        if (ofFlags.Problems.Count + ofDocument.Problems.Count == 0) CheckWhole(options, flags?.UrlsPlace, ofFlags);
        ConfigProblem[] problems = [.. ofFlags.Problems, .. ofDocument.Problems.OrderBy(problem => problem.Line)];
        return new(problems.Length > 0 || options is { Origin: null, Origins.Count: 0 } ? null : options, options.Rules.Count, problems);
    }

    private static GatewayOptions Document(ConfigNode root, string source, ConfigReport report)
    {
        GatewayOptions defaults = new();
        if (root is not ConfigMap map)
        {
            report.Add(root.Line, "", $"{Shown.Value(root)} is not allowed; an object with {string.Join(", ", Known)}");
            return defaults;
        }

        var members = new ConfigMembers(map, "", report, Known);
        var files = new ConfigFiles(source, report);
        ConfigMembers? memory = members.Object("memory", "entries", "megabytes");
        ConfigMembers? body = members.Object("body", "megabytes");
        GatewayOptions options = defaults with
        {
            Origin = members.Text("origin", OriginUrl.Allowed) is { } url ? Origin(url, report, flag: false) : null,
            MaxEntries = (int?)memory?.Whole("entries", 0, ConfigLimits.Entries, "whole number") ?? defaults.MaxEntries,
            MaxBytes = (memory?.Whole("megabytes", 0, ConfigLimits.Megabytes, "whole number of megabytes") << 20) ?? defaults.MaxBytes,
            MaxBodyBytes = (body?.Whole("megabytes", 1, ConfigLimits.BodyMegabytes, "whole number of megabytes") << 20) ?? defaults.MaxBodyBytes,
            KeepStale = members.Seconds("keepStale", 0, ConfigLimits.YearSeconds) ?? defaults.KeepStale,
            CacheErrors = members.Flag("cacheErrors") ?? defaults.CacheErrors,
            Redis = members.Text("redis", RedisAllowed) is { } redis ? Redis(redis, report, flag: false) : null,
            Retries = OriginsReader.Retries(members) ?? defaults.Retries,
            Headers = new HeadersReader(report).Read(members),
            Forwarding = Forwarding(members, report),
            PrivateUserHeader = UserHeader(members, report) ?? defaults.PrivateUserHeader,
            Caching = new CachingReader(report).Read(members),
            Rules = [.. Rules(members, report), .. new CachingReader(report).Presets(members)],
        };
        options = new ListenReader(report, files).Read(members, options);
        options = options with { Origins = new OriginsReader(report, files).Read(members) };
        return Timeouts(members, options);
    }

    /// <summary>What is wrong only in the document and the flags together.</summary>
    private static void CheckWhole(GatewayOptions options, string? urlsPlace, ConfigReport report)
    {
        foreach (Uri origin in options.Origins.SelectMany(origin => origin.Urls).Prepend(options.Origin).OfType<Uri>())
        {
            if (options.Urls.FirstOrDefault(url => ListenUrl.IsAt(url, origin)) is { } own)
                report.Add(null, "origin", $"{Shown.Url(origin.OriginalString)} is where larder itself listens ({own}); every request would go round in circles");
        }
        if (options.Origin is not null && options.Origins.FirstOrDefault(origin => origin is { Hosts.Count: 0, Path: "" }) is { } second)
            report.Add(null, "origin", $"{Shown.Url(options.Origin.OriginalString)} and {Shown.Url(second.Urls[0].OriginalString)} would both be for every host and path; give one of them hosts or a path");
        if (options.Tls is null && options.Urls.FirstOrDefault(ListenUrl.IsSecure) is { } secure)
            report.Add(null, urlsPlace ?? "urls", $"{Shown.Url(secure)} needs a certificate; say tls with certificate and key in the configuration");
        if (options.Tls is not null && !options.Urls.Any(ListenUrl.IsSecure))
            report.Add(null, "tls", "there is a certificate, but no URL in urls begins with https");
    }

    private static ForwardingForm Forwarding(ConfigMembers members, ConfigReport report)
    {
        const string Allowed = "one of xForwarded, forwarded, both and none";
        switch (members.Text("forwarded", Allowed))
        {
            case null or { Value: "xForwarded" }: return ForwardingForm.XForwarded;
            case { Value: "forwarded" }: return ForwardingForm.Forwarded;
            case { Value: "both" }: return ForwardingForm.Both;
            case { Value: "none" }: return ForwardingForm.None;
            case { } other:
                report.Refuse(other, Allowed);
                return ForwardingForm.XForwarded;
        }
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
        if (allowed is not null) report.RefuseUrl(url, allowed, flag);
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

    private static string? UserHeader(ConfigMembers members, ConfigReport report)
    {
        const string Allowed = "the name of a request header such as \"Authorization\"";
        if (members.Text("privateUserHeader", Allowed) is not { } name) return null;
        return RequestFieldName.Check(name, Allowed, report) ? name.Value : null;
    }

    private static List<CacheRule> Rules(ConfigMembers members, ConfigReport report)
    {
        var reader = new RuleReader(report);
        return [.. members.Objects("rules", RuleReader.Known).Select(reader.Read).OfType<CacheRule>()];
    }
}
