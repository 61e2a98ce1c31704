using System.Buffers;
using System.Buffers.Binary;

namespace Larder;

/// <summary>
/// The stored form of an entry, in Redis and in snapshots. Little-endian; docs/wire-format.md says the same at length.
/// <code>
///   0  4  magic "LRDR"                                    ┐
///   4  1  version                                         │ the envelope: the same in every version,
///   8  4  length of the whole, checksum included          │ so that damage is told from another version
///  -4  4  CRC-32C of everything before                    ┘
///   version 1 (<see cref="WireVersion1"/>)
///   5  1  flags: 1 the value is null, 2 one instance for all readers; others are 0
///   6  1  encoding of the body: 0 raw, 1 zlib, 2 Brotli
///   7  1  0
///  12  8  stamp: epoch                 20  8  stamp: ordinal
///  28  8  created                      36  8  fresh until            Unix time in milliseconds;
///  44  8  stale while revalidating     52  8  stale if error         2^63-1 is never
///  60  4  pattern subject: start       64  4  end                    UTF-16 units of the key
///  68  4  length of the body before it was compressed
///  72  4  number of tags
///  76     key, type, user, each tag, body: each as a length (4) and its bytes, text in UTF-8; the length of
///         a user that is not there is 2^32-1
/// </code>
/// Reading never throws: what can't be read has an outcome, and counts as a miss.
/// </summary>
internal static class WireFormat
{
    public const int VersionAt = 4;
    public const int LengthAt = 8;
    public const int ChecksumBytes = sizeof(uint);
    /// <summary>Envelope and checksum: nothing shorter is an entry of any version.</summary>
    public const int SmallestBytes = LengthAt + sizeof(uint) + ChecksumBytes;

    /// <summary>Reads what stands between the envelope's checked ends; gets the whole without the checksum.</summary>
    internal delegate WireOutcome ContentReader(ReadOnlyMemory<byte> content, string? key, WireLimits limits, out WireEntry entry);

    /// <summary>The reader of each version, by its number. Old ones stay; a new one is added and becomes what is written.</summary>
    private static readonly ContentReader?[] Readers = [null, WireVersion1.Read];

    public static ReadOnlySpan<byte> Magic => "LRDR"u8;

    /// <summary>Appends the stored form; nothing is appended unless the outcome is <see cref="WireOutcome.Done"/>.</summary>
    public static WireOutcome Write(in WireEntry entry, WireLimits limits, IBufferWriter<byte> target) => WireVersion1.Write(entry, limits, target);

    /// <summary>Reads a stored form that is the whole of <paramref name="stored"/>.</summary>
    /// <param name="key">The key it must belong to; null where any will do.</param>
    /// <param name="entry">The entry, whose body is a part of <paramref name="stored"/>.</param>
    public static WireOutcome Read(ReadOnlyMemory<byte> stored, string? key, WireLimits limits, out WireEntry entry) =>
        Read(stored, key, limits, Readers, out entry);

    /// <summary>Reads what stands before the body, of a stored form of which there may be only the beginning.</summary>
    /// <param name="begin">The beginning.</param>
    /// <param name="entry">The entry without its body. Nobody has compared the checksum: that takes the whole.</param>
    /// <returns><see cref="WireOutcome.Cut"/> where more of it is needed.</returns>
    public static WireOutcome ReadHead(ReadOnlyMemory<byte> begin, WireLimits limits, out WireEntry entry)
    {
        entry = default;
        ReadOnlySpan<byte> bytes = begin.Span;
        if (bytes.Length < SmallestBytes) return WireOutcome.Cut;
        if (!bytes.StartsWith(Magic)) return WireOutcome.NotOurs;
        return bytes[VersionAt] == WireVersion1.Version ? WireVersion1.ReadHead(begin, limits, out entry) : WireOutcome.OtherVersion;
    }

    /// <summary>Reads with these versions.</summary>
    internal static WireOutcome Read(ReadOnlyMemory<byte> stored, string? key, WireLimits limits, ContentReader?[] readers, out WireEntry entry)
    {
        entry = default;
        ReadOnlySpan<byte> bytes = stored.Span;
        if (!bytes[..Math.Min(bytes.Length, Magic.Length)].SequenceEqual(Magic[..Math.Min(bytes.Length, Magic.Length)])) return WireOutcome.NotOurs;
        if (bytes.Length < SmallestBytes) return WireOutcome.Cut;
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[LengthAt..]);
        if (length > bytes.Length) return WireOutcome.Cut;
        if (length < bytes.Length) return WireOutcome.Malformed;
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[^ChecksumBytes..]) != Crc32C.Of(bytes[..^ChecksumBytes])) return WireOutcome.Checksum;
        byte version = bytes[VersionAt];
        return version < readers.Length && readers[version] is { } read ? read(stored[..^ChecksumBytes], key, limits, out entry) : WireOutcome.OtherVersion;
    }
}
