using System.Buffers;
using System.Buffers.Binary;
using Larder.Tests.Support;

namespace Larder.Tests.Faces;

public sealed class DistributedValueTests
{
    private static readonly ManualTimeProvider Time = new();
    private static readonly DistributedValueSerializer Serializer = new(new(Time));

    private static long Now => Time.GetUtcNow().ToUnixTimeMilliseconds();

    private static DistributedValue Read(long written, long end, long sliding)
    {
        var bytes = new byte[25];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, written);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), end);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), sliding);
        return Serializer.Deserialize(new(bytes));
    }

    [Fact]
    public void What_is_written_comes_back()
    {
        foreach (TimeSpan? sliding in new TimeSpan?[] { null, TimeSpan.FromTicks(1), TimeSpan.MaxValue })
            foreach (TimeSpan absolute in new[] { TimeSpan.FromSeconds(-5), TimeSpan.FromSeconds(5), TimeSpan.MaxValue - TimeSpan.FromMilliseconds(2), TimeSpan.MaxValue })
            {
                var value = new DistributedValue([7], sliding, CacheClock.After(0, absolute));
                var buffer = new ArrayBufferWriter<byte>();
                Serializer.Serialize(value, buffer);
                DistributedValue back = Serializer.Deserialize(new(buffer.WrittenMemory));
                Assert.Equal((value.Sliding, value.AbsoluteEnd, 7), (back.Sliding, back.AbsoluteEnd, Assert.Single(back.Bytes)));
            }
    }

    [Fact]
    public void What_is_never_written_is_refused()
    {
        Assert.Equal(long.MaxValue, Read(Now, long.MaxValue, -1).AbsoluteEnd);
        foreach ((long written, long end, long sliding) in new[]
        {
            (long.MinValue, Now, -1), (long.MaxValue, Now, -1), (Now, long.MinValue, -1), (Now, long.MaxValue - 1, -1), (Now, Now, 0L), (Now, Now, -2), (Now, Now, long.MinValue),
        })
            Assert.Throws<InvalidDataException>(() => Read(written, end, sliding));
        for (int length = 0; length < 24; length++) Assert.Throws<InvalidDataException>(() => Serializer.Deserialize(new(new byte[length])));
    }

    [Fact]
    public void Random_bytes_are_a_value_or_refused()
    {
        var random = new Random(5);
        for (int i = 0; i < 10_000; i++)
        {
            var bytes = new byte[random.Next(40)];
            random.NextBytes(bytes);
            if (Record.Exception(() => Serializer.Deserialize(new(bytes))) is { } error) Assert.IsType<InvalidDataException>(error);
        }
    }
}
