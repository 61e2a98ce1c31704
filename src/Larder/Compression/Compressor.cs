using System.Diagnostics;
using System.IO.Compression;
using System.Numerics;

namespace Larder;

/// <summary>Bytes as they are kept: as they were, or compressed.</summary>
/// <param name="Bytes">What is kept.</param>
/// <param name="Encoding">What was done to it.</param>
/// <param name="Length">How many bytes it was before.</param>
internal readonly record struct Payload(byte[] Bytes, CompressionAlgorithm Encoding, int Length)
{
    public static Payload Raw(ReadOnlySpan<byte> bytes) => new(bytes.ToArray(), CompressionAlgorithm.None, bytes.Length);
}

/// <summary>Compresses what is worth it: at least the threshold, and kept only if it saves more than a tenth.</summary>
internal sealed class Compressor(CompressionOptions options)
{
    /// <summary>zlib is fed so much at once, so that what does not get smaller is given up early.</summary>
    private const int Slice = 64 << 10;

    private readonly CompressionAlgorithm _algorithm = options.Algorithm;
    private readonly int _level = options.Level;
    private readonly int _threshold = options.Threshold;
    private readonly CompressionMeter _meter = new();

    public CompressionStatistics Statistics => _meter.Statistics;

    /// <summary>Whether a value of so many bytes is tried.</summary>
    public bool Wants(long length) => _algorithm != CompressionAlgorithm.None && length >= _threshold && length > 0;

    /// <summary>The bytes, compressed where that pays.</summary>
    public Payload Pack(ReadOnlySpan<byte> raw) => TryPack(raw, out Payload packed) ? packed : Payload.Raw(raw);

    /// <summary>The bytes compressed, if they are wanted and it pays.</summary>
    public bool TryPack(ReadOnlySpan<byte> raw, out Payload packed)
    {
        packed = default;
        if (!Wants(raw.Length)) return false;
        long began = Stopwatch.GetTimestamp();
        using var target = new PooledBuffer();
        bool pays = TryCompress(raw, target);
        _meter.Compressed(raw.Length, pays ? target.Length : null, began);
        if (pays) packed = new(target.Span.ToArray(), _algorithm, raw.Length);
        return pays;
    }

    /// <summary>Appends the payload's original bytes to <paramref name="target"/>.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public void Unpack(Payload payload, PooledBuffer target)
    {
        long began = Stopwatch.GetTimestamp();
        bool whole = Decompressor.TryDecompress(payload.Encoding, payload.Bytes, payload.Length, target);
        _meter.Decompressed(began);
        if (!whole) throw new InvalidDataException($"A value of {payload.Length} bytes, kept as {payload.Encoding}, could not be decompressed.");
    }

    private bool TryCompress(ReadOnlySpan<byte> raw, PooledBuffer target)
    {
        int most = (int)((raw.Length * 9L - 1) / 10);
        if (_algorithm == CompressionAlgorithm.Zlib) return TryZlib(raw, target, most);
        // A window no larger than the data: the encoder's memory follows it.
        int window = Math.Clamp(BitOperations.Log2((uint)raw.Length) + 1, 16, 22);
        if (!BrotliEncoder.TryCompress(raw, target.GetSpan(most)[..most], out int written, _level, window)) return false;
        target.Advance(written);
        return true;
    }

    private bool TryZlib(ReadOnlySpan<byte> raw, PooledBuffer target, int most)
    {
        using var bounded = new BoundedStream(target, most);
        using (var zlib = new ZLibStream(bounded, new ZLibCompressionOptions { CompressionLevel = _level }, leaveOpen: true))
        {
            for (int at = 0; at < raw.Length && !bounded.IsFull; at += Slice)
                zlib.Write(raw.Slice(at, Math.Min(Slice, raw.Length - at)));
        }
        return !bounded.IsFull;
    }

    /// <summary>Writes into a buffer up to a limit; what is more is dropped and noted.</summary>
    private sealed class BoundedStream(PooledBuffer target, int most) : Stream
    {
        public bool IsFull { get; private set; }

        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (buffer.Length > most - target.Length) IsFull = true;
            if (IsFull) return;
            buffer.CopyTo(target.GetSpan(buffer.Length));
            target.Advance(buffer.Length);
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));
        public override void Flush() { }
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
