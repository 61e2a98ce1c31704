using System.Buffers;
using System.Buffers.Binary;
using System.ComponentModel;
using Microsoft.Extensions.Caching.Hybrid;

namespace Larder;

/// <summary>What <see cref="LarderDistributedCache"/> stores: bytes that nobody else holds, and how they expire.</summary>
/// <param name="dueAt">When a use of one that slides is to be told in Redis, too; on the cache's clock.</param>
[ImmutableObject(true)]
internal sealed class DistributedValue(byte[] bytes, TimeSpan? sliding, long absoluteEnd, long dueAt = long.MaxValue)
{
    /// <summary>What this object and the array need beside the bytes.</summary>
    public const int Overhead = 80;

    private long _dueAt = dueAt;

    public byte[] Bytes => bytes;

    public TimeSpan? Sliding => sliding;

    /// <summary>Milliseconds on the cache's clock.</summary>
    public long AbsoluteEnd => absoluteEnd;

    /// <summary>Whether this use is to be told in Redis; then no other one is for a quarter of its time.</summary>
    public bool TakesTurn(long now)
    {
        long due = Volatile.Read(ref _dueAt);
        return now >= due && Interlocked.CompareExchange(ref _dueAt, CacheClock.After(now, SlidingValues.QuarterOf(CacheClock.After(0, sliding!.Value))), due) == due;
    }
}

/// <summary>
/// Writes such values for other processes: the absolute end by the wall clock, since the cache's own clock begins anew
/// with each process. Written at, absolute end (Unix time in milliseconds), sliding time in ticks or -1: 8 bytes each,
/// little-endian; then the bytes.
/// </summary>
internal sealed class DistributedValueSerializer(CacheClock clock) : IHybridCacheSerializer<DistributedValue>
{
    private const int HeadBytes = 24;

    private static readonly long Earliest = DateTimeOffset.MinValue.ToUnixTimeMilliseconds();
    private static readonly long Latest = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    /// <summary>An end lies at most the longest time span behind when it was given.</summary>
    private static readonly long LatestEnd = Latest + (long)TimeSpan.MaxValue.TotalMilliseconds;

    /// <exception cref="InvalidDataException">These are no such bytes: too few, or with instants and times that are never written.</exception>
    public DistributedValue Deserialize(ReadOnlySequence<byte> source)
    {
        if (source.Length < HeadBytes) throw new InvalidDataException($"A value of the distributed cache has at least {HeadBytes} bytes; here are {source.Length}.");
        Span<byte> head = stackalloc byte[HeadBytes];
        source.Slice(0, HeadBytes).CopyTo(head);
        long written = BinaryPrimitives.ReadInt64LittleEndian(head), end = BinaryPrimitives.ReadInt64LittleEndian(head[8..]);
        long sliding = BinaryPrimitives.ReadInt64LittleEndian(head[16..]);
        bool isWritten = written >= Earliest && written <= Latest && (end == long.MaxValue || end >= Earliest && end <= LatestEnd) && sliding is (-1 or > 0);
        if (!isWritten)
            throw new InvalidDataException($"A value of the distributed cache can't be written at {written}, end at {end} and slide by {sliding}.");
        return new(source.Slice(HeadBytes).ToArray(), sliding < 0 ? null : TimeSpan.FromTicks(sliding), Now.EndOf(written, end));
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

    /// <summary>Whether the value of which these are the bytes slides.</summary>
    public static bool Slides(ReadOnlySpan<byte> source, out TimeSpan by)
    {
        by = source.Length >= HeadBytes ? TimeSpan.FromTicks(BinaryPrimitives.ReadInt64LittleEndian(source[16..])) : default;
        return by > TimeSpan.Zero;
    }

    /// <summary>The value's own bytes.</summary>
    public static byte[] BytesIn(ReadOnlySpan<byte> source) => source[HeadBytes..].ToArray();

    private ClockAnchor Now => new(clock.UtcNow.ToUnixTimeMilliseconds(), clock.Now);
}
