using System.Buffers;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>The <c>Vary</c> field and the matching of nominated headers (RFC 9111 §4.1, RFC 9110 §12.5.5).</summary>
internal static class Vary
{
    private static readonly SearchValues<char> ListChars = SearchValues.Create(",\"");

    /// <summary>Whether a member is <c>*</c>: no request ever matches.</summary>
    public static bool HasStar(StringValues values)
    {
        foreach (string? line in values)
        {
            ReadOnlySpan<char> rest = line;
            while (FieldSyntax.NextMember(ref rest, out ReadOnlySpan<char> member))
            {
                if (member is "*") return true;
            }
        }
        return false;
    }

    /// <summary>
    /// The nominated headers: lower case, sorted, each once; empty when the field is absent. False when a member is
    /// <c>*</c> or no field name: then the response must not be reused.
    /// </summary>
    public static bool TryParse(StringValues values, out string[] names)
    {
        names = [];
        SortedSet<string>? found = null;
        foreach (string? line in values)
        {
            ReadOnlySpan<char> rest = line;
            while (FieldSyntax.NextMember(ref rest, out ReadOnlySpan<char> member))
            {
                if (member is "*" || !FieldSyntax.IsToken(member)) return false;
                (found ??= new SortedSet<string>(StringComparer.Ordinal)).Add(member.ToString().ToLowerInvariant());
            }
        }
        if (found is not null) names = [.. found];
        return true;
    }

    /// <summary>
    /// The value of a nominated header as it enters the key: lines joined with <c>", "</c>, no white space at the ends
    /// and one form of it around commas, quoted strings untouched. Null when the header is absent, which differs from
    /// an empty one.
    /// </summary>
    public static string? Normalise(StringValues values)
    {
        if (values.Count == 0) return null;
        string value = values.Count == 1 ? values[0] ?? "" : string.Join(", ", values.ToArray());
        if (!value.AsSpan().ContainsAny(ListChars))
        {
            ReadOnlySpan<char> trimmed = FieldSyntax.TrimOws(value);
            return trimmed.Length == value.Length ? value : trimmed.ToString();
        }
        string joined = JoinMembers(value);
        return joined == value ? value : joined;
    }

    /// <summary>
    /// As <see cref="Normalise(StringValues)"/>, knowing the header: languages and codings match without regard to case and order, neither of which has a meaning
    /// there (RFC 9110 §12.5.3, §12.5.4; RFC 9111 §4.1); a value that is no list (cookies, credentials, dates, user agents) only has its lines joined.
    /// </summary>
    public static string? Normalise(string name, StringValues values)
    {
        if (FieldSyntax.Is(name, "Cookie") || FieldSyntax.Is(name, "Authorization") || FieldSyntax.Is(name, "User-Agent"))
            return values.Count == 0 ? null : values.Count == 1 ? values[0] ?? "" : string.Join(", ", values.ToArray());
        string? value = Normalise(values);
        return value is not null && (FieldSyntax.Is(name, "Accept-Language") || FieldSyntax.Is(name, "Accept-Encoding")) ? Sorted(value.ToLowerInvariant()) : value;
    }

    private static string Sorted(string list)
    {
        if (!list.Contains(',', StringComparison.Ordinal)) return list;
        string[] members = list.Split(", ");
        Array.Sort(members, StringComparer.Ordinal);
        return string.Join(", ", members);
    }

    private static string JoinMembers(string value)
    {
        var text = new StringBuilder(value.Length + 8);
        int start = 0;
        bool first = true, quoting = true;
        for (int i = 0; i <= value.Length; i++)
        {
            if (i < value.Length && value[i] == '"' && quoting)
            {
                int close = FieldSyntax.ClosingQuote(value, i);
                if (close < 0) quoting = false; else i = close;
            }
            else if (i == value.Length || value[i] == ',')
            {
                if (!first) text.Append(", ");
                text.Append(FieldSyntax.TrimOws(value.AsSpan(start, i - start)));
                first = false;
                start = i + 1;
            }
        }
        return text.ToString();
    }
}
