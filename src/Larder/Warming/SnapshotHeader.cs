using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Larder;

/// <summary>How a snapshot begins; its layout stands at <see cref="SnapshotWriter"/>.</summary>
/// <param name="CreatedAt">Unix time in milliseconds.</param>
/// <param name="Position">The newest event that had taken effect before the first entry was written.</param>
/// <param name="Owner">Whose snapshot it is.</param>
internal sealed record SnapshotHeader(long CreatedAt, Position Position, string Owner)
{
    public const int Version = 1;
    public const int MaxOwnerBytes = 1024;
    /// <summary>Magic, version and length: the same in every version.</summary>
    public const int PrefixBytes = 16;
    private const int FixedBytes = 44;

    public static ReadOnlySpan<byte> Magic => "LRDRSNAP"u8;

    public int Length => FixedBytes + Encoding.UTF8.GetByteCount(Owner) + sizeof(uint);

    public void Write(Span<byte> target)
    {
        Magic.CopyTo(target);
        BinaryPrimitives.WriteInt32LittleEndian(target[8..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(target[12..], Length);
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], CreatedAt);
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], Position.Epoch);
        BinaryPrimitives.WriteInt64LittleEndian(target[32..], Position.Ordinal);
        int owner = Encoding.UTF8.GetBytes(Owner, target[FixedBytes..]);
        BinaryPrimitives.WriteInt32LittleEndian(target[40..], owner);
        BinaryPrimitives.WriteUInt32LittleEndian(target[(FixedBytes + owner)..], Crc32C.Of(target[..(FixedBytes + owner)]));
    }

    /// <summary>How long the header is, from its first <see cref="PrefixBytes"/> bytes; 0 and an outcome where it is none.</summary>
    public static int LengthFrom(ReadOnlySpan<byte> prefix, out SnapshotOutcome outcome)
    {
        outcome = SnapshotOutcome.Foreign;
        if (!prefix.StartsWith(Magic)) return 0;
        outcome = SnapshotOutcome.OtherVersion;
        if (BinaryPrimitives.ReadInt32LittleEndian(prefix[8..]) != Version) return 0;
        outcome = SnapshotOutcome.Damaged;
        int length = BinaryPrimitives.ReadInt32LittleEndian(prefix[12..]);
        return length is < FixedBytes + sizeof(uint) or > FixedBytes + MaxOwnerBytes + sizeof(uint) ? 0 : length;
    }

    public static SnapshotHeader? Read(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> owner = bytes[FixedBytes..^sizeof(uint)];
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[^sizeof(uint)..]) != Crc32C.Of(bytes[..^sizeof(uint)])
            || BinaryPrimitives.ReadInt32LittleEndian(bytes[40..]) != owner.Length || !Utf8.IsValid(owner))
            return null;
        return new(BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]),
            new(BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[32..])), Encoding.UTF8.GetString(owner));
    }
}
