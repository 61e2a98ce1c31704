using System.IO.Compression;
using System.Text;
using Larder.Tests.Support;

namespace Larder.Tests.Compression;

public sealed class CompressionTests
{
    private static readonly byte[] Noise = Random(2048, 1);
    private static readonly byte[] Repetitive = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("larder ", 300)));

    private static byte[] Random(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static LarderCache Cache(CompressionAlgorithm algorithm, int level = 6, int threshold = 1000) =>
        new(new() { Compression = { Algorithm = algorithm, Level = level, Threshold = threshold } });

    private static object Form(LarderCache cache, string key = "k") => StoreIntegrity.StoreOf(cache).Find(key)!.Value;

    private static CompressionAlgorithm EncodingOf(LarderCache cache) => Form(cache) is SerializedValue value ? value.Payload.Encoding : CompressionAlgorithm.None;

    [Theory]
    [InlineData(CompressionAlgorithm.Zlib)]
    [InlineData(CompressionAlgorithm.Brotli)]
    public async Task Random_bytes_are_kept_as_they_are_and_repetitive_ones_compressed_and_both_come_back_equal(CompressionAlgorithm algorithm)
    {
        using LarderCache cache = Cache(algorithm);
        await cache.SetAsync("k", Noise);
        Assert.Equal(CompressionAlgorithm.None, EncodingOf(cache));
        Assert.Equal(Noise, cache.GetLocal<byte[]>("k").Value);
        long uncompressed = cache.Statistics.Bytes;
        await cache.SetAsync("k", Repetitive);
        Assert.Equal(algorithm, EncodingOf(cache));
        Assert.Equal(Repetitive, cache.GetLocal<byte[]>("k").Value);
        Assert.True(cache.Statistics.Bytes < uncompressed / 2, "what is saved counts");
    }

    [Fact]
    public async Task It_is_off_by_default_and_small_values_are_not_tried()
    {
        using var off = new LarderCache();
        await off.SetAsync("k", Repetitive);
        Assert.Equal(CompressionAlgorithm.None, EncodingOf(off));
        using LarderCache cache = Cache(CompressionAlgorithm.Brotli, threshold: 1000);
        await cache.SetAsync("k", new byte[999]);
        Assert.Equal((CompressionAlgorithm.None, 0), (EncodingOf(cache), cache.Compression.Tried));
        await cache.SetAsync("k", new byte[1000]);
        Assert.Equal((CompressionAlgorithm.Brotli, 1), (EncodingOf(cache), cache.Compression.Tried));
    }

    [Theory]
    [InlineData(CompressionAlgorithm.Zlib)]
    [InlineData(CompressionAlgorithm.Brotli)]
    public void What_saves_a_tenth_or_less_is_not_kept(CompressionAlgorithm algorithm)
    {
        var compressor = new Compressor(new() { Algorithm = algorithm });
        bool kept = false, refused = false;
        // From all noise to half of it: the border lies between.
        for (int zeros = 0; zeros <= 1000; zeros += 20)
        {
            byte[] raw = [.. Random(2000 - zeros, 3), .. new byte[zeros]];
            bool pays = compressor.TryPack(raw, out Payload packed);
            (kept, refused) = (kept | pays, refused | !pays);
            if (pays) Assert.True(packed.Bytes.Length * 10 < raw.Length * 9, $"{packed.Bytes.Length} of {raw.Length}");
            else Assert.True(zeros < 400, "what saves more is kept");
        }
        Assert.True(kept && refused);
    }

    [Fact]
    public void Every_level_brings_back_what_was_given()
    {
        var random = new Random(7);
        foreach (CompressionAlgorithm algorithm in new[] { CompressionAlgorithm.Zlib, CompressionAlgorithm.Brotli })
            for (int level = 1; level <= 9; level++)
            {
                var compressor = new Compressor(new() { Algorithm = algorithm, Level = level, Threshold = 0 });
                foreach (int length in new[] { 0, 1, 100, 65_535, 65_536, 200_001 })
                {
                    var raw = new byte[length];
                    for (int i = 0; i < length; i++) raw[i] = (byte)random.Next(random.Next(1, 16));
                    Payload payload = compressor.Pack(raw);
                    using var back = new PooledBuffer();
                    Assert.True(Decompressor.TryDecompress(payload.Encoding, payload.Bytes, payload.Length, back));
                    Assert.True(back.Span.SequenceEqual(raw));
                    if (length > 1000) Assert.Equal(algorithm, payload.Encoding);
                }
            }
    }

    [Theory]
    [InlineData(CompressionAlgorithm.Zlib)]
    [InlineData(CompressionAlgorithm.Brotli)]
    public void Damage_never_throws_and_never_brings_another_length(CompressionAlgorithm algorithm)
    {
        Payload payload = new Compressor(new() { Algorithm = algorithm }).Pack([.. Repetitive, .. Noise.AsSpan(0, 300)]);
        Assert.Equal(algorithm, payload.Encoding);
        for (int at = 0; at < payload.Bytes.Length; at++)
        {
            byte[] broken = [.. payload.Bytes];
            broken[at] ^= (byte)(1 << at % 8);
            Try(broken, payload.Length);
            Try(payload.Bytes[..at], payload.Length);
        }
        Assert.False(Try(payload.Bytes, payload.Length - 1));
        Assert.False(Try(payload.Bytes, payload.Length + 1));
        Assert.False(Try(payload.Bytes, -1));
        Assert.False(Try(payload.Bytes, int.MaxValue));
        Assert.True(Try(payload.Bytes, payload.Length));

        bool Try(byte[] bytes, int length)
        {
            using var target = new PooledBuffer();
            bool whole = Decompressor.TryDecompress(algorithm, bytes, length, target);
            if (whole) Assert.Equal(length, target.Length);
            return whole;
        }
    }

    [Fact]
    public void Other_encodings_and_lengths_are_refused()
    {
        using var target = new PooledBuffer();
        Assert.False(Decompressor.TryDecompress((CompressionAlgorithm)3, new byte[3], 3, target));
        Assert.False(Decompressor.TryDecompress(CompressionAlgorithm.None, new byte[3], 4, target));
        Assert.True(Decompressor.TryDecompress(CompressionAlgorithm.None, new byte[3], 3, target));
        Assert.Throws<InvalidDataException>(() => new Compressor(new()).Unpack(new([1, 2, 3], CompressionAlgorithm.Brotli, 1), target));
    }

    [Fact]
    public async Task Texts_are_compressed_unless_their_instance_is_to_be_shared()
    {
        using LarderCache cache = Cache(CompressionAlgorithm.Brotli);
        string text = string.Concat(Enumerable.Repeat("größer ", 300));
        await cache.SetAsync("k", text);
        Assert.Equal(CompressionAlgorithm.Brotli, EncodingOf(cache));
        Assert.Equal(text, cache.GetLocal<string>("k").Value);
        Assert.Equal(text, cache.GetLocal<object>("k").Value);
        Assert.Equal(text, cache.GetLocal<IComparable<string>>("k").Value);
        Assert.Equal(Reason.MissIncompatible, cache.GetLocal<byte[]>("k").Reason);
        Assert.Equal(Reason.MissIncompatible, cache.GetLocal<int>("k").Reason);
        await cache.SetAsync("k", text, new() { ShareInstance = true });
        Assert.Same(text, cache.GetLocal<string>("k").Value);
        // Half a surrogate pair has no UTF-8: such a text is kept as it is.
        string half = text + '\ud800';
        await cache.SetAsync("k", half);
        Assert.Same(half, cache.GetLocal<string>("k").Value);
    }

    [Fact]
    public async Task The_figures_add_up()
    {
        using LarderCache cache = Cache(CompressionAlgorithm.Zlib);
        Assert.Equal((1.0, 1.0, 0.0), (cache.Compression.Ratio, cache.Compression.BestRatio, cache.Compression.WorstRatio));
        await cache.SetAsync("noise", Noise);
        await cache.SetAsync("a", Repetitive);
        await cache.SetAsync("b", (byte[])[.. Repetitive, .. Noise.AsSpan(0, 500)]);
        _ = cache.GetLocal<byte[]>("a").Value;
        CompressionStatistics figures = cache.Compression;
        Assert.Equal((3, 2, 1), (figures.Tried, figures.Kept, figures.Decompressions));
        int a = ((SerializedValue)Form(cache, "a")).Payload.Bytes.Length, b = ((SerializedValue)Form(cache, "b")).Payload.Bytes.Length;
        Assert.Equal((2L * Repetitive.Length + 500, (long)a + b), (figures.BytesBefore, figures.BytesAfter));
        Assert.Equal((double)a / Repetitive.Length, figures.BestRatio);
        Assert.Equal((double)b / (Repetitive.Length + 500), figures.WorstRatio);
        Assert.InRange(figures.Ratio, figures.BestRatio, figures.WorstRatio);
        Assert.True(figures.CompressionTime > TimeSpan.Zero);
        Assert.True(figures.DecompressionTime > TimeSpan.Zero);
    }

    [Fact]
    public async Task What_is_too_large_to_be_stored_is_not_compressed_into_fitting()
    {
        using var cache = new LarderCache(new() { MaxEntryBytes = 5000, Compression = { Algorithm = CompressionAlgorithm.Brotli } });
        Assert.Equal(Reason.UnstoredTooLarge, await cache.SetAsync("k", new byte[5001]));
        Assert.Equal(Reason.None, await cache.SetAsync("k", new byte[5000]));
        Assert.Equal(Reason.UnstoredTooLarge, await cache.SetAsync("k", new string('x', 5001)));
    }
}

[Collection(Alone.Name)]
public sealed class BombTests
{
    private const int GiB = 1 << 30;

    /// <summary>1 GiB of zeros in under two kilobytes.</summary>
    private static readonly Lazy<byte[]> Bomb = new(() =>
    {
        var target = new MemoryStream();
        using (var brotli = new BrotliStream(target, new BrotliCompressionOptions { Quality = 4 }, leaveOpen: true))
        {
            var zeros = new byte[1 << 20];
            for (int i = 0; i < GiB / zeros.Length; i++) brotli.Write(zeros);
        }
        return target.ToArray();
    });

    [Fact]
    public void A_bomb_costs_no_more_than_what_it_claims_to_be()
    {
        Assert.InRange(Bomb.Value.Length, 1, 2000);
        Assert.InRange(Allocated(() =>
        {
            using var target = new PooledBuffer();
            Assert.False(Decompressor.TryDecompress(CompressionAlgorithm.Brotli, Bomb.Value, 1 << 20, target));
        }), 0, 8 << 20);
        // The same measure catches a decoder that goes on as long as something comes.
        Assert.True(Allocated(() =>
        {
            using var brotli = new BrotliStream(new MemoryStream(Bomb.Value), CompressionMode.Decompress);
            var target = new MemoryStream();
            var chunk = new byte[1 << 16];
            while (target.Length < 64 << 20) target.Write(chunk, 0, brotli.Read(chunk));
        }) > 8 << 20);
    }

    [Fact]
    public void An_entry_that_claims_too_much_is_refused_before_anything_is_allocated()
    {
        var entry = new WireEntry
        {
            Stamp = new(1, 1),
            CreatedAt = 1,
            FreshUntil = 2,
            StaleWhileRevalidateUntil = 2,
            StaleIfErrorUntil = 2,
            Key = "k",
            Type = "t",
            SubjectStart = 0,
            SubjectEnd = 1,
            Encoding = CompressionAlgorithm.Brotli,
            Length = GiB,
            Body = Bomb.Value,
        };
        using var stored = new PooledBuffer();
        Assert.Equal(WireOutcome.Done, WireFormat.Write(entry, new(GiB, 100), stored));
        Assert.InRange(Allocated(() =>
        {
            Assert.Equal(WireOutcome.TooLarge, WireFormat.Read(stored.Memory, "k", new(64 << 20, 100), out WireEntry read));
            Assert.Null(read.Key);
        }), 0, 4096);
    }

    [Fact]
    public void A_length_that_is_only_claimed_costs_a_mebibyte()
    {
        Assert.InRange(Allocated(() =>
        {
            using var target = new PooledBuffer();
            Assert.False(Decompressor.TryDecompress(CompressionAlgorithm.Brotli, new byte[] { 0x3B }, GiB, target));
            Assert.False(Decompressor.TryDecompress(CompressionAlgorithm.Zlib, new byte[] { 0x78, 0x9C }, GiB, target));
        }), 0, 4 << 20);
    }

    private static long Allocated(Action action)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
