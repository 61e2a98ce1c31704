using System.IO.Compression;
using System.IO.Pipelines;

namespace Larder.AspNetCore;

/// <summary>A compressed body for those who take no coding: decompressed piece by piece while it is sent.</summary>
internal sealed class InflatedBody(CodedBody coded) : StoredBody(coded.Length)
{
    private const int Piece = 16 * 1024;

    /// <exception cref="InvalidDataException">It is not what was kept.</exception>
    public override async Task WriteToAsync(PipeWriter writer, long first, long length, CancellationToken cancellationToken)
    {
        await using Stream source = coded.Open();
        for (long at = 0, end = first + length; at < end;)
        {
            Memory<byte> room = writer.GetMemory(Piece);
            int read = await source.ReadAsync(room[..(int)Math.Min(room.Length, end - at)], cancellationToken);
            if (read == 0) throw new InvalidDataException("The body ends early.");
            // What lies before the range is read over, and overwritten.
            int skipped = (int)Math.Clamp(first - at, 0, read);
            at += read;
            if (skipped == read) continue;
            if (skipped > 0) room.Span[skipped..read].CopyTo(room.Span);
            writer.Advance(read - skipped);
            FlushResult flushed = await writer.FlushAsync(cancellationToken);
            if (flushed.IsCompleted || flushed.IsCanceled) return;
        }
    }
}
