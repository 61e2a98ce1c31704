using Larder.AspNetCore;
using Microsoft.AspNetCore.Http;

namespace Larder.Gateway.Configuration;

/// <summary>Reads one rule.</summary>
internal sealed class RuleReader(ConfigReport report)
{
    /// <summary>The members of a rule.</summary>
    public static readonly string[] Known =
    [
        "path", "glob", "regex", "action", "methods", "hosts", "ttl", "errorTtl", "overridesOrigin", "heuristics", "scope", "user", "never", "query", "varyByHeaders", "varyByCookies", "body", "tags", "invalidates",
        "staleIfError", "staleWhileRevalidate", "cacheControl", "statuses", "contentTypes", "maxBodyMegabytes", "compress",
    ];

    private const string Method = "a method such as \"GET\"";

    private static readonly (string Name, Func<string, RulePattern> Make, string Allowed)[] Patterns =
    [
        ("path", RulePattern.Path, "a path template such as \"/jobs/{id}\""),
        ("glob", RulePattern.Glob, "a glob such as \"/jobs/*\""),
        ("regex", RulePattern.Regex, "a regular expression such as \"^/jobs/\""),
        ("action", RulePattern.Action, "a pattern of actions such as \"*.list\""),
    ];

    /// <summary>The rule; null if it has no pattern. What is wrong with it has been reported.</summary>
    public CacheRule? Read(ConfigMembers members)
    {
        int before = report.Problems.Count;
        RulePattern? pattern = Pattern(members);
        IReadOnlyList<PlacedText>? methods = members.Texts("methods", Method, "leave it out for GET and HEAD");
        TimeSpan? ttl = members.Seconds("ttl", 1, ConfigLimits.YearSeconds);
        RuleScope scope = Scope(members);
        bool never = members.Flag("never") ?? false;
        IReadOnlyList<PlacedText>? tags = members.Texts("tags", "a tag such as \"job:{id}\"");
        IReadOnlyList<PlacedText>? invalidates = members.Texts("invalidates", "a tag such as \"job:{id}\"");
        TimeSpan? staleIfError = members.Seconds("staleIfError", 0, ConfigLimits.YearSeconds);
        TimeSpan? staleWhileRevalidate = members.Seconds("staleWhileRevalidate", 0, ConfigLimits.YearSeconds);
        foreach (PlacedText method in methods ?? [])
            if (!HttpToken.Is(method.Value)) report.Refuse(method, Method);
        if (pattern is null)
        {
            // What else is wrong with it is told, too.
            _ = new RuleDetailReader(report).Read(members, new() { Pattern = RulePattern.Glob("*") });
            return null;
        }

        CheckTags(tags, pattern);
        CheckTags(invalidates, pattern);
        var rule = new CacheRule
        {
            Pattern = pattern,
            Methods = Values(methods, HttpMethods.GetCanonicalizedValue),
            Ttl = ttl,
            Scope = scope,
            Never = never,
            Tags = Values(tags),
            Invalidates = Values(invalidates),
            StaleIfError = staleIfError,
            StaleWhileRevalidate = staleWhileRevalidate,
        };
        rule = new RuleDetailReader(report).Read(members, rule);
        if (report.Problems.Count == before) CheckWhole(rule, members);
        return rule;
    }

    private RulePattern? Pattern(ConfigMembers members)
    {
        string[] given = [.. Patterns.Select(p => p.Name).Where(members.Has)];
        if (given.Length == 0) report.Add(members.Line, members.Place, "one of path, glob, regex and action is missing");
        if (given.Length > 1) report.Add(members.Line, members.Place, $"only one of path, glob, regex and action is allowed; it has {string.Join(" and ", given)}");
        RulePattern? pattern = null;
        foreach ((string name, Func<string, RulePattern> make, string allowed) in Patterns)
        {
            if (members.Text(name, allowed) is not { } text) continue;
            try
            {
                pattern = make(text.Value);
            }
            catch (ArgumentException e)
            {
                report.Refuse(text, $"{allowed}: {Reason(e)}");
            }
        }
        return pattern;
    }

    private RuleScope Scope(ConfigMembers members)
    {
        const string Allowed = "one of shared, public and private";
        switch (members.Text("scope", Allowed))
        {
            case null or { Value: "shared" }: return RuleScope.Shared;
            case { Value: "public" }: return RuleScope.Public;
            case { Value: "private" }: return RuleScope.Private;
            case { } other:
                report.Refuse(other, Allowed);
                return RuleScope.Private;
        }
    }

    private void CheckTags(IReadOnlyList<PlacedText>? tags, RulePattern pattern)
    {
        foreach (PlacedText tag in tags ?? [])
        {
            try
            {
                _ = new TagTemplate(tag.Value, pattern);
            }
            catch (ArgumentException e)
            {
                report.Refuse(tag, Reason(e));
            }
        }
    }

    /// <summary>What is wrong only in its members together, as the cache itself would say.</summary>
    private void CheckWhole(CacheRule rule, ConfigMembers members)
    {
        try
        {
            _ = new RuleSet([rule]);
        }
        catch (AggregateException e)
        {
            string lead = $"Rule 1 ({rule.Pattern}): ";
            foreach (Exception inner in e.InnerExceptions)
                report.Add(members.Line, members.Place, Shown.Sentence(inner.Message.StartsWith(lead, StringComparison.Ordinal) ? inner.Message[lead.Length..] : inner.Message));
        }
    }

    private static string[] Values(IReadOnlyList<PlacedText>? texts, Func<string, string>? made = null) =>
        [.. (texts ?? []).Select(text => made is null ? text.Value : made(text.Value))];

    /// <summary>The message without the parameter's name that the framework adds.</summary>
    private static string Reason(ArgumentException e)
    {
        int end = e.ParamName is null ? -1 : e.Message.LastIndexOf(" (Parameter '", StringComparison.Ordinal);
        return Shown.Sentence(end < 0 ? e.Message : e.Message[..end]);
    }
}
