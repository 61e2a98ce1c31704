namespace Larder.AspNetCore.Rfc9111;

/// <summary>Entity tags (RFC 9110 §8.8.3). Malformed ones are kept as written and equal only themselves.</summary>
internal static class EntityTag
{
    /// <summary>Weak comparison (RFC 9110 §8.8.3.2): the opaque parts are the same.</summary>
    public static bool WeakEquals(ReadOnlySpan<char> a, ReadOnlySpan<char> b) => Opaque(a).SequenceEqual(Opaque(b));

    /// <summary>Strong comparison (RFC 9110 §8.8.3.2): both are well-formed, neither is weak, and they are the same.</summary>
    public static bool StrongEquals(ReadOnlySpan<char> a, ReadOnlySpan<char> b) => IsStrong(a) && a.SequenceEqual(b);

    /// <summary>Whether the tag is a well-formed strong one.</summary>
    public static bool IsStrong(ReadOnlySpan<char> tag) =>
        tag is ['"', .., '"'] && !tag[1..^1].Contains('"');

    /// <summary>Takes the next tag of a list; commas within quotes belong to the tag, and there are no escapes.</summary>
    public static bool Next(ref ReadOnlySpan<char> rest, out ReadOnlySpan<char> tag)
    {
        rest = rest.TrimStart(" \t,");
        tag = default;
        if (rest.IsEmpty) return false;

        int opening = rest is ['"', ..] ? 0 : rest is ['W', '/', '"', ..] ? 2 : -1;
        int closing = opening < 0 ? -1 : rest[(opening + 1)..].IndexOf('"');
        int from = closing < 0 ? 0 : opening + 1 + closing;
        int comma = rest[from..].IndexOf(',');
        int end = comma < 0 ? rest.Length : from + comma;
        tag = FieldSyntax.TrimOws(rest[..end]);
        rest = end < rest.Length ? rest[(end + 1)..] : default;
        return true;
    }

    private static ReadOnlySpan<char> Opaque(ReadOnlySpan<char> tag) => tag is ['W', '/', '"', ..] ? tag[2..] : tag;
}
