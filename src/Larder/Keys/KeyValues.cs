using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Larder;

/// <summary>
/// How values stand in a key: a mark of the type, then <c>length:text</c> in the invariant culture, so that no two values
/// that differ read alike.
/// </summary>
internal static class KeyValues
{
    /// <summary>Lists and dictionaries within each other; one that contains itself ends here, too.</summary>
    public const int MaxDepth = 16;

    public static void Write(ref KeyWriter key, object? value, int depth = 0)
    {
        if (depth > MaxDepth) throw new ArgumentException($"A value of a key may hold lists and dictionaries {MaxDepth} deep; this one goes deeper.", nameof(value));
        if (value is null)
        {
            key.Append("z");
        }
        else if (MarkOf(value.GetType()) is { } mark)
        {
            key.Append(mark);
            WriteScalar(ref key, value);
        }
        else if (!FrameworkCollections.IsItsItems(value.GetType()))
        {
            throw Unsupported(value.GetType());
        }
        else if (value is IDictionary dictionary)
        {
            key.Append("{");
            WriteParameters(ref key, KeyParameters.Of(Pairs(dictionary)), depth + 1);
            key.Append("}");
        }
        else if (value is IEnumerable<KeyValuePair<string, object?>> pairs)
        {
            key.Append("{");
            WriteParameters(ref key, KeyParameters.Of(pairs), depth + 1);
            key.Append("}");
        }
        else if (value is IEnumerable list)
        {
            key.Append("[");
            foreach (object? item in list) Write(ref key, item, depth + 1);
            key.Append("]");
        }
        else
        {
            throw Unsupported(value.GetType());
        }
    }

    /// <summary>Appends <c> length:name=value</c> for each.</summary>
    public static void WriteParameters(ref KeyWriter key, KeyParameters parameters, int depth = 0, string mark = " ")
    {
        foreach ((string name, object? value, _) in parameters.Sorted)
        {
            key.Append(mark);
            key.AppendPart(name);
            key.Append("=");
            Write(ref key, value, depth);
        }
    }

    /// <summary>Whether a value of this type is written as itself, not as what it holds.</summary>
    public static bool IsScalar(Type type) => MarkOf(Nullable.GetUnderlyingType(type) ?? type) is not null;

    /// <summary>Whether no value of a declared type can be part of a key; of what is open to all kinds only a value itself tells.</summary>
    public static bool IsImpossible(Type type) =>
        // A collection of the program's is none that its items could stand for, nor is what implements an interface of the program's.
        typeof(IEnumerable).IsAssignableFrom(type) ? !IsScalar(type) && !FrameworkCollections.IsItsItems(type)
        : !IsScalar(type) && type != typeof(object) && !type.IsInterface && !type.IsAbstract;

    /// <summary>Why not every value of a declared type can be part of a key; null where each can.</summary>
    [RequiresUnreferencedCode("Looks at the interfaces of a type.")]
    public static string? Problem(Type type, int depth = 0)
    {
        if (IsScalar(type)) return null;
        if (depth == MaxDepth) return $"a {type} may hold others of its kind without end";
        if (!FrameworkCollections.IsItsItems(type)) return Unsupported(type).Message.TrimEnd('.');
        Type[] interfaces = [.. type.GetInterfaces().Append(type).Where(i => i.IsGenericType)];
        Type[]? pair = interfaces.FirstOrDefault(i => i.GetGenericTypeDefinition() == typeof(IDictionary<,>) || i.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>))?.GetGenericArguments();
        if (pair is not null)
            return pair[0] != typeof(string) ? $"a dictionary needs strings for keys; {type} has others" : Problem(pair[1], depth + 1);
        Type? item = interfaces.FirstOrDefault(i => i.GetGenericTypeDefinition() == typeof(ICollection<>) || i.GetGenericTypeDefinition() == typeof(IReadOnlyCollection<>))?.GetGenericArguments()[0];
        if (item is not null) return Problem(item, depth + 1);
        return typeof(IEnumerable).IsAssignableFrom(type)
            ? $"a {type} may be read only once; declare it as IReadOnlyList<T>"
            : Unsupported(type).Message.TrimEnd('.');
    }

    public static ArgumentException Unsupported(Type type) => new(
        $"A value of type {type} can't be part of a key. Supported are strings, numbers, booleans, characters, GUIDs, dates, times, URIs, enums, null, and the framework's own lists and dictionaries of these: pass one of them instead, such as the value's id.");

    private static void WriteScalar(ref KeyWriter key, object value)
    {
        Span<char> room = stackalloc char[64];
        switch (value)
        {
            case string text:
                key.AppendPart(text);
                break;
            case Uri uri:
                WriteUri(ref key, uri);
                break;
            // Which enum a name belongs to: two of them may share it.
            case Enum:
                key.AppendPart(value.GetType().FullName);
                key.AppendPart(value.ToString());
                break;
            case DateTime or DateTimeOffset or DateOnly or TimeOnly when ((ISpanFormattable)value).TryFormat(room, out int written, "O", CultureInfo.InvariantCulture):
                key.AppendPart(room[..written]);
                break;
            case ISpanFormattable formattable when formattable.TryFormat(room, out int written, default, CultureInfo.InvariantCulture):
                key.AppendPart(room[..written]);
                break;
            default:
                key.AppendPart(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }
    }

    /// <summary>
    /// As it is written, then <c>=</c> where it is absolute, with what it stands for where that is written otherwise: what is written alone
    /// does not say whether <c>/a</c> is a path or a file, or whether <c>/a/../b</c> was to stay so.
    /// </summary>
    private static void WriteUri(ref KeyWriter key, Uri uri)
    {
        key.AppendPart(uri.OriginalString);
        if (!uri.IsAbsoluteUri) return;
        key.Append("=");
        if (uri.AbsoluteUri != uri.OriginalString) key.AppendPart(uri.AbsoluteUri);
    }

    private static string? MarkOf(Type type) =>
        type == typeof(string) ? "s"
        : type.IsEnum ? "e"
        : Type.GetTypeCode(type) switch
        {
            TypeCode.Boolean => "b",
            TypeCode.Char => "c",
            TypeCode.SByte or TypeCode.Byte or TypeCode.Int16 or TypeCode.UInt16 or TypeCode.Int32 or TypeCode.UInt32 or TypeCode.Int64 or TypeCode.UInt64 => "i",
            TypeCode.Single => "f",
            TypeCode.Double => "d",
            TypeCode.Decimal => "m",
            TypeCode.DateTime => "t",
            _ => OtherMarkOf(type),
        };

    private static string? OtherMarkOf(Type type) =>
        type == typeof(Guid) ? "g"
        : type == typeof(DateTimeOffset) ? "o"
        : type == typeof(DateOnly) ? "D"
        : type == typeof(TimeOnly) ? "T"
        : type == typeof(TimeSpan) ? "S"
        : type == typeof(Int128) || type == typeof(UInt128) ? "i"
        : type == typeof(Half) ? "h"
        : type == typeof(Uri) ? "u"
        : null;

    private static IEnumerable<KeyValuePair<string, object?>> Pairs(IDictionary dictionary)
    {
        foreach (DictionaryEntry entry in dictionary)
            yield return new(entry.Key as string ?? throw new ArgumentException("A dictionary in a key needs strings for keys.", nameof(dictionary)), entry.Value);
    }
}
