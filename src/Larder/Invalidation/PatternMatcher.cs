using System.Text.RegularExpressions;

namespace Larder;

/// <summary>A pattern over keys whose matching time is linear in the key, whatever the pattern.</summary>
internal sealed class PatternMatcher
{
    /// <summary>Longest pattern, in characters.</summary>
    public const int MaxLength = 1000;

    private readonly string? _glob;
    private readonly Regex? _regex;

    private PatternMatcher(string? glob, Regex? regex) => (_glob, _regex) = (glob, regex);

    public static PatternMatcher Glob(string glob)
    {
        CheckLength(glob);
        // A run of stars means what one star means; one star a run keeps matching cheap.
        while (glob.Contains("**", StringComparison.Ordinal)) glob = glob.Replace("**", "*", StringComparison.Ordinal);
        return new(glob, null);
    }

    public static PatternMatcher Regex(string pattern)
    {
        CheckLength(pattern);
        try
        {
            return new(null, new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant));
        }
        catch (NotSupportedException e)
        {
            throw new ArgumentException($"The regular expression is not supported: {e.Message}", nameof(pattern), e);
        }
    }

    public bool IsMatch(ReadOnlySpan<char> text) => _regex is { } regex ? regex.IsMatch(text) : GlobMatches(_glob, text);

    /// <summary>
    /// Greedy matching that returns only to the last star: every literal run between stars is searched once from the
    /// left, which is right because an earlier match of a run leaves more room for those after it.
    /// </summary>
    private static bool GlobMatches(ReadOnlySpan<char> glob, ReadOnlySpan<char> text)
    {
        int g = 0, t = 0, star = -1, resume = 0;
        while (t < text.Length)
        {
            if (g < glob.Length && glob[g] == '*')
            {
                star = g++;
                resume = t;
            }
            else if (g < glob.Length && (glob[g] == '?' || glob[g] == text[t]))
            {
                g++;
                t++;
            }
            else if (star >= 0)
            {
                g = star + 1;
                t = ++resume;
            }
            else
            {
                return false;
            }
        }
        while (g < glob.Length && glob[g] == '*') g++;
        return g == glob.Length;
    }

    private static void CheckLength(string pattern)
    {
        if (pattern.Length > MaxLength)
            throw new ArgumentException($"The pattern has {pattern.Length} characters; at most {MaxLength} are allowed.", nameof(pattern));
    }
}
