using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Collections.ObjectModel;
using System.Dynamic;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Larder;

/// <summary>
/// Which collections are nothing but their items, so that the items can stand for them: the framework's own. A class of
/// the program may hold more than it enumerates (a page's total, a filter's flag, a group's key), and two that differ in that
/// would make one key.
/// </summary>
internal static class FrameworkCollections
{
    private static readonly FrozenSet<Assembly> Framework = FrozenSet.ToFrozenSet(
    [
        typeof(List<>).Assembly, typeof(SortedDictionary<,>).Assembly, typeof(ImmutableList<>).Assembly, typeof(ConcurrentBag<>).Assembly,
        typeof(ObservableCollection<>).Assembly, typeof(Hashtable).Assembly, typeof(Enumerable).Assembly,
    ]);

    /// <summary>Whether a collection of exactly this type is its items and no more.</summary>
    public static bool IsItsItems(Type type)
    {
        // An array of several dimensions has lengths that its items do not tell, another lower bound likewise.
        if (type.IsArray) return type.IsSZArray;
        if (type == typeof(ExpandoObject)) return true;
        return Framework.Contains(type.Assembly)
            ? type.Namespace switch
            {
                "System.Collections" or "System.Collections.Generic" or "System.Collections.Concurrent" or "System.Collections.Immutable"
                    or "System.Collections.Frozen" or "System.Collections.ObjectModel" => true,
                "System" => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ArraySegment<>),
                // Queries are what they give; groups have a key, too.
                "System.Linq" => !IsGrouped(type),
                _ => false,
            }
            : IsCollectionExpression(type);
    }

    /// <summary>Of the classes that System.Linq has, the ones of groups are found by name: their interfaces need not survive trimming.</summary>
    private static bool IsGrouped(Type type) => type.Name.Contains("Grouping", StringComparison.Ordinal) || type.Name.Contains("Lookup", StringComparison.Ordinal);

    /// <summary>What the compiler makes of <c>[a, b]</c> where a read-only interface is asked for; no program can write such a name.</summary>
    private static bool IsCollectionExpression(Type type) =>
        type.Name.StartsWith("<>z__ReadOnly", StringComparison.Ordinal) && type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false);
}
