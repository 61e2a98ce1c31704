using System.Buffers;
using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using System.Text.Unicode;

namespace Larder;

/// <summary>
/// The name under which values of a type are stored: with its assembly, without versions, so that a program's next
/// build finds what the one before stored. <c>T</c> and <c>T?</c> of a value type have one name: their values are the same.
/// </summary>
internal static partial class TypeNames
{
    private const int LongestKnown = 256;
    /// <summary>Those of the types that the program has asked for: what is read of them needs no string of its own.</summary>
    private static readonly ConcurrentDictionary<string, string> Used = new(StringComparer.Ordinal);

    public static string Of<T>() => Cached<T>.Name;

    /// <summary>The name that is written so in UTF-8, if the program uses its type; null where it does not, or it is long.</summary>
    public static string? Known(ReadOnlySpan<byte> utf8)
    {
        Span<char> name = stackalloc char[LongestKnown];
        return Utf8.ToUtf16(utf8, name, out _, out int length, replaceInvalidSequences: false) == OperationStatus.Done
            && Used.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name[..length], out string? known) ? known : null;
    }

    public static string Of(Type type) =>
        Versions().Replace((Nullable.GetUnderlyingType(type) ?? type).AssemblyQualifiedName ?? type.ToString(), "");

    private static string Remembered(string name)
    {
        Used.TryAdd(name, name);
        return name;
    }

    [GeneratedRegex(", (Version|Culture|PublicKeyToken)=[^,\\]]*")]
    private static partial Regex Versions();

    private static class Cached<T>
    {
        public static readonly string Name = Remembered(Of(typeof(T)));
    }
}
