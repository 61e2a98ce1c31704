using System.Collections.Frozen;

namespace Larder.Gateway.Forwarding;

/// <summary>Which fields a configuration may change, and to what.</summary>
internal static class FieldRules
{
    /// <summary>Longest value, in characters.</summary>
    public const int MaxValue = 4096;

    /// <summary>Most fields that one object sets, and as many that it removes.</summary>
    public const int MaxFields = 50;

    private static readonly FrozenSet<string> Reserved = new[]
    {
        "Host", "Content-Length", "Content-Range", "Content-Encoding", "Expect", "Max-Forwards", "Via", "Age", "Cache-Status", "X-Cache", "X-Cache-Age", "Range", "Date",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Why a field may not be changed; null if it may.</summary>
    public static string? Problem(string name)
    {
        if (HeaderRules.IsHopByHop(name)) return "it belongs to one connection";
        // What is conditional or partial is between the cache and the origin; what is about the bytes is true of bytes that nobody changes.
        if (Reserved.Contains(name) || HeaderRules.IsUntrusted(name) || name.StartsWith("If-", StringComparison.OrdinalIgnoreCase)) return "the gateway itself sets or needs it";
        return null;
    }

    /// <summary>Whether a value can be sent as it is.</summary>
    public static bool IsValue(string value) => value.Length is > 0 and <= MaxValue && value.Trim() == value && value.All(c => c is '\t' or >= ' ' and < '\u007f' or >= '\u00a0' and <= '\u00ff');
}
