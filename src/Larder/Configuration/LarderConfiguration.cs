using System.Collections.Frozen;
using System.Globalization;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>
/// Reads <see cref="LarderOptions"/> from the section <c>Larder</c>, those of a named cache from <c>Larder:name</c>. It
/// needs no reflection, and unlike a binder it does not stop at the first value that it can't read.
/// </summary>
internal static class LarderConfiguration
{
    public const string Section = "Larder";

    /// <summary>Stores a value; returns what is needed instead where it can't be read.</summary>
    private delegate string? Reader(LarderOptions options, string text);

    private static readonly FrozenDictionary<string, Reader> Fields = new Dictionary<string, Reader>
    {
        [nameof(LarderOptions.MaxEntries)] = Whole((o, n) => o.MaxEntries = n),
        [nameof(LarderOptions.MaxBytes)] = Long((o, n) => o.MaxBytes = n),
        [nameof(LarderOptions.DefaultTtl)] = Span((o, span) => o.DefaultTtl = span),
        ["DefaultEntry:Jitter"] = Share((o, share) => o.DefaultEntry = o.DefaultEntry with { Jitter = share }),
        ["DefaultEntry:EagerRefresh"] = Share((o, share) => o.DefaultEntry = o.DefaultEntry with { EagerRefresh = share }),
        ["DefaultEntry:StaleWhileRevalidate"] = Span((o, span) => o.DefaultEntry = o.DefaultEntry with { StaleWhileRevalidate = span }),
        ["DefaultEntry:StaleIfError"] = Span((o, span) => o.DefaultEntry = o.DefaultEntry with { StaleIfError = span }),
        ["DefaultEntry:SoftTimeout"] = Span((o, span) => o.DefaultEntry = o.DefaultEntry with { SoftTimeout = span }),
        ["DefaultEntry:HardTimeout"] = Span((o, span) => o.DefaultEntry = o.DefaultEntry with { HardTimeout = span }),
        ["DefaultEntry:WaitForOtherNodes"] = Span((o, span) => o.DefaultEntry = o.DefaultEntry with { WaitForOtherNodes = span }),
        ["DefaultEntry:RetryAfter"] = Span((o, span) => o.DefaultEntry = o.DefaultEntry with { RetryAfter = span }),
        ["DefaultEntry:FailureTtl"] = Span((o, span) => o.DefaultEntry = o.DefaultEntry with { FailureTtl = span }),
        ["DefaultEntry:StoreNull"] = Bool((o, on) => o.DefaultEntry = o.DefaultEntry with { StoreNull = on }),
        [nameof(LarderOptions.MaxKeyLength)] = Whole((o, n) => o.MaxKeyLength = n),
        [nameof(LarderOptions.MaxEntryBytes)] = Long((o, n) => o.MaxEntryBytes = n),
        [nameof(LarderOptions.MaxTags)] = Whole((o, n) => o.MaxTags = n),
        [nameof(LarderOptions.InvalidationHistory)] = Whole((o, n) => o.InvalidationHistory = n),
        ["InvalidationsPerHour:Warning"] = Whole((o, n) => o.InvalidationsPerHour.Warning = n),
        ["InvalidationsPerHour:Critical"] = Whole((o, n) => o.InvalidationsPerHour.Critical = n),
        ["Compression:Algorithm"] = OneOf<CompressionAlgorithm>((o, algorithm) => o.Compression.Algorithm = algorithm),
        ["Compression:Level"] = Whole((o, n) => o.Compression.Level = n),
        ["Compression:Threshold"] = Whole((o, n) => o.Compression.Threshold = n),
        ["Snapshot:Path"] = Text((o, path) => o.Snapshot.Path = path),
        ["Snapshot:Interval"] = Span((o, span) => o.Snapshot.Interval = span),
        ["Snapshot:MaxBytes"] = Long((o, n) => o.Snapshot.MaxBytes = n),
        ["Snapshot:Owner"] = Text((o, owner) => o.Snapshot.Owner = owner),
        ["Keys:MaxReadableText"] = Whole((o, n) => o.Keys.MaxReadableText = n),
        ["Keys:QueryOrder"] = OneOf<QueryOrder>((o, order) => o.Keys.QueryOrder = order),
        ["Keys:Measure"] = Bool((o, on) => o.Keys.Measure = on),
        ["Keys:SlowAfter"] = Span((o, span) => o.Keys.SlowAfter = span),
        ["HybridCache:MaximumKeyLength"] = Whole((o, n) => o.HybridCache.MaximumKeyLength = n),
        ["HybridCache:MaximumPayloadBytes"] = Long((o, n) => o.HybridCache.MaximumPayloadBytes = n),
        ["HybridCache:DefaultEntryOptions:Expiration"] = Span((o, span) => o.HybridCache.DefaultEntryOptions = With(o, expiration: span)),
        ["HybridCache:DefaultEntryOptions:LocalCacheExpiration"] = Span((o, span) => o.HybridCache.DefaultEntryOptions = With(o, local: span)),
        ["HybridCache:DefaultEntryOptions:Flags"] = OneOf<HybridCacheEntryFlags>((o, flags) => o.HybridCache.DefaultEntryOptions = With(o, flags: flags)),
        ["DistributedCache:MissesBeginFills"] = Bool((o, on) => o.DistributedCache.MissesBeginFills = on),
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>The section, beside a cache's own fields, of the tier that is shared with other nodes; who adds that reads it.</summary>
    public const string TierSection = "Redis";

    /// <summary>Whether a cache of this name would have its section where an option has its own.</summary>
    public static bool IsField(string name) =>
        string.Equals(name, nameof(LarderOptions.Weigher), StringComparison.OrdinalIgnoreCase) || string.Equals(name, TierSection, StringComparison.OrdinalIgnoreCase)
        || Fields.Keys.Any(field => string.Equals(field.Split(':')[0], name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The fields by their paths within a section.</summary>
    public static IReadOnlyCollection<string> Paths => Fields.Keys;

    /// <param name="options">Where what is read goes.</param>
    /// <param name="name">The cache's name; empty for the one without.</param>
    /// <param name="others">The names of the other caches: their sections are below the unnamed one's, and no fields of its own.</param>
    /// <param name="configuration">The program's configuration.</param>
    /// <param name="logger">Where fields that nobody knows are told.</param>
    public static void Read(LarderOptions options, string name, IReadOnlySet<string> others, IConfiguration configuration, ILogger? logger)
    {
        IConfigurationSection section = configuration.GetSection(name.Length == 0 ? Section : $"{Section}:{name}");
        options.Unreadable.Clear();
        foreach (IConfigurationSection child in section.GetChildren())
        {
            if (string.Equals(child.Key, TierSection, StringComparison.OrdinalIgnoreCase)) continue;
            ReadValue(options, child, child.Key, logger);
            if (name.Length > 0 || !others.Contains(child.Key)) ReadChildren(options, child, child.Key, logger);
        }
    }

    private static void ReadChildren(LarderOptions options, IConfigurationSection section, string path, ILogger? logger)
    {
        foreach (IConfigurationSection child in section.GetChildren())
        {
            string field = $"{path}:{child.Key}";
            ReadValue(options, child, field, logger);
            ReadChildren(options, child, field, logger);
        }
    }

    private static void ReadValue(LarderOptions options, IConfigurationSection node, string field, ILogger? logger)
    {
        if (node.Value is not { } text) return;
        if (Fields.TryGetValue(field, out Reader? read)) Read(options, field, text, read);
        else if (logger is not null) Log.FieldUnknown(logger, node.Path);
    }

    private static void Read(LarderOptions options, string field, string text, Reader read)
    {
        // The validator says that the whole section is missing.
        if (IsNull(options, field.Split(':')[0])) return;
        const int MostShown = 100;
        if (read(options, text) is { } needed)
            options.Unreadable.Add($"{field.Replace(':', '.')} is '{(text.Length <= MostShown ? text : text[..MostShown] + "…")}'; needed is {needed}.");
    }

    private static bool IsNull(LarderOptions options, string section) =>
        section.Equals(nameof(options.Compression), StringComparison.OrdinalIgnoreCase) && options.Compression is null
        || section.Equals(nameof(options.Snapshot), StringComparison.OrdinalIgnoreCase) && options.Snapshot is null
        || section.Equals(nameof(options.DefaultEntry), StringComparison.OrdinalIgnoreCase) && options.DefaultEntry is null;

    private static Reader Whole(Action<LarderOptions, int> set) => (options, text) =>
    {
        if (!int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)) return "a whole number up to 2,147,483,647";
        set(options, number);
        return null;
    };

    private static Reader Long(Action<LarderOptions, long> set) => (options, text) =>
    {
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)) return "a whole number of bytes";
        set(options, number);
        return null;
    };

    private static Reader Share(Action<LarderOptions, double> set) => (options, text) =>
    {
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double share)) return "a share such as 0.1";
        set(options, share);
        return null;
    };

    private static Reader Text(Action<LarderOptions, string> set) => (options, text) =>
    {
        set(options, text);
        return null;
    };

    private static Reader Span(Action<LarderOptions, TimeSpan> set) => (options, text) =>
    {
        // A bare number would be days.
        if (!text.Contains(':') || !TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out TimeSpan span)) return "a time span such as 00:05:00";
        set(options, span);
        return null;
    };

    private static Reader Bool(Action<LarderOptions, bool> set) => (options, text) =>
    {
        if (!bool.TryParse(text, out bool on)) return "true or false";
        set(options, on);
        return null;
    };

    private static Reader OneOf<T>(Action<LarderOptions, T> set) where T : struct, Enum => (options, text) =>
    {
        if (char.IsAsciiDigit(text.FirstOrDefault()) || !Enum.TryParse(text, ignoreCase: true, out T value)) return "one of " + string.Join(", ", Enum.GetNames<T>());
        set(options, value);
        return null;
    };

    private static HybridCacheEntryOptions With(LarderOptions options, TimeSpan? expiration = null, TimeSpan? local = null, HybridCacheEntryFlags? flags = null)
    {
        HybridCacheEntryOptions? before = options.HybridCache.DefaultEntryOptions;
        return new() { Expiration = expiration ?? before?.Expiration, LocalCacheExpiration = local ?? before?.LocalCacheExpiration, Flags = flags ?? before?.Flags };
    }
}
