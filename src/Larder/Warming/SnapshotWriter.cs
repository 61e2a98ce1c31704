using System.Buffers;
using System.Buffers.Binary;

namespace Larder;

/// <summary>
/// Writes a snapshot. Little-endian; docs/wire-format.md says the same at length.
/// <code>
/// header   8  magic "LRDRSNAP"     4  version          4  length of the header
///          8  created              8  position: epoch  8  position: ordinal
///          4  length of the owner, and the owner in UTF-8
///          4  CRC-32C of the header before
/// entries  4  length of the entry  1  uses, 0 to 3     then the entry (WireFormat); the hottest first
/// trailer  4  0                    8  number of entries
///          4  CRC-32C of everything before
/// </code>
/// </summary>
internal sealed class SnapshotWriter(Stream target, long maxBytes) : IDisposable
{
    public const int FrameBytes = sizeof(uint) + sizeof(byte);
    public const int TrailerBytes = sizeof(uint) + sizeof(ulong) + sizeof(uint);
    private const int FlushedAt = 256 << 10;

    private readonly PooledBuffer _pending = new();
    private uint _checksum;
    private long _flushed;

    public int Entries { get; private set; }

    public long Bytes => _flushed + _pending.Length;

    public void Begin(SnapshotHeader header)
    {
        header.Write(_pending.GetSpan(header.Length));
        _pending.Advance(header.Length);
    }

    /// <summary>Adds an entry in its stored form; false where the file would become too large.</summary>
    public async ValueTask<bool> TryAddAsync(ReadOnlyMemory<byte> stored, byte uses, CancellationToken cancellationToken)
    {
        if (Bytes + FrameBytes + stored.Length + TrailerBytes > maxBytes) return false;
        Span<byte> frame = _pending.GetSpan(FrameBytes);
        BinaryPrimitives.WriteInt32LittleEndian(frame, stored.Length);
        frame[sizeof(uint)] = uses;
        _pending.Advance(FrameBytes);
        _pending.Write(stored.Span);
        Entries++;
        if (_pending.Length >= FlushedAt) await FlushAsync(cancellationToken).ConfigureAwait(false);
        return true;
    }

    public async ValueTask FinishAsync(CancellationToken cancellationToken)
    {
        Span<byte> trailer = _pending.GetSpan(TrailerBytes)[..TrailerBytes];
        trailer.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(trailer[sizeof(uint)..], Entries);
        _pending.Advance(TrailerBytes - sizeof(uint));
        uint checksum = Crc32C.Append(_checksum, _pending.Span);
        BinaryPrimitives.WriteUInt32LittleEndian(_pending.GetSpan(sizeof(uint)), checksum);
        _pending.Advance(sizeof(uint));
        await FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    public void Dispose() => _pending.Dispose();

    private async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        await target.WriteAsync(_pending.Memory, cancellationToken).ConfigureAwait(false);
        _checksum = Crc32C.Append(_checksum, _pending.Span);
        _flushed += _pending.Length;
        _pending.Clear();
    }
}
