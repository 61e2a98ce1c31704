using Microsoft.Extensions.Options;

namespace Larder;

/// <summary>The limits and defaults of one cache.</summary>
public sealed class LarderOptions
{
    /// <summary>Most entries in memory; 1,000 by default.</summary>
    public int MaxEntries { get; set; } = 1000;

    /// <summary>Most bytes in memory, estimated: values, keys and the engine's own share; 100 MiB by default.</summary>
    public long MaxBytes { get; set; } = 100L << 20;

    /// <summary>Lifetime of entries that name none; one hour by default.</summary>
    public TimeSpan DefaultTtl { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// What entries do that do not say it themselves: windows, timeouts, jitter, what is stored. What only one entry can
    /// say (<see cref="EntryOptions.Ttl"/>, tags, user, size, priority, sharing) is not set here.
    /// </summary>
    public EntryOptions DefaultEntry { get; set; } = new();

    /// <summary>Longest key that is cached, in characters; a call with a longer one runs its factory uncached. 1,024 by default.</summary>
    public int MaxKeyLength { get; set; } = 1024;

    /// <summary>Largest single value that is stored, in bytes; 64 MiB by default.</summary>
    public long MaxEntryBytes { get; set; } = 64L << 20;

    /// <summary>Most tags of an entry; an entry with more is not stored. 20 by default.</summary>
    public int MaxTags { get; set; } = 20;

    /// <summary>How many invalidations <see cref="LarderCache.InvalidationHistory"/> keeps; 1,000 by default, 0 switches it off.</summary>
    public int InvalidationHistory { get; set; } = 1000;

    /// <summary>How many invalidations within an hour are worth a warning.</summary>
    public InvalidationThresholds InvalidationsPerHour { get; } = new();

    /// <summary>Estimates the bytes of a value that is kept as an instance; strings, numbers, URIs and structs without references are known without it. Without it any other instance counts 256 bytes, unless <see cref="EntryOptions.Size"/> says more: <see cref="MaxBytes"/> is a bound only as far as these are told.</summary>
    public Func<object, long>? Weigher { get; set; }

    /// <summary>Whether and how values are kept compressed; off by default.</summary>
    public CompressionOptions Compression { get; set; } = new();

    /// <summary>Whether the cache outlives its process in a file; off by default.</summary>
    public SnapshotOptions Snapshot { get; set; } = new();

    /// <summary>How <see cref="LarderCache.Keys"/> makes keys.</summary>
    public KeyOptions Keys { get; } = new();

    /// <summary>What <see cref="LarderHybridCache"/> does beyond the cache's own limits.</summary>
    public LarderHybridCacheOptions HybridCache { get; } = new();

    /// <summary>How <see cref="LarderDistributedCache"/> takes what is stored through it.</summary>
    public LarderDistributedCacheOptions DistributedCache { get; } = new();

    /// <summary>Makes what the Redis tier is made of, for the cache whose clock it is given; null for a cache that lives in one process.</summary>
    internal Func<CacheClock, RemoteSeams>? Remote { get; set; }

    /// <summary>The chance behind <see cref="EntryOptions.Jitter"/>, at least 0 and less than 1; tests replace it.</summary>
    internal Func<double> Chance { get; set; } = Random.Shared.NextDouble;

    /// <summary>What the configuration says and nobody can read; told with everything else that is wrong.</summary>
    internal List<string> Unreadable { get; } = [];
}

/// <summary>Refuses options that can't work, naming the cache, every field, its value and its range at once.</summary>
internal sealed class LarderOptionsValidator : IValidateOptions<LarderOptions>
{
    public ValidateOptionsResult Validate(string? name, LarderOptions options)
    {
        var problems = new List<string>(options.Unreadable);
        Check(options.MaxEntries is >= 0 and <= 100_000_000, nameof(options.MaxEntries), options.MaxEntries, "0 to 100,000,000");
        Check(options.MaxBytes is >= 0 and <= 1L << 40, nameof(options.MaxBytes), options.MaxBytes, "0 to 1 TB");
        CheckTtl(nameof(options.DefaultTtl), options.DefaultTtl);
        Check(options.MaxKeyLength is >= 1 and <= 65_536, nameof(options.MaxKeyLength), options.MaxKeyLength, "1 to 65,536");
        Check(options.MaxEntryBytes is >= 1 and <= 2_000_000_000, nameof(options.MaxEntryBytes), options.MaxEntryBytes, "1 to 2,000,000,000");
        Check(options.MaxTags is >= 0 and <= 1000, nameof(options.MaxTags), options.MaxTags, "0 to 1,000");
        Check(options.InvalidationHistory is >= 0 and <= 100_000, nameof(options.InvalidationHistory), options.InvalidationHistory, "0 to 100,000");
        // Configuration may set a section to null, whatever its type says.
        if (options.DefaultEntry is null) Check(false, nameof(options.DefaultEntry), "null", "a section of its own");
        else CheckTemplate(options.DefaultEntry);
        if (options.Compression is null) Check(false, nameof(options.Compression), "null", "a section of its own");
        else CheckCompression(options.Compression);
        if (options.Snapshot is null) Check(false, nameof(options.Snapshot), "null", "a section of its own");
        else CheckSnapshot(options.Snapshot);
        problems.AddRange(options.Keys.Problems());
        problems.AddRange(options.InvalidationsPerHour.Problems());
        Check(options.HybridCache.MaximumKeyLength is >= 1 and <= 65_536, "HybridCache.MaximumKeyLength", options.HybridCache.MaximumKeyLength, "1 to 65,536");
        Check(options.HybridCache.MaximumPayloadBytes is >= 1 and <= 2_000_000_000, "HybridCache.MaximumPayloadBytes", options.HybridCache.MaximumPayloadBytes, "1 to 2,000,000,000");
        if (options.HybridCache.DefaultEntryOptions is { } entry)
        {
            CheckTtl("HybridCache.DefaultEntryOptions.Expiration", entry.Expiration);
            CheckTtl("HybridCache.DefaultEntryOptions.LocalCacheExpiration", entry.LocalCacheExpiration);
        }
        string of = string.IsNullOrEmpty(name) ? "" : $"Cache '{name}': ";
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems.Select(problem => of + problem));

        void CheckTtl(string field, TimeSpan? ttl) => Check(ttl is null || ttl >= TimeSpan.FromSeconds(1) && ttl <= EntryRules.Longest, field, ttl, "1 second to 365 days");

        void CheckTemplate(EntryOptions template)
        {
            const string Path = nameof(options.DefaultEntry) + ".";
            foreach (string problem in EntryRules.Problems(template) ?? []) problems.Add(Path + problem);
            Check(template.Ttl is null, Path + nameof(template.Ttl), template.Ttl, $"none: {nameof(options.DefaultTtl)} says it");
            Check(template is { Tags: not { Count: > 0 }, User: null, Size: null, ShareInstance: false, Priority: EntryPriority.Normal }, nameof(options.DefaultEntry), "for all entries", "neither tags, user, size, priority nor ShareInstance");
        }

        void CheckCompression(CompressionOptions compression)
        {
            const string Path = nameof(options.Compression) + ".";
            Check(Enum.IsDefined(compression.Algorithm), Path + nameof(compression.Algorithm), compression.Algorithm, "None, Zlib or Brotli");
            Check(compression.Level is >= 1 and <= 9, Path + nameof(compression.Level), compression.Level, "1 to 9");
            Check(compression.Threshold >= 0, Path + nameof(compression.Threshold), compression.Threshold, "0 to 2,147,483,647");
        }

        void CheckSnapshot(SnapshotOptions snapshot)
        {
            const string Path = nameof(options.Snapshot) + ".";
            Check(snapshot.Path is null || IsFile(snapshot.Path), Path + nameof(snapshot.Path), $"'{snapshot.Path}'", "the path of a file");
            Check(snapshot.Interval is null || snapshot.Interval >= TimeSpan.FromSeconds(1) && snapshot.Interval <= TimeSpan.FromDays(7), Path + nameof(snapshot.Interval), $"{snapshot.Interval}", "1 second to 7 days");
            Check(snapshot.Interval is null || snapshot.Path is not null, Path + nameof(snapshot.Interval), $"{snapshot.Interval}", $"none without {Path}{nameof(snapshot.Path)}");
            Check(snapshot.MaxBytes is >= 4096 and <= 1L << 40, Path + nameof(snapshot.MaxBytes), snapshot.MaxBytes, "4,096 to 1 TB");
            Check(snapshot.Owner is null || snapshot.Owner.Length <= SnapshotHeader.MaxOwnerBytes / 4, Path + nameof(snapshot.Owner), $"'{snapshot.Owner}'", "at most 256 characters");
        }

        static bool IsFile(string path) => path.Length > 0 && !path.Contains('\0') && !Path.EndsInDirectorySeparator(path);

        void Check(bool holds, string field, object? value, string range)
        {
            if (!holds) problems.Add(FormattableString.Invariant($"{field} is {value}; allowed is {range}."));
        }
    }
}
