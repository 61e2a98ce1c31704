using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>The deprecated <c>Pragma</c> field (RFC 9111 §5.4); callers see to it that Cache-Control goes first.</summary>
internal static class Pragma
{
    /// <summary>Whether one of the members is <c>no-cache</c>.</summary>
    public static bool IsNoCache(StringValues values)
    {
        foreach (string? line in values)
        {
            ReadOnlySpan<char> rest = line;
            while (FieldSyntax.NextMember(ref rest, out ReadOnlySpan<char> member))
            {
                if (FieldSyntax.Is(member, "no-cache")) return true;
            }
        }
        return false;
    }
}
