using System.Text.RegularExpressions;

namespace Larder;

/// <summary>A pattern over keys. Matching takes time linear in the key, whatever the pattern; a glob at most its length times that of the key.</summary>
internal sealed class PatternMatcher
{
    /// <summary>Longest pattern, in characters.</summary>
    public const int MaxLength = 1000;

    private readonly string? _glob;
    private readonly bool _ignoreCase;
    private readonly Regex? _regex;

    private PatternMatcher(string? glob, bool ignoreCase, Regex? regex) => (_glob, _ignoreCase, _regex) = (glob, ignoreCase, regex);

    public static PatternMatcher Glob(string glob, bool ignoreCase = false)
    {
        CheckLength(glob);
        // A run of stars means what one star means; one star a run keeps matching cheap.
        while (glob.Contains("**", StringComparison.Ordinal)) glob = glob.Replace("**", "*", StringComparison.Ordinal);
        return new(glob, ignoreCase, null);
    }

    public static PatternMatcher Regex(string pattern, bool ignoreCase = false)
    {
        CheckLength(pattern);
        if (RegexSize.Of(pattern, MaxLength) > MaxLength)
            throw new ArgumentException($"The regular expression is longer than {MaxLength} characters when its counted repetitions are written out; use smaller counts, * or +.", nameof(pattern));
        try
        {
            const RegexOptions Linear = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant;
            return new(null, ignoreCase, new Regex(pattern, ignoreCase ? Linear | RegexOptions.IgnoreCase : Linear));
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
    private bool GlobMatches(ReadOnlySpan<char> glob, ReadOnlySpan<char> text)
    {
        int g = 0, t = 0, star = -1, resume = 0;
        while (t < text.Length)
        {
            if (g < glob.Length && glob[g] == '*')
            {
                star = g++;
                resume = t;
            }
            else if (g < glob.Length && (glob[g] == '?' || IsSame(glob[g], text[t])))
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

    private bool IsSame(char a, char b) => a == b || _ignoreCase && char.ToUpperInvariant(a) == char.ToUpperInvariant(b);

    private static void CheckLength(string pattern)
    {
        if (pattern.Length > MaxLength)
            throw new ArgumentException($"The pattern has {pattern.Length} characters; at most {MaxLength} are allowed.", nameof(pattern));
    }
}
