using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>The <c>Age</c> field (RFC 9111 §5.1).</summary>
/// <remarks>
/// The RFC would have a cache ignore an Age that is no number, and take the first of several. The public test suite
/// wants such responses to be stale, which is the safe side: nobody knows how old they are. Only a single line that
/// lists different numbers is read by its first member; several lines, and a list that repeats its first member (two
/// lines that someone joined), are unusable.
/// </remarks>
internal static class AgeHeader
{
    /// <summary>
    /// Reads the field: true and the seconds (0 … <see cref="DeltaSeconds.Max"/>) when it is usable; false when it is
    /// absent or unusable, see <see cref="Read"/>.
    /// </summary>
    public static bool TryParse(StringValues values, out long seconds)
    {
        seconds = 0;
        if (values.Count != 1) return false;
        ReadOnlySpan<char> rest = values[0];
        int comma = rest.IndexOf(',');
        ReadOnlySpan<char> first = FieldSyntax.TrimOws(comma < 0 ? rest : rest[..comma]);
        if (!DeltaSeconds.TryParse(first, out long age)) return false;
        rest = comma < 0 ? default : rest[(comma + 1)..];
        while (FieldSyntax.NextMember(ref rest, out ReadOnlySpan<char> member))
        {
            if (member.SequenceEqual(first)) return false;
        }
        seconds = age;
        return true;
    }

    /// <summary>The age to reckon with: 0 when the field is absent, the greatest age when it is unusable.</summary>
    public static long Read(StringValues values) =>
        values.Count == 0 ? 0 : TryParse(values, out long seconds) ? seconds : DeltaSeconds.Max;
}
