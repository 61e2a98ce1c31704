using System.Buffers;
using System.Buffers.Binary;
using System.ComponentModel;
using Microsoft.Extensions.Caching.Hybrid;

namespace Larder;

/// <summary>What <see cref="LarderDistributedCache"/> stores: bytes that nobody else holds, and how they expire.</summary>
[ImmutableObject(true)]
internal sealed class DistributedValue(byte[] bytes, TimeSpan? sliding, long absoluteEnd)
{
    /// <summary>What this object and the array need beside the bytes.</summary>
    public const int Overhead = 72;

    public byte[] Bytes => bytes;

    public TimeSpan? Sliding => sliding;

    /// <summary>Milliseconds on the cache's clock.</summary>
    public long AbsoluteEnd => absoluteEnd;
}

/// <summary>
/// Writes such values for other processes: the absolute end by the wall clock, since the cache's own clock begins anew
/// with each process. Written at, absolute end (Unix time in milliseconds), sliding time in ticks or -1: 8 bytes each,
/// little-endian; then the bytes.
/// </summary>
internal sealed class DistributedValueSerializer(CacheClock clock) : IHybridCacheSerializer<DistributedValue>
{
    private const int HeadBytes = 24;

    public DistributedValue Deserialize(ReadOnlySequence<byte> source)
    {
        Span<byte> head = stackalloc byte[HeadBytes];
        source.Slice(0, HeadBytes).CopyTo(head);
        long sliding = BinaryPrimitives.ReadInt64LittleEndian(head[16..]);
        long end = Now.EndOf(BinaryPrimitives.ReadInt64LittleEndian(head), BinaryPrimitives.ReadInt64LittleEndian(head[8..]));
        return new(source.Slice(HeadBytes).ToArray(), sliding < 0 ? null : TimeSpan.FromTicks(sliding), end);
    }

    public void Serialize(DistributedValue value, IBufferWriter<byte> target)
    {
        ClockAnchor now = Now;
        Span<byte> head = target.GetSpan(HeadBytes);
        BinaryPrimitives.WriteInt64LittleEndian(head, now.Wall);
        BinaryPrimitives.WriteInt64LittleEndian(head[8..], now.ToWall(value.AbsoluteEnd));
        BinaryPrimitives.WriteInt64LittleEndian(head[16..], value.Sliding?.Ticks ?? -1);
        target.Advance(HeadBytes);
        target.Write(value.Bytes);
    }

    private ClockAnchor Now => new(clock.UtcNow.ToUnixTimeMilliseconds(), clock.Now);
}
