namespace Larder;

/// <summary>How reading or writing an entry's stored form ended. Everything but <see cref="Done"/> is a miss.</summary>
internal enum WireOutcome : byte
{
    /// <summary>It was read, or written.</summary>
    Done,
    /// <summary>It does not begin as an entry does.</summary>
    NotOurs,
    /// <summary>A part is missing.</summary>
    Cut,
    /// <summary>Its checksum is wrong.</summary>
    Checksum,
    /// <summary>It is whole, in a version of the format that this program does not know.</summary>
    OtherVersion,
    /// <summary>It is whole and contradicts itself; or, when writing, it holds text that is not Unicode.</summary>
    Malformed,
    /// <summary>It, or a part of it, is over a limit.</summary>
    TooLarge,
    /// <summary>It is whole and belongs to another key.</summary>
    OtherKey,
}

/// <summary>What kind of value it is; bits of the stored form.</summary>
[Flags]
internal enum WireFlags : byte
{
    None = 0,
    /// <summary>The value is null; there is no body.</summary>
    Null = 1,
    /// <summary>The value was kept as one instance for all readers, and is so again when it is read.</summary>
    Shared = 2,
}

/// <summary>What is read at most; everything is checked before memory is allocated for it.</summary>
/// <param name="MaxBodyBytes">Largest body, compressed and uncompressed.</param>
/// <param name="MaxKeyLength">Longest key, in characters.</param>
internal readonly record struct WireLimits(long MaxBodyBytes, int MaxKeyLength)
{
    public const int MaxTags = 2048;
    public const int MaxTagBytes = 4096;
    public const int MaxTypeBytes = 16 << 10;
    public const int MaxUserBytes = 64 << 10;

    /// <summary>No stored form within these limits is longer.</summary>
    public long MaxStoredBytes => MaxBodyBytes + MaxKeyLength * 3L + MaxTypeBytes + MaxUserBytes + (long)MaxTags * (MaxTagBytes + sizeof(uint)) + 1024;

    public static WireLimits Of(LarderOptions options) => new(options.MaxEntryBytes, options.MaxKeyLength);

    /// <summary>Keys that faces make may be longer than those of callers.</summary>
    public static WireLimits OfTier(LarderOptions options) => Of(options) with { MaxKeyLength = 65_536 };
}

/// <summary>An entry as it is stored outside of memory: what <see cref="WireFormat"/> writes and reads. Times are Unix time in milliseconds. A struct, as each hit in Redis makes one.</summary>
internal readonly record struct WireEntry()
{
    /// <summary>The newest position seen before the value began to be made.</summary>
    public required Position Stamp { get; init; }
    public required long CreatedAt { get; init; }
    public required long FreshUntil { get; init; }
    public required long StaleWhileRevalidateUntil { get; init; }
    public required long StaleIfErrorUntil { get; init; }
    public required string Key { get; init; }
    /// <summary>What it was stored as (<see cref="TypeNames"/>).</summary>
    public required string Type { get; init; }
    public string? User { get; init; }
    public string[] Tags { get; init; } = [];
    /// <summary>Where in the key the part begins that patterns are matched against.</summary>
    public required int SubjectStart { get; init; }
    public required int SubjectEnd { get; init; }
    public WireFlags Flags { get; init; }
    public required CompressionAlgorithm Encoding { get; init; }
    /// <summary>Bytes of the body before it was compressed.</summary>
    public required int Length { get; init; }
    /// <summary>The body as stored. When it was read, a part of what was read: copied by whoever keeps it.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }
}
