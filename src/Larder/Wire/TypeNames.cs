using System.Text.RegularExpressions;

namespace Larder;

/// <summary>
/// The name under which values of a type are stored: with its assembly, without versions, so that a program's next
/// build finds what the one before stored. <c>T</c> and <c>T?</c> of a value type have one name: their values are the same.
/// </summary>
internal static partial class TypeNames
{
    public static string Of<T>() => Cached<T>.Name;

    public static string Of(Type type) =>
        Versions().Replace((Nullable.GetUnderlyingType(type) ?? type).AssemblyQualifiedName ?? type.ToString(), "");

    [GeneratedRegex(", (Version|Culture|PublicKeyToken)=[^,\\]]*")]
    private static partial Regex Versions();

    private static class Cached<T>
    {
        public static readonly string Name = Of(typeof(T));
    }
}
