using System.Buffers.Binary;

namespace Larder;

/// <summary>
/// Reads a snapshot, whatever the file holds: each length is checked against what is left of the file before memory is
/// taken for it, and no more than the file's length is ever read. The layout stands at <see cref="SnapshotWriter"/>.
/// </summary>
internal sealed class SnapshotReader(Stream source, long length, long maxEntryBytes) : IDisposable
{
    private const int Chunk = 64 << 10;

    private readonly PooledBuffer _buffer = new();
    private long _left = length;
    private uint _checksum;
    private long _entries;

    /// <summary>What the file turned out to be so far; whole once <see cref="NextAsync"/> has come to the end.</summary>
    public SnapshotOutcome Outcome { get; private set; } = SnapshotOutcome.Damaged;

    /// <summary>The header; null, with an outcome, where there is none that can be read.</summary>
    public async ValueTask<SnapshotHeader?> BeginAsync(CancellationToken cancellationToken)
    {
        Outcome = SnapshotOutcome.Foreign;
        if (!await TryReadAsync(SnapshotHeader.PrefixBytes, cancellationToken).ConfigureAwait(false)) return null;
        int headerLength = SnapshotHeader.LengthFrom(_buffer.Span, out SnapshotOutcome outcome);
        Outcome = outcome;
        if (headerLength == 0 || !await TryReadMoreAsync(headerLength - SnapshotHeader.PrefixBytes, cancellationToken).ConfigureAwait(false)) return null;
        _checksum = Crc32C.Of(_buffer.Span);
        return SnapshotHeader.Read(_buffer.Span);
    }

    /// <summary>
    /// The next entry's stored form, valid until the next call, and empty where it is larger than any that would be
    /// taken; null at the end, or where the damage begins.
    /// </summary>
    public async ValueTask<(ReadOnlyMemory<byte> Stored, byte Uses)?> NextAsync(CancellationToken cancellationToken)
    {
        if (!await TryReadAsync(sizeof(uint), cancellationToken).ConfigureAwait(false)) return null;
        uint entryLength = BinaryPrimitives.ReadUInt32LittleEndian(_buffer.Span);
        if (entryLength == 0)
        {
            await EndAsync(cancellationToken).ConfigureAwait(false);
            return null;
        }
        if (entryLength >= _left) return null;
        _entries++;
        if (entryLength > maxEntryBytes) return await TrySkipAsync(entryLength + 1L, cancellationToken).ConfigureAwait(false) ? default((ReadOnlyMemory<byte>, byte)) : null;
        if (!await TryReadMoreAsync((int)entryLength + 1, cancellationToken).ConfigureAwait(false)) return null;
        _checksum = Crc32C.Append(_checksum, _buffer.Span);
        return (_buffer.Memory[SnapshotWriter.FrameBytes..], _buffer.Span[sizeof(uint)]);
    }

    public void Dispose() => _buffer.Dispose();

    private async ValueTask EndAsync(CancellationToken cancellationToken)
    {
        if (_left != SnapshotWriter.TrailerBytes - sizeof(uint)
            || !await TryReadMoreAsync((int)_left, cancellationToken).ConfigureAwait(false)) return;
        ReadOnlySpan<byte> trailer = _buffer.Span;
        if (BinaryPrimitives.ReadInt64LittleEndian(trailer[sizeof(uint)..]) == _entries
            && BinaryPrimitives.ReadUInt32LittleEndian(trailer[^sizeof(uint)..]) == Crc32C.Append(_checksum, trailer[..^sizeof(uint)]))
            Outcome = SnapshotOutcome.Loaded;
    }

    private async ValueTask<bool> TrySkipAsync(long count, CancellationToken cancellationToken)
    {
        for (; count > 0; count -= Math.Min(count, Chunk))
        {
            _checksum = Crc32C.Append(_checksum, _buffer.Span);
            if (!await TryReadAsync((int)Math.Min(count, Chunk), cancellationToken).ConfigureAwait(false)) return false;
        }
        _checksum = Crc32C.Append(_checksum, _buffer.Span);
        return true;
    }

    private ValueTask<bool> TryReadAsync(int count, CancellationToken cancellationToken)
    {
        _buffer.Clear();
        return TryReadMoreAsync(count, cancellationToken);
    }

    private async ValueTask<bool> TryReadMoreAsync(int count, CancellationToken cancellationToken)
    {
        if (count > _left) return false;
        int read = await source.ReadAtLeastAsync(_buffer.GetMemory(count)[..count], count, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        _buffer.Advance(read);
        _left -= read;
        return read == count;
    }
}
