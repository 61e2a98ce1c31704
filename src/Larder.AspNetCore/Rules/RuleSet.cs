namespace Larder.AspNetCore;

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
            if (RuleProblems.Of(rule) is { } problem) problems.Add(new ArgumentException($"Rule {number} ({rule.Pattern}): {problem}"));
            else try { compiled.Add(new(rule)); }
            catch (ArgumentException e) { problems.Add(new ArgumentException($"Rule {number} ({rule.Pattern}): {e.Message}", e)); }
        }
        if (problems.Count > 0) throw new AggregateException("The rules can't be used.", problems);
        _rules = [.. compiled];
        ShapesKeys = compiled.Exists(static rule => rule.Rule.Query.ChangesQuery || rule.Rule.VaryBy is not null);
        KeysBodies = compiled.Exists(static rule => rule.Rule.Body is not null);
    }

    public ReadOnlyMemory<byte> Fingerprint { get; }

    /// <summary>Whether a rule decides what of the URL belongs to the key, so that it must be known before anything is looked up.</summary>
    public bool ShapesKeys { get; }

    /// <summary>Whether a rule caches requests that have a body.</summary>
    public bool KeysBodies { get; }

    /// <summary>The how-manieth rule of the set it is, from 1.</summary>
    public int NumberOf(CompiledRule rule) => Array.IndexOf(_rules, rule) + 1;

    /// <summary>
    /// The first rule for a request; null when there is none. A path that servers may read in several ways is matched only by rules that say never, and
    /// by these in its most lenient reading, too: it must neither gain a lifetime by its look nor lose a ban.
    /// </summary>
    public CompiledRule? Find(in RuleSubject subject)
    {
        string? lenient = subject.IsPlain ? null : RequestTarget.MostLenient(subject.Path);
        foreach (CompiledRule rule in _rules)
        {
            if (!subject.IsPlain && !rule.Rule.Never) continue;
            if (rule.IsFor(subject) || (lenient is not null && rule.IsFor(new(subject.Method, subject.Host, lenient, isPlain: true)))) return rule;
        }
        return null;
    }
}
