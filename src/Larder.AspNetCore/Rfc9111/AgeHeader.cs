using Microsoft.Extensions.Primitives;

namespace Larder.AspNetCore.Rfc9111;

/// <summary>The <c>Age</c> field (RFC 9111 §5.1): of several values the first counts, and one that is no number is ignored.</summary>
internal static class AgeHeader
{
    /// <summary>The age in seconds, 0 … <see cref="DeltaSeconds.Max"/>; 0 where the field is absent or invalid. Parameters, which it does not define, are ignored.</summary>
    public static long Read(StringValues values)
    {
        if (values.Count == 0) return 0;
        ReadOnlySpan<char> first = values[0];
        int comma = first.IndexOf(',');
        if (comma >= 0) first = first[..comma];
        int parameters = first.IndexOf(';');
        if (parameters >= 0) first = first[..parameters];
        return DeltaSeconds.TryParse(FieldSyntax.TrimOws(first), out long seconds) ? seconds : 0;
    }
}
