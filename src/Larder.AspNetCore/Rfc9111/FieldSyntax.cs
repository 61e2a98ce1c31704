using System.Buffers;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>The few productions that all field parsers share (RFC 9110 §5.6). Everything is linear and never throws.</summary>
internal static class FieldSyntax
{
    private static readonly SearchValues<char> TokenChars =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Whether the text is a <c>token</c> (RFC 9110 §5.6.2).</summary>
    public static bool IsToken(ReadOnlySpan<char> text) => !text.IsEmpty && !text.ContainsAnyExcept(TokenChars);

    /// <summary>Optional white space is spaces and tabs, nothing else (RFC 9110 §5.6.3).</summary>
    public static bool IsOws(char c) => c is ' ' or '\t';

    /// <summary>Removes optional white space from both ends.</summary>
    public static ReadOnlySpan<char> TrimOws(ReadOnlySpan<char> text) => text.Trim(" \t");

    /// <summary>Equality of ASCII names without regard to case, whatever the machine's culture.</summary>
    public static bool Is(ReadOnlySpan<char> text, string name) => text.Equals(name, StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// Takes the next member of a list that knows no quoting (RFC 9110 §5.6.1): empty members are skipped.
    /// </summary>
    public static bool NextMember(ref ReadOnlySpan<char> rest, out ReadOnlySpan<char> member)
    {
        while (!rest.IsEmpty)
        {
            int comma = rest.IndexOf(',');
            member = TrimOws(comma < 0 ? rest : rest[..comma]);
            rest = comma < 0 ? default : rest[(comma + 1)..];
            if (!member.IsEmpty) return true;
        }
        member = default;
        return false;
    }

    /// <summary>
    /// The index of the quote that closes a <c>quoted-string</c> (RFC 9110 §5.6.4) whose opening quote is at
    /// <paramref name="open"/>, or -1.
    /// </summary>
    public static int ClosingQuote(ReadOnlySpan<char> text, int open)
    {
        for (int i = open + 1; i < text.Length; i++)
        {
            if (text[i] == '\\') i++;
            else if (text[i] == '"') return i;
        }
        return -1;
    }
}
