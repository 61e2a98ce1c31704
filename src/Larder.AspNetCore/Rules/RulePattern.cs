using System.Text.RegularExpressions;

namespace Larder.AspNetCore;

/// <summary>
/// Which paths a rule is for. Matching ignores case, since many servers route so: a path that a rule shuts out must not
/// come in again by another spelling.
/// </summary>
public abstract class RulePattern
{
    private protected RulePattern(string text) => Text = text;

    /// <summary>The pattern as it was written.</summary>
    public string Text { get; }

    /// <summary>
    /// A path template: <c>/jobs/{id}</c>. <c>{name}</c> is one segment, <c>{**name}</c> at the end any number of them; a
    /// slash at the end of the request's path does not matter.
    /// </summary>
    /// <exception cref="ArgumentException">The template is malformed; the message says where.</exception>
    public static RulePattern Path(string template) => new PathTemplate(template);

    /// <summary>A glob over the whole path: <c>*</c> is any text, slashes included, <c>?</c> one character.</summary>
    /// <exception cref="ArgumentException">The glob is empty or longer than 1,000 characters.</exception>
    public static RulePattern Glob(string glob)
    {
        ArgumentException.ThrowIfNullOrEmpty(glob);
        if (glob[0] is not ('/' or '*')) throw new ArgumentException($"The glob '{glob}' can match no path: it must begin with '/' or '*'.", nameof(glob));
        return new Matched("glob", glob, PatternMatcher.Glob(glob, ignoreCase: true));
    }

    /// <summary>A regular expression that matches somewhere in the path; anchor it with <c>^</c> and <c>$</c>. Run without backtracking.</summary>
    /// <exception cref="ArgumentException">The expression is empty, longer than 1,000 characters, malformed, or needs backtracking.</exception>
    public static RulePattern Regex(string regex)
    {
        ArgumentException.ThrowIfNullOrEmpty(regex);
        return new Matched("regex", regex, PatternMatcher.Regex(regex, ignoreCase: true));
    }

    /// <summary>
    /// Actions, which are the last segment of the path: <c>prompt.list</c>, <c>*.list</c> (also <c>list</c> alone), <c>prompt.*</c> or <c>*</c>. Tags may name
    /// <c>{action}</c>, <c>{resource}</c> (all but the last part) and <c>{verb}</c> (the last).
    /// </summary>
    /// <exception cref="ArgumentException">It is no pattern of actions.</exception>
    public static RulePattern Action(string pattern)
    {
        ArgumentException.ThrowIfNullOrEmpty(pattern);
        return ActionPattern.IsPattern(pattern) ? new ActionRulePattern(pattern)
            : throw new ArgumentException($"'{pattern}' is no pattern of actions; patterns are an action, '*.ending', 'beginning.*' and '*'.", nameof(pattern));
    }

    /// <summary>The endpoint that says the rule itself, in its metadata; tags name its route values. In a set of rules it matches nothing.</summary>
    public static RulePattern Endpoint { get; } = new OfEndpoint();

    /// <summary>The pattern as it was written.</summary>
    public override string ToString() => Text;

    /// <summary>How the text is read.</summary>
    internal abstract string Kind { get; }

    internal abstract bool IsMatch(ReadOnlySpan<char> path);

    /// <summary>The part of a matching path that a placeholder stands for; null for an unknown name.</summary>
    internal virtual string? Capture(ReadOnlySpan<char> path, string name) => null;

    internal virtual bool Captures(string name) => false;

    private sealed class OfEndpoint() : RulePattern("(endpoint)")
    {
        internal override string Kind => "endpoint";

        internal override bool IsMatch(ReadOnlySpan<char> path) => false;

        /// <summary>Which route values there are is known only together with the endpoint.</summary>
        internal override bool Captures(string name) => name.Length > 0;
    }

    private sealed class Matched(string kind, string text, PatternMatcher matcher) : RulePattern(text)
    {
        internal override string Kind => kind;

        internal override bool IsMatch(ReadOnlySpan<char> path) => matcher.IsMatch(path);
    }
}
