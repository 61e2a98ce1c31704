using System.Buffers;

namespace Larder;

/// <summary>
/// Grows in arrays of the shared pool and gives them back when disposed. Made anew for each use, so that a serializer
/// which calls the cache from within never writes into another one's bytes.
/// </summary>
internal sealed class PooledBuffer : IBufferWriter<byte>, IDisposable
{
    private const int Smallest = 256;

    private byte[] _bytes = [];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsSpan(Length);
    }

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _bytes.Length - Length);
        Length += count;
    }

    public void Clear() => Length = 0;

    public void Dispose()
    {
        byte[] bytes = _bytes;
        _bytes = [];
        Length = 0;
        if (bytes.Length > 0) ArrayPool<byte>.Shared.Return(bytes);
    }

    private void Reserve(int more)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(more);
        if (_bytes.Length - Length >= Math.Max(more, 1)) return;
        long wanted = Math.Max((long)Length + Math.Max(more, 1), Math.Max(Smallest, Math.Min(_bytes.Length * 2L, Array.MaxLength)));
        if (wanted > Array.MaxLength) throw new OutOfMemoryException($"{wanted} bytes are more than an array can have.");
        byte[] next = ArrayPool<byte>.Shared.Rent((int)wanted);
        Span.CopyTo(next);
        byte[] old = _bytes;
        _bytes = next;
        if (old.Length > 0) ArrayPool<byte>.Shared.Return(old);
    }
}
