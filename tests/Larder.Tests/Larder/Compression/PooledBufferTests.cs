using System.Buffers;
using System.Text;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;

namespace Larder.Tests.Compression;

public sealed class PooledBufferTests
{
    [Fact]
    public void It_keeps_what_was_written_while_it_grows()
    {
        var random = new Random(5);
        using var buffer = new PooledBuffer();
        var expected = new List<byte>();
        for (int i = 0; i < 500; i++)
        {
            var piece = new byte[random.Next(0, 300)];
            random.NextBytes(piece);
            expected.AddRange(piece);
            if (i % 2 == 0) buffer.Write(piece);
            else
            {
                piece.CopyTo(buffer.GetMemory(piece.Length));
                buffer.Advance(piece.Length);
            }
        }
        Assert.Equal(expected, buffer.Span.ToArray());
        Assert.Equal(expected, buffer.Memory.ToArray());
        Assert.False(buffer.GetSpan().IsEmpty);
        buffer.Clear();
        Assert.Equal(0, buffer.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Advance(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Advance(1 << 30));
        Assert.Throws<ArgumentOutOfRangeException>(() => { buffer.GetSpan(-1); });
    }

    private sealed record Inner(string Name);

    private sealed record Outer(string Name);

    /// <summary>Writes a part, uses the cache, and writes the rest.</summary>
    private sealed class Nesting : IHybridCacheSerializer<Outer>
    {
        public LarderCache? Cache;

        public Outer Deserialize(ReadOnlySequence<byte> source) => new(Encoding.UTF8.GetString(source));

        public void Serialize(Outer value, IBufferWriter<byte> target)
        {
            target.Write("before "u8);
            Assert.Equal(Reason.None, Cache!.SetAsync("inner", new Inner(new string('i', 5000))).AsTask().GetAwaiter().GetResult());
            Assert.Equal(5000, Cache.GetLocal<Inner>("inner").Value!.Name.Length);
            target.Write("after"u8);
        }
    }

    [Fact]
    public async Task A_serializer_that_uses_the_cache_writes_into_bytes_of_its_own()
    {
        var nesting = new Nesting();
        await using ServiceProvider services = new ServiceCollection().AddSingleton<IHybridCacheSerializer<Outer>>(nesting).BuildServiceProvider();
        using var cache = new LarderCache(new() { Compression = { Algorithm = CompressionAlgorithm.Zlib } }, services: services);
        nesting.Cache = cache;
        Assert.Equal(Reason.None, await cache.SetAsync("outer", new Outer("o")));
        Assert.Equal("before after", cache.GetLocal<Outer>("outer").Value!.Name);
        Assert.Equal(5000, cache.GetLocal<Inner>("inner").Value!.Name.Length);
    }
}
