using System.Buffers;
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace Larder;

/// <summary>
/// Decompresses what may be hostile: exactly as many bytes as were said, or nothing. A length that is only claimed costs
/// at most <see cref="Unproven"/> bytes of memory before as much has really come out; that it is within the limit for
/// one value is checked by the caller before.
/// </summary>
internal static class Decompressor
{
    private const int Unproven = 1 << 20;
    private const int MaxLength = 2_000_000_000;

    /// <summary>Appends the original bytes to <paramref name="target"/>.</summary>
    /// <param name="length">How many they are.</param>
    /// <returns>False if it is damaged, or not of that length; the target then holds nothing that may be used.</returns>
    public static bool TryDecompress(CompressionAlgorithm encoding, ReadOnlyMemory<byte> body, int length, PooledBuffer target)
    {
        if (length is < 0 or > MaxLength) return false;
        switch (encoding)
        {
            case CompressionAlgorithm.None:
                if (body.Length != length) return false;
                target.Write(body.Span);
                return true;
            case CompressionAlgorithm.Zlib: return TryZlib(body, length, target);
            case CompressionAlgorithm.Brotli: return TryBrotli(body.Span, length, target);
            default: return false;
        }
    }

    private static bool TryBrotli(ReadOnlySpan<byte> body, int length, PooledBuffer target)
    {
        int end = target.Length + length;
        using var decoder = new BrotliDecoder();
        while (true)
        {
            Span<byte> free = NextChunk(target, end);
            OperationStatus status = decoder.Decompress(body, free, out int consumed, out int written);
            if (target.Length + written > end) return false;
            target.Advance(written);
            body = body[consumed..];
            if (status == OperationStatus.Done) return target.Length == end && body.IsEmpty;
            if (status != OperationStatus.DestinationTooSmall) return false;
        }
    }

    private static bool TryZlib(ReadOnlyMemory<byte> body, int length, PooledBuffer target)
    {
        int end = target.Length + length;
        try
        {
            using var zlib = new ZLibStream(StreamOver(body), CompressionMode.Decompress);
            while (true)
            {
                int read = zlib.Read(NextChunk(target, end));
                if (read == 0) return target.Length == end;
                if (target.Length + read > end) return false;
                target.Advance(read);
            }
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            return false;
        }
    }

    /// <summary>Where the next bytes go: one more than may come at the end, to see that no more do.</summary>
    private static Span<byte> NextChunk(PooledBuffer target, int end)
    {
        int left = end - target.Length + 1;
        return target.GetSpan(Math.Min(left, Unproven)) is var free && free.Length > left ? free[..left] : free;
    }

    private static MemoryStream StreamOver(ReadOnlyMemory<byte> body) =>
        MemoryMarshal.TryGetArray(body, out ArraySegment<byte> segment)
            ? new(segment.Array!, segment.Offset, segment.Count, writable: false)
            : new(body.ToArray(), writable: false);
}
