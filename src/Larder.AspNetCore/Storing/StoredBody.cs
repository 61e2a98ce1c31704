using System.IO.Pipelines;
using System.Runtime.InteropServices;

namespace Larder.AspNetCore;

/// <summary>The body of a stored response: bytes that nobody changes any more, in segments.</summary>
internal class StoredBody
{
    public static readonly StoredBody Empty = new([]);

    private readonly ReadOnlyMemory<byte>[] _segments;

    public StoredBody(ReadOnlyMemory<byte>[] segments)
    {
        _segments = segments;
        foreach (ReadOnlyMemory<byte> segment in segments) Length += segment.Length;
    }

    protected StoredBody(long length)
    {
        _segments = [default, default];
        Length = length;
    }

    public long Length { get; }

    /// <summary>The body when it is one piece, which all but large ones are.</summary>
    public bool TryGetSingle(out ReadOnlyMemory<byte> body)
    {
        body = _segments.Length == 1 ? _segments[0] : default;
        return _segments.Length <= 1;
    }

    public IEnumerable<ReadOnlyMemory<byte>> Segments => _segments;

    /// <summary>The first <paramref name="length"/> bytes, and then another body. Nothing is copied.</summary>
    public StoredBody Then(long length, StoredBody other) => new([.. Cut(0, length), .. other._segments]);

    /// <summary>The bytes from <paramref name="first"/> on.</summary>
    public StoredBody From(long first) => new([.. Cut(first, Length - first)]);

    private IEnumerable<ReadOnlyMemory<byte>> Cut(long first, long length)
    {
        foreach (ReadOnlyMemory<byte> segment in _segments)
        {
            long skipped = Math.Min(first, segment.Length);
            first -= skipped;
            long taken = Math.Min(length, segment.Length - skipped);
            length -= taken;
            if (taken > 0) yield return segment.Slice((int)skipped, (int)taken);
        }
    }

    /// <summary>The body to be read, where it is one piece, which what was compressed is; else joined.</summary>
    public Stream ToStream()
    {
        ReadOnlyMemory<byte> whole = TryGetSingle(out ReadOnlyMemory<byte> single) ? single : _segments.SelectMany(static segment => segment.ToArray()).ToArray();
        return MemoryMarshal.TryGetArray(whole, out ArraySegment<byte> part) && part.Array is not null ? new MemoryStream(part.Array, part.Offset, part.Count, writable: false) : new MemoryStream(whole.ToArray(), writable: false);
    }

    /// <summary>Writes <paramref name="length"/> bytes from <paramref name="first"/> on, at the pace of the reader.</summary>
    public virtual async Task WriteToAsync(PipeWriter writer, long first, long length, CancellationToken cancellationToken)
    {
        foreach (ReadOnlyMemory<byte> segment in _segments)
        {
            if (length <= 0) return;
            if (first >= segment.Length)
            {
                first -= segment.Length;
                continue;
            }
            ReadOnlyMemory<byte> part = segment[(int)first..];
            if (part.Length > length) part = part[..(int)length];
            FlushResult flushed = await writer.WriteAsync(part, cancellationToken);
            if (flushed.IsCompleted || flushed.IsCanceled) return;
            first = 0;
            length -= part.Length;
        }
    }
}
