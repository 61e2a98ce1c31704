using Microsoft.AspNetCore.Http;

namespace Larder.AspNetCore;

/// <summary>A rule with its tags parsed.</summary>
internal sealed class CompiledRule(CacheRule rule)
{
    private readonly TagTemplate[] _tags = [.. rule.Tags.Select(tag => new TagTemplate(tag, rule.Pattern))];
    private readonly TagTemplate[] _invalidates = [.. rule.Invalidates.Select(tag => new TagTemplate(tag, rule.Pattern))];

    public CacheRule Rule => rule;

    public bool IsPrivate => rule.Scope == RuleScope.Private;

    public bool IsPublic => rule.Scope == RuleScope.Public;

    public string[] TagsFor(string path) => [.. Filled(_tags, path)];

    public IEnumerable<string> InvalidatedBy(string path) => Filled(_invalidates, path);

    /// <summary>A tag that a path leaves empty names nothing.</summary>
    private IEnumerable<string> Filled(TagTemplate[] templates, string path) =>
        templates.Select(tag => tag.For(rule.Pattern, path)).Where(tag => tag.Length > 0);
}

/// <summary>
/// All rules, checked and ready to be asked. Immutable: a changed configuration is a new set, and what was stored under
/// another set is not used any more.
/// </summary>
internal sealed class RuleSet
{
    private readonly CompiledRule[] _rules;

    /// <param name="rules">The rules in their order.</param>
    /// <param name="fingerprint">What tells the set from others outside of this process (<see cref="RulesFingerprint"/>); none where nothing leaves it.</param>
    /// <exception cref="AggregateException">One <see cref="ArgumentException"/> for each rule that can't work.</exception>
    public RuleSet(IEnumerable<CacheRule> rules, byte[]? fingerprint = null)
    {
        Fingerprint = fingerprint ?? [];
        var compiled = new List<CompiledRule>();
        var problems = new List<Exception>();
        int number = 0;
        foreach (CacheRule rule in rules)
        {
            number++;
            if (Problem(rule) is { } problem) problems.Add(new ArgumentException($"Rule {number} ({rule.Pattern}): {problem}"));
            else try { compiled.Add(new(rule)); }
            catch (ArgumentException e) { problems.Add(new ArgumentException($"Rule {number} ({rule.Pattern}): {e.Message}", e)); }
        }
        if (problems.Count > 0) throw new AggregateException("The rules can't be used.", problems);
        _rules = [.. compiled];
    }

    public ReadOnlyMemory<byte> Fingerprint { get; }

    /// <summary>
    /// The first rule for the method and path; null when there is none. A path that servers may read in several ways
    /// is matched only by rules that say never, and by these in its most lenient reading, too: it must neither gain a
    /// lifetime by its look nor lose a ban.
    /// </summary>
    public CompiledRule? Find(string method, string path, bool isPlain)
    {
        string? lenient = isPlain ? null : RequestTarget.MostLenient(path);
        foreach (CompiledRule rule in _rules)
        {
            if (!rule.Rule.IsFor(method) || !(isPlain || rule.Rule.Never)) continue;
            if (rule.Rule.Pattern.IsMatch(path) || (lenient is not null && rule.Rule.Pattern.IsMatch(lenient))) return rule;
        }
        return null;
    }

    private static bool Writes(string method) => !HttpMethods.IsGet(method) && !HttpMethods.IsHead(method);

    private static string? Problem(CacheRule rule) => rule switch
    {
        { Ttl: { } ttl } when ttl < TimeSpan.FromSeconds(1) || ttl > TimeSpan.FromDays(365) => $"ttl is {ttl}; allowed is 1 second to 365 days.",
        { StaleIfError: { } window } when window < TimeSpan.Zero || window > TimeSpan.FromDays(365) => $"staleIfError is {window}; allowed is 0 to 365 days.",
        { StaleWhileRevalidate: { } window } when window < TimeSpan.Zero || window > TimeSpan.FromDays(365) => $"staleWhileRevalidate is {window}; allowed is 0 to 365 days.",
        { Never: true, Ttl: not null } => "it says never and gives a ttl.",
        { Tags.Count: > 20 } => $"it has {rule.Tags.Count} tags; allowed are 20.",
        _ when rule.Methods.Any(string.IsNullOrWhiteSpace) => "a method is empty.",
        { Invalidates.Count: > 0 } when !rule.Methods.Any(Writes) => "it invalidates, but none of its methods writes; name them, such as PUT.",
        { Ttl: not null } when rule.Methods.Count > 0 && rule.Methods.All(Writes) => "it gives a ttl, but answers to its methods are not cached.",
        _ => null,
    };
}
