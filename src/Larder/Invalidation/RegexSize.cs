namespace Larder;

/// <summary>
/// How long a regular expression is when its counted repetitions are written out: <c>((ab){3}c){2}</c> is 14. Without
/// backtracking the time per character grows with that, so it is what has to be bounded; the framework's own limit
/// comes a hundred times later.
/// </summary>
/// <remarks>
/// No parser: it may count too much (an escape of several characters counts each), never too little, and leaves
/// malformed expressions to the framework. Comments and the option <c>x</c> would change what a count belongs to; they
/// are refused.
/// </remarks>
internal static class RegexSize
{
    /// <summary>The written-out length; <paramref name="most"/> + 1 stands for everything above <paramref name="most"/>.</summary>
    /// <exception cref="ArgumentException">There is a comment or the option x.</exception>
    public static int Of(string pattern, int most)
    {
        var outer = new Stack<int>();
        // Of what stands before the last part of this group, and of that part alone: a count belongs to the latter.
        int before = 0, part = 0;
        for (int i = 0; i < pattern.Length; i++)
        {
            switch (pattern[i])
            {
                case '(':
                    Close();
                    outer.Push(before);
                    before = 0;
                    i = AfterGroupStart(pattern, i);
                    break;
                case ')':
                    Close();
                    part = Math.Max(1, before);
                    before = outer.TryPop(out int around) ? around : 0;
                    break;
                case '[':
                    Close();
                    part = 1;
                    i = EndOfClass(pattern, i);
                    break;
                case '\\':
                    Close();
                    part = 1;
                    i = EndOfEscape(pattern, i);
                    break;
                case '*' or '+' or '?':
                    part = Math.Min(most + 1, part + 1);
                    break;
                case '{' when Repetition(pattern, i, most) is var (times, end) && end > i:
                    part = (int)Math.Min(most + 1, (long)part * Math.Max(1, times));
                    i = end;
                    break;
                default:
                    Close();
                    part = 1;
                    break;
            }
        }
        Close();
        while (outer.TryPop(out int around)) before = Math.Min(most + 1, before + around);
        return before;

        void Close() => (before, part) = (Math.Min(most + 1, before + part), 0);
    }

    /// <summary>The place of the last character of what opens a group.</summary>
    private static int AfterGroupStart(string pattern, int open)
    {
        if (!pattern.AsSpan(open + 1).StartsWith("?")) return open;
        int i = open + 2;
        if (i < pattern.Length && pattern[i] == '#') throw new ArgumentException("The regular expression has a comment; leave it out.", nameof(pattern));
        for (; i < pattern.Length && (char.IsAsciiLetter(pattern[i]) || pattern[i] == '-'); i++)
            if (pattern[i] == 'x') throw new ArgumentException("The regular expression sets the option x; write it without blanks and comments instead.", nameof(pattern));
        return i < pattern.Length && pattern[i] == ':' ? i : i - 1;
    }

    private static int EndOfClass(string pattern, int open)
    {
        int i = open + 1;
        if (i < pattern.Length && pattern[i] == '^') i++;
        // The first bracket stands for itself.
        if (i < pattern.Length && pattern[i] == ']') i++;
        for (; i < pattern.Length && pattern[i] != ']'; i++)
        {
            if (pattern[i] == '\\') i++;
            else if (pattern[i] == '-' && i + 1 < pattern.Length && pattern[i + 1] == '[') i = EndOfClass(pattern, i + 1);
        }
        return i;
    }

    private static int EndOfEscape(string pattern, int escape)
    {
        int end = escape + 1;
        if (end < pattern.Length && pattern[end] is 'p' or 'P' && end + 1 < pattern.Length && pattern[end + 1] == '{')
            return pattern.IndexOf('}', end) is > 0 and var brace ? brace : end;
        return end;
    }

    /// <summary>The larger number of <c>{n}</c>, <c>{n,}</c> or <c>{n,m}</c> and where it ends; otherwise the place it began.</summary>
    private static (int Times, int End) Repetition(string pattern, int open, int most)
    {
        int times = 0, number = 0, digits = 0;
        for (int i = open + 1; i < pattern.Length; i++)
        {
            char c = pattern[i];
            if (char.IsAsciiDigit(c))
            {
                number = Math.Min(most + 1, number * 10 + (c - '0'));
                digits++;
            }
            else if (c == ',' && digits > 0 && times == 0)
            {
                (times, number) = (Math.Max(1, number), 0);
            }
            else
            {
                return c == '}' && digits > 0 ? (Math.Max(times, number), i) : (0, open);
            }
        }
        return (0, open);
    }
}
