namespace Larder;

/// <summary>What becomes of a query string in a key.</summary>
public enum QueryOrder : byte
{
    /// <summary>Sorted by name, so that the order of different names does not matter; values of one name keep theirs.</summary>
    Sorted,
    /// <summary>As it was sent.</summary>
    AsSent,
}

/// <summary>How <see cref="CacheKeys"/> makes keys.</summary>
public sealed class KeyOptions
{
    /// <summary>Longest text, in characters, that stands in a key as it is; longer ones stand there as their SHA-256. 1,000 by default, at most 10,000.</summary>
    public int MaxReadableText { get; set; } = 1000;

    /// <summary>What becomes of the query of a request; sorted by default.</summary>
    public QueryOrder QueryOrder { get; set; }

    /// <summary>Whether the making of keys is measured; on by default. Off it costs nothing.</summary>
    public bool Measure { get; set; } = true;

    /// <summary>From when on making a key counts as slow and is logged; 100 ms by default.</summary>
    public TimeSpan SlowAfter { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>What is wrong, for a person: field, value and range.</summary>
    internal IEnumerable<string> Problems()
    {
        if (MaxReadableText is < 0 or > 10_000) yield return Problem(nameof(MaxReadableText), MaxReadableText, "0 to 10,000");
        if (!Enum.IsDefined(QueryOrder)) yield return Problem(nameof(QueryOrder), QueryOrder, "Sorted or AsSent");
        if (SlowAfter <= TimeSpan.Zero || SlowAfter > TimeSpan.FromMinutes(1)) yield return Problem(nameof(SlowAfter), SlowAfter, "more than 0, up to 1 minute");

        static string Problem(string field, object value, string range) => FormattableString.Invariant($"Keys.{field} is {value}; allowed is {range}.");
    }
}
