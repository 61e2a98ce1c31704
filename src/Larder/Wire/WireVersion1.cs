using System.Buffers;
using System.Text;
using System.Text.Unicode;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Larder;

/// <summary>Version 1 of the stored form; the layout stands at <see cref="WireFormat"/>.</summary>
internal static class WireVersion1
{
    public const byte Version = 1;
    private const int FixedBytes = 76;
    private const WireFlags KnownFlags = WireFlags.Null | WireFlags.Shared;

    public static WireOutcome Write(in WireEntry entry, WireLimits limits, IBufferWriter<byte> target)
    {
        if (entry.Body.Length > limits.MaxBodyBytes || entry.Length > limits.MaxBodyBytes
            || entry.Key.Length > limits.MaxKeyLength || entry.Tags.Length > WireLimits.MaxTags)
            return WireOutcome.TooLarge;
        if (!IsConsistent(entry)) return WireOutcome.Malformed;
        long size = SizeOf(entry);
        if (size > Array.MaxLength) return WireOutcome.TooLarge;

        Span<byte> bytes = target.GetSpan((int)size)[..(int)size];
        WireFormat.Magic.CopyTo(bytes);
        bytes[WireFormat.VersionAt] = Version;
        bytes[5] = (byte)entry.Flags;
        bytes[6] = (byte)entry.Encoding;
        bytes[7] = 0;
        WriteInt32LittleEndian(bytes[WireFormat.LengthAt..], (int)size);
        WriteUInt64LittleEndian(bytes[12..], entry.Stamp.Epoch);
        WriteInt64LittleEndian(bytes[20..], entry.Stamp.Ordinal);
        WriteInt64LittleEndian(bytes[28..], entry.CreatedAt);
        WriteInt64LittleEndian(bytes[36..], entry.FreshUntil);
        WriteInt64LittleEndian(bytes[44..], entry.StaleWhileRevalidateUntil);
        WriteInt64LittleEndian(bytes[52..], entry.StaleIfErrorUntil);
        WriteInt32LittleEndian(bytes[60..], entry.SubjectStart);
        WriteInt32LittleEndian(bytes[64..], entry.SubjectEnd);
        WriteInt32LittleEndian(bytes[68..], entry.Length);
        WriteInt32LittleEndian(bytes[72..], entry.Tags.Length);
        var parts = new PartWriter(bytes, FixedBytes);
        parts.Text(entry.Key, int.MaxValue);
        parts.Text(entry.Type, WireLimits.MaxTypeBytes);
        parts.OptionalText(entry.User, WireLimits.MaxUserBytes);
        foreach (string tag in entry.Tags) parts.Text(tag, WireLimits.MaxTagBytes);
        if (parts.Outcome != WireOutcome.Done) return parts.Outcome;
        parts.Part(entry.Body.Span);
        WriteUInt32LittleEndian(bytes[parts.At..], Crc32C.Of(bytes[..parts.At]));
        target.Advance((int)size);
        return WireOutcome.Done;
    }

    public static WireOutcome Read(ReadOnlyMemory<byte> content, string? key, WireLimits limits, out WireEntry entry)
    {
        entry = default;
        ReadOnlySpan<byte> bytes = content.Span;
        if (bytes.Length < FixedBytes || bytes[7] != 0) return WireOutcome.Malformed;
        uint tags = ReadUInt32LittleEndian(bytes[72..]);
        if (tags > WireLimits.MaxTags) return WireOutcome.TooLarge;
        int length = ReadInt32LittleEndian(bytes[68..]);
        if (length > limits.MaxBodyBytes) return WireOutcome.TooLarge;

        var parts = new PartReader(bytes, FixedBytes);
        // The key that is asked for is the entry's own, once compared: no second string is made of it.
        if (key is null) key = parts.Text(limits.MaxKeyLength * 3L);
        else if (!IsSame(parts.Part(limits.MaxKeyLength * 3L), key)) return parts.Outcome == WireOutcome.Done ? WireOutcome.OtherKey : parts.Outcome;
        if (key.Length > limits.MaxKeyLength) return WireOutcome.TooLarge;
        string type = parts.TypeName();
        string? user = parts.OptionalText(WireLimits.MaxUserBytes);
        string[] names = ReadTags(ref parts, (int)tags);
        int body = parts.Part(limits.MaxBodyBytes).Length;
        if (parts.Outcome != WireOutcome.Done) return parts.Outcome;
        if (parts.At != bytes.Length) return WireOutcome.Malformed;

        WireEntry read = Entry(bytes, key, type, user, names) with { Body = content[^body..] };
        if (!IsConsistent(read)) return WireOutcome.Malformed;
        entry = read;
        return WireOutcome.Done;
    }

    /// <summary>As <see cref="WireFormat.ReadHead"/>; the version is this one.</summary>
    public static WireOutcome ReadHead(ReadOnlyMemory<byte> begin, WireLimits limits, out WireEntry entry)
    {
        entry = default;
        ReadOnlySpan<byte> bytes = begin.Span;
        if (bytes.Length < FixedBytes) return WireOutcome.Cut;
        uint tags = ReadUInt32LittleEndian(bytes[72..]);
        if (tags > WireLimits.MaxTags) return WireOutcome.TooLarge;
        var parts = new PartReader(bytes, FixedBytes);
        string key = parts.Text(limits.MaxKeyLength * 3L), type = parts.TypeName();
        string? user = parts.OptionalText(WireLimits.MaxUserBytes);
        string[] names = ReadTags(ref parts, (int)tags);
        if (parts.Outcome != WireOutcome.Done) return ReadUInt32LittleEndian(bytes[WireFormat.LengthAt..]) > bytes.Length ? WireOutcome.Cut : parts.Outcome;
        WireEntry read = Entry(bytes, key, type, user, names);
        // Nothing else of it is used.
        if (read.SubjectStart < 0 || read.SubjectStart > read.SubjectEnd || read.SubjectEnd > key.Length) return WireOutcome.Malformed;
        entry = read;
        return WireOutcome.Done;
    }

    private static WireEntry Entry(ReadOnlySpan<byte> bytes, string key, string type, string? user, string[] tags) =>
        new()
        {
            Flags = (WireFlags)bytes[5],
            Encoding = (CompressionAlgorithm)bytes[6],
            Stamp = new(ReadUInt64LittleEndian(bytes[12..]), ReadInt64LittleEndian(bytes[20..])),
            CreatedAt = ReadInt64LittleEndian(bytes[28..]),
            FreshUntil = ReadInt64LittleEndian(bytes[36..]),
            StaleWhileRevalidateUntil = ReadInt64LittleEndian(bytes[44..]),
            StaleIfErrorUntil = ReadInt64LittleEndian(bytes[52..]),
            SubjectStart = ReadInt32LittleEndian(bytes[60..]),
            SubjectEnd = ReadInt32LittleEndian(bytes[64..]),
            Length = ReadInt32LittleEndian(bytes[68..]),
            Key = key,
            Type = type,
            User = user,
            Tags = tags,
            Body = default,
        };

    private static string[] ReadTags(ref PartReader parts, int count)
    {
        if (count == 0 || !parts.HasRoomFor(count)) return [];
        var tags = new string[count];
        for (int i = 0; i < count; i++) tags[i] = parts.Text(WireLimits.MaxTagBytes);
        return tags;
    }

    /// <summary>What must hold of every entry, read or to be written.</summary>
    private static bool IsConsistent(in WireEntry entry) =>
        (entry.Flags & ~KnownFlags) == 0
        && entry.Encoding <= CompressionAlgorithm.Brotli
        && entry.Stamp.Ordinal >= 0
        && entry.CreatedAt is >= 0 and <= LatestCreation
        && entry.CreatedAt <= entry.FreshUntil
        && entry.FreshUntil <= entry.StaleWhileRevalidateUntil && entry.FreshUntil <= entry.StaleIfErrorUntil
        && entry.Key.Length > 0
        && entry.SubjectStart >= 0 && entry.SubjectStart <= entry.SubjectEnd && entry.SubjectEnd <= entry.Key.Length
        && (entry.Encoding == CompressionAlgorithm.None ? entry.Length == entry.Body.Length : entry.Length > 0)
        && ((entry.Flags & WireFlags.Null) == 0 || entry is { Length: 0, Body.IsEmpty: true });

    /// <summary>The last instant that a <see cref="DateTimeOffset"/> can tell.</summary>
    private const long LatestCreation = 253_402_300_799_999;

    private static bool IsSame(ReadOnlySpan<byte> stored, string key)
    {
        if (stored.Length != Encoding.UTF8.GetByteCount(key)) return false;
        byte[] rented = ArrayPool<byte>.Shared.Rent(stored.Length);
        bool same = Utf8.FromUtf16(key, rented, out _, out int written, replaceInvalidSequences: false) == OperationStatus.Done && rented.AsSpan(0, written).SequenceEqual(stored);
        ArrayPool<byte>.Shared.Return(rented);
        return same;
    }

    private static long SizeOf(in WireEntry entry)
    {
        long size = FixedBytes + WireFormat.ChecksumBytes + (4L + entry.Tags.Length) * sizeof(uint) + entry.Body.Length
            + Encoding.UTF8.GetByteCount(entry.Key) + Encoding.UTF8.GetByteCount(entry.Type)
            + (entry.User is { } user ? Encoding.UTF8.GetByteCount(user) : 0);
        foreach (string tag in entry.Tags) size += Encoding.UTF8.GetByteCount(tag);
        return size;
    }
}
