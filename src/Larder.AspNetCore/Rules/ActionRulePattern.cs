namespace Larder.AspNetCore;

/// <summary>A pattern of actions, over the last segment of a path.</summary>
internal sealed class ActionRulePattern(string text) : RulePattern(text)
{
    private readonly ActionPattern _pattern = new(text);

    internal override string Kind => "action";

    internal override bool IsMatch(ReadOnlySpan<char> path) => ActionOf(path) is var action && ActionPattern.IsAction(action) && _pattern.Matches(action);

    internal override bool Captures(string name) => Is(name, "action") || Is(name, "resource") || Is(name, "verb");

    internal override string? Capture(ReadOnlySpan<char> path, string name)
    {
        ReadOnlySpan<char> action = ActionOf(path);
        int dot = action.LastIndexOf('.');
        return Is(name, "action") ? action.ToString()
            : Is(name, "resource") ? action[..Math.Max(dot, 0)].ToString()
            : Is(name, "verb") ? action[(dot + 1)..].ToString()
            : null;
    }

    private static ReadOnlySpan<char> ActionOf(ReadOnlySpan<char> path)
    {
        path = path.TrimEnd('/');
        return path[(path.LastIndexOf('/') + 1)..];
    }

    private static bool Is(string name, string other) => string.Equals(name, other, StringComparison.OrdinalIgnoreCase);
}
