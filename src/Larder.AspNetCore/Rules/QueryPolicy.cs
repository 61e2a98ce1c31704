namespace Larder.AspNetCore;

/// <summary>
/// What of a query belongs to the key of a response. The origin gets exactly that and nothing else, so that no part of a request which the key does not
/// hold can change what others are served.
/// </summary>
public sealed class QueryPolicy
{
    private readonly string[] _names;
    private readonly QueryMode _mode;

    private QueryPolicy(QueryMode mode, string[] names)
    {
        _mode = mode;
        _names = names;
    }

    private enum QueryMode : byte
    {
        AsSent,
        Sorted,
        Only,
        Except,
    }

    /// <summary>The whole query as it was sent; the default.</summary>
    public static QueryPolicy AsSent { get; } = new(QueryMode.AsSent, []);

    /// <summary>The whole query, its parameters in the order of their names; several of one name keep theirs.</summary>
    public static QueryPolicy Sorted { get; } = new(QueryMode.Sorted, []);

    /// <summary>Only these parameters, sorted. A name may end in <c>*</c>.</summary>
    /// <exception cref="ArgumentException">A name is empty, or there are more than 100.</exception>
    public static QueryPolicy Only(params string[] names) => new(QueryMode.Only, Checked(names));

    /// <summary>All but these parameters, sorted: <c>utm_*</c>. A name may end in <c>*</c>.</summary>
    /// <exception cref="ArgumentException">There is no name, one is empty, or there are more than 100.</exception>
    public static QueryPolicy Except(params string[] names) =>
        Checked(names).Length > 0 ? new(QueryMode.Except, names) : throw new ArgumentException("Name at least one parameter; for the whole query there is Sorted.", nameof(names));

    /// <summary>Nothing of it.</summary>
    public static QueryPolicy None { get; } = new(QueryMode.Only, []);

    internal bool ChangesQuery => _mode != QueryMode.AsSent;

    /// <summary>As configuration has it: <c>as-sent</c>, <c>sorted</c>, <c>only a b*</c>, <c>except utm_*</c>.</summary>
    public override string ToString() => _mode switch
    {
        QueryMode.AsSent => "as-sent",
        QueryMode.Sorted => "sorted",
        QueryMode.Only => string.Join(' ', ["only", .. _names]),
        _ => string.Join(' ', ["except", .. _names]),
    };

    /// <summary>The target with the query that belongs to the key. Names are compared as they were sent, before any decoding.</summary>
    internal ReadOnlySpan<char> Apply(ReadOnlySpan<char> target)
    {
        int question = target.IndexOf('?');
        if (_mode == QueryMode.AsSent || question < 0) return target;
        var kept = new List<string>();
        foreach (Range range in target[(question + 1)..].Split('&'))
        {
            ReadOnlySpan<char> pair = target[(question + 1)..][range];
            if (!pair.IsEmpty && Keeps(NameOf(pair))) kept.Add(pair.ToString());
        }
        if (kept.Count == 0) return target[..question];
        // Stable: which of several values of one name comes first may matter to the origin.
        return string.Concat(target[..(question + 1)], string.Join('&', kept.OrderBy(static pair => NameOf(pair).ToString(), StringComparer.Ordinal)));
    }

    private bool Keeps(ReadOnlySpan<char> name) => _mode switch
    {
        QueryMode.Only => IsNamed(name),
        QueryMode.Except => !IsNamed(name),
        _ => true,
    };

    private bool IsNamed(ReadOnlySpan<char> name)
    {
        foreach (string own in _names)
            if (own[^1] == '*' ? name.StartsWith(own.AsSpan(..^1), StringComparison.Ordinal) : name.SequenceEqual(own)) return true;
        return false;
    }

    private static ReadOnlySpan<char> NameOf(ReadOnlySpan<char> pair)
    {
        int equals = pair.IndexOf('=');
        return equals < 0 ? pair : pair[..equals];
    }

    private static string[] Checked(string[] names)
    {
        ArgumentNullException.ThrowIfNull(names);
        if (names.Length > 100) throw new ArgumentException($"There are {names.Length} names; allowed are 100.", nameof(names));
        foreach (string name in names)
        {
            ArgumentException.ThrowIfNullOrEmpty(name, nameof(names));
            if (name.AsSpan().ContainsAny("?&#= ")) throw new ArgumentException($"'{name}' is no name of a parameter as it stands in a URL.", nameof(names));
        }
        return names;
    }
}
