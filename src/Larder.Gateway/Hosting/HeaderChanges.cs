namespace Larder.Gateway.Hosting;

/// <summary>Header fields that are set or removed, on the way to the origin and back.</summary>
public sealed record HeaderChanges
{
    /// <summary>No changes.</summary>
    public static readonly HeaderChanges None = new();

    /// <summary>Changes of requests.</summary>
    public FieldChanges Request { get; init; } = FieldChanges.None;

    /// <summary>Changes of answers.</summary>
    public FieldChanges Response { get; init; } = FieldChanges.None;
}

/// <summary>Changes of the fields of one head; what is removed goes before what is set comes.</summary>
public sealed record FieldChanges
{
    /// <summary>No changes.</summary>
    public static readonly FieldChanges None = new();

    /// <summary>Fields that get this value in place of any other; printable Latin-1 and tabs.</summary>
    public IReadOnlyDictionary<string, string> Set { get; init; } = new Dictionary<string, string>();

    /// <summary>Fields that are removed.</summary>
    public IReadOnlyList<string> Remove { get; init; } = [];

    /// <summary>Whether nothing changes.</summary>
    internal bool IsEmpty => Set.Count == 0 && Remove.Count == 0;
}
