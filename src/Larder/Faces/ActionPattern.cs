namespace Larder;

/// <summary>Which actions a lifetime or a rule is for: an action (<c>prompt.list</c>), an ending (<c>*.list</c>, also <c>list</c> alone), a beginning (<c>prompt.*</c>) or all (<c>*</c>).</summary>
/// <remarks>An action has parts of letters, digits, <c>_</c> and <c>-</c>, separated by dots, and at most <see cref="MaxActionLength"/> characters.</remarks>
internal readonly record struct ActionPattern(string Text)
{
    /// <summary>Longest action, in characters.</summary>
    public const int MaxActionLength = 200;

    public static bool IsPattern(string pattern) =>
        pattern == "*"
        || IsAction(pattern.StartsWith("*.", StringComparison.Ordinal) ? pattern[2..] : pattern.EndsWith(".*", StringComparison.Ordinal) ? pattern[..^2] : pattern);

    public static bool IsAction(ReadOnlySpan<char> text)
    {
        if (text.Length is 0 or > MaxActionLength || text[0] == '.' || text[^1] == '.') return false;
        for (int i = 0; i < text.Length; i++)
            if (!(char.IsAsciiLetterOrDigit(text[i]) || text[i] is '_' or '-' || text[i] == '.' && text[i - 1] != '.')) return false;
        return true;
    }

    public bool Matches(ReadOnlySpan<char> action) =>
        Text == "*" ? true
        : Text.StartsWith("*.", StringComparison.Ordinal) ? EndsIn(action, Text.AsSpan(2))
        : Text.EndsWith(".*", StringComparison.Ordinal) ? action.StartsWith(Text.AsSpan(..^1), StringComparison.OrdinalIgnoreCase)
        : action.Equals(Text, StringComparison.OrdinalIgnoreCase);

    private static bool EndsIn(ReadOnlySpan<char> action, ReadOnlySpan<char> end) =>
        action.EndsWith(end, StringComparison.OrdinalIgnoreCase) && (action.Length == end.Length || action[^(end.Length + 1)] == '.');
}
