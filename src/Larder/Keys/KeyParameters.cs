using System.Collections;
using System.Runtime.CompilerServices;

namespace Larder;

/// <summary>
/// Named values that belong to a key: parameters of an endpoint, options of an operation, headers of a request. Their
/// order does not matter; values of one name are all kept, in the order given. Written
/// <c>[("page", 1), ("tags", list)]</c>, or made of a dictionary.
/// </summary>
/// <remarks>
/// Values are strings, numbers, booleans, characters, GUIDs, dates, times and time spans, URIs, enums, null, and the framework's own
/// lists and dictionaries (with string keys) of these; arrays have one dimension. Each carries a mark of its type: <c>1</c> and <c>"1"</c> are different values. Integers
/// of any size that are equal are one value.
/// </remarks>
[CollectionBuilder(typeof(KeyParameters), nameof(Create))]
public readonly struct KeyParameters : IEnumerable<(string Name, object? Value)>
{
    private readonly (string Name, object? Value, int At)[]? _sorted;

    private KeyParameters((string Name, object? Value, int At)[] parameters)
    {
        foreach ((string name, _, _) in parameters) ArgumentNullException.ThrowIfNull(name);
        // By place where names are equal: the sort need not be stable to keep their order.
        Array.Sort(parameters, static (a, b) => string.CompareOrdinal(a.Name, b.Name) is not 0 and var order ? order : a.At.CompareTo(b.At));
        _sorted = parameters;
    }

    /// <summary>Of pairs of name and value.</summary>
    public static KeyParameters Create(ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        if (parameters.IsEmpty) return default;
        var placed = new (string, object?, int)[parameters.Length];
        for (int i = 0; i < placed.Length; i++) placed[i] = (parameters[i].Name, parameters[i].Value, i);
        return new(placed);
    }

    /// <summary>Of a dictionary, or any other pairs.</summary>
    public static KeyParameters Of<TValue>(IEnumerable<KeyValuePair<string, TValue>> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return new([.. parameters.Select(static (pair, at) => (pair.Key, (object?)pair.Value, at))]);
    }

    /// <summary>Of a dictionary.</summary>
    public static implicit operator KeyParameters(Dictionary<string, object?> parameters) => Of(parameters);

    /// <summary>With other names; where they become equal, the values are in the order in which they were given.</summary>
    internal KeyParameters WithNames(Func<string, string> rename) =>
        _sorted is null ? this : new([.. _sorted.Select(p => (rename(p.Name), p.Value, p.At))]);

    internal ReadOnlySpan<(string Name, object? Value, int At)> Sorted => _sorted;

    /// <summary>The pairs, sorted by name.</summary>
    public IEnumerator<(string Name, object? Value)> GetEnumerator() =>
        (_sorted ?? []).Select(static p => (p.Name, p.Value)).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
