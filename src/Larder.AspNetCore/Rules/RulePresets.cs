namespace Larder.AspNetCore;

/// <summary>Sets of rules to begin with, by name. What a set has can be put in front of it or behind it; the first match wins.</summary>
public static class RulePresets
{
    /// <summary>The names that <see cref="Find"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = ["actions", "jobs", "analytics"];

    /// <summary>
    /// APIs whose calls are actions (<c>/prompt.list</c>): reads by their verb, the longest pattern first; what creates, updates, deletes, adds, removes, clears,
    /// executes or generates is not cached, and ends the reads of its resource after success.
    /// </summary>
    public static IReadOnlyList<CacheRule> Actions { get; } = MakeActions();

    /// <summary>Job APIs, by path: health and version for everybody, jobs for each user, never <c>/auth</c>, <c>/transcribe</c> and <c>/ws</c>.</summary>
    public static IReadOnlyList<CacheRule> Jobs { get; } =
    [
        .. ((string[])["/auth/*", "/auth", "/transcribe", "/transcribe/*", "/ws/*", "/ws"]).Select(Never),
        Public("/health", 60),
        Public("/version", 3600),
        Own("/jobs", 120, "jobs"),
        Own("/jobs/{id}", 60, "jobs", "job:{id}"),
        Own("/jobs/{id}/download", 300, "job:{id}"),
        Ends("/jobs", "jobs"),
        Ends("/jobs/{id}", "jobs", "job:{id}"),
    ];

    /// <summary>Analytics APIs, by regular expression; predictions and conversations never, whatever else they match.</summary>
    public static IReadOnlyList<CacheRule> Analytics { get; } =
    [
        new() { Pattern = RulePattern.Regex("^/api/predictive/.*"), Never = true },
        new() { Pattern = RulePattern.Regex("^/api/conversation/.*"), Never = true },
        Regex("^/api/analytics/.*", 300),
        Regex("^/api/ml/drift/status/.*", 60),
        Regex("^/api/.*/summary.*", 600),
        Regex("^/api/health.*", 30),
    ];

    /// <summary>A set by its name.</summary>
    /// <exception cref="ArgumentException">There is no such set; the message names those there are.</exception>
    public static IReadOnlyList<CacheRule> Find(string name) => name switch
    {
        "actions" => Actions,
        "jobs" => Jobs,
        "analytics" => Analytics,
        _ => throw new ArgumentException($"There is no preset '{name}'; there are {string.Join(", ", Names)}.", nameof(name)),
    };

    private static CacheRule[] MakeActions()
    {
        var defaults = new ActionCacheOptions();
        string[] writes = [.. defaults.WriteVerbs.Order(StringComparer.Ordinal).Select(static verb => $"*.{verb}")];
        return
        [
            .. writes.Select(static pattern => new CacheRule { Pattern = RulePattern.Action(pattern), Never = true }),
            .. writes.Select(static pattern => new CacheRule { Pattern = RulePattern.Action(pattern), Methods = ["POST", "PUT", "PATCH", "DELETE"], Invalidates = ["action:{resource}"] }),
            .. defaults.Ttls.OrderByDescending(static pair => pair.Key.Length).ThenBy(static pair => pair.Key, StringComparer.Ordinal)
                .Select(static pair => new CacheRule { Pattern = RulePattern.Action(pair.Key), Ttl = pair.Value, Tags = ["action:{resource}"] }),
        ];
    }

    private static CacheRule Never(string glob) => new() { Pattern = RulePattern.Glob(glob), Never = true };

    private static CacheRule Public(string path, int seconds) => new()
    {
        Pattern = RulePattern.Path(path), Ttl = TimeSpan.FromSeconds(seconds), Scope = RuleScope.Public, CacheControl = $"public, max-age={seconds}",
    };

    private static CacheRule Own(string path, int seconds, params string[] tags) => new()
    {
        Pattern = RulePattern.Path(path), Ttl = TimeSpan.FromSeconds(seconds), Scope = RuleScope.Private, Tags = tags, CacheControl = $"private, max-age={seconds}",
    };

    private static CacheRule Ends(string path, params string[] tags) => new() { Pattern = RulePattern.Path(path), Methods = ["POST", "PUT", "PATCH", "DELETE"], Invalidates = tags };

    private static CacheRule Regex(string regex, int seconds) => new() { Pattern = RulePattern.Regex(regex), Ttl = TimeSpan.FromSeconds(seconds) };
}
