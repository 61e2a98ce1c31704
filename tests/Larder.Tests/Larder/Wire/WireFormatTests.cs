using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Larder.Tests.Wire;

public sealed class WireFormatTests
{
    private static readonly WireLimits Limits = new(1 << 20, 1024);

    private static WireEntry Sample() => new()
    {
        Stamp = new(0x1122334455667788, 42),
        CreatedAt = 1_700_000_000_000,
        FreshUntil = 1_700_000_060_000,
        StaleWhileRevalidateUntil = 1_700_000_090_000,
        StaleIfErrorUntil = long.MaxValue,
        Key = "user:ä:1",
        Type = "System.String, System.Private.CoreLib",
        User = "u7",
        Tags = ["t", "user:1"],
        SubjectStart = 5,
        SubjectEnd = 8,
        Flags = WireFlags.Shared,
        Encoding = CompressionAlgorithm.None,
        Length = 5,
        Body = "value"u8.ToArray(),
    };

    /// <summary>Whoever changes this changes what running programs have stored: add a version instead.</summary>
    private const string Golden =
        "4C524452" + "01" + "02" + "00" + "00" + "A4000000"
        + "8877665544332211" + "2A00000000000000"
        + "0068E5CF8B010000" + "6052E6CF8B010000" + "90C7E6CF8B010000" + "FFFFFFFFFFFFFF7F"
        + "05000000" + "08000000" + "05000000" + "02000000"
        + "09000000" + "757365723AC3A43A31"
        + "25000000" + "53797374656D2E537472696E672C2053797374656D2E507269766174652E436F72654C6962"
        + "02000000" + "7537"
        + "01000000" + "74" + "06000000" + "757365723A31"
        + "05000000" + "76616C7565"
        + "5F1DA4F9";

    private static byte[] Written(WireEntry entry)
    {
        var target = new ArrayBufferWriter<byte>();
        Assert.Equal(WireOutcome.Done, WireFormat.Write(entry, Limits, target));
        return target.WrittenSpan.ToArray();
    }

    private static void Same(WireEntry expected, WireEntry actual)
    {
        // Records compare arrays by reference.
        Assert.Equal(expected with { Tags = [], Body = default }, actual with { Tags = [], Body = default });
        Assert.Equal(expected.Tags, actual.Tags);
        Assert.True(expected.Body.Span.SequenceEqual(actual.Body.Span));
    }

    /// <summary>Puts length and checksum right, so that only what was changed is wrong.</summary>
    private static byte[] Sealed(byte[] bytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(WireFormat.LengthAt), bytes.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(^4), Crc32C.Of(bytes.AsSpan(..^4)));
        return bytes;
    }

    private static WireOutcome Read(ReadOnlyMemory<byte> bytes, string? key = null) => WireFormat.Read(bytes, key, Limits, out _);

    [Fact]
    public void The_bytes_are_those_of_the_page()
    {
        byte[] written = Written(Sample());
        Assert.Equal(Golden, Convert.ToHexString(written));
        string page = File.ReadAllText(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", "..", "..", "..", "docs", "wire-format.md"));
        string onPage = Regex.Match(page, "```hex(.*?)```", RegexOptions.Singleline).Groups[1].Value;
        Assert.Equal(Golden, Regex.Replace(onPage, @"\s", ""));
        Assert.Equal(WireOutcome.Done, WireFormat.Read(Convert.FromHexString(Golden), "user:ä:1", Limits, out WireEntry read));
        Same(Sample(), read);
    }

    [Fact]
    public void The_checksum_is_CRC_32C()
    {
        // The check value of the algorithm, and RFC 3720 B.4.
        Assert.Equal(0xE3069283u, Crc32C.Of("123456789"u8));
        Assert.Equal(0x8A9136AAu, Crc32C.Of(new byte[32]));
        Assert.Equal(Crc32C.Of("123456789"u8), Crc32C.Append(Crc32C.Of("1234"u8), "56789"u8));
    }

    [Fact]
    public void What_is_written_is_read()
    {
        var random = new Random(11);
        for (int i = 0; i < 2000; i++)
        {
            WireEntry entry = Any(random);
            byte[] bytes = Written(entry);
            Assert.Equal(WireOutcome.Done, WireFormat.Read(bytes, i % 2 == 0 ? entry.Key : null, Limits, out WireEntry read));
            Same(entry, read);
            if (i % 2 == 0) Assert.Same(entry.Key, read.Key);
            Assert.Equal(WireOutcome.OtherKey, Read(bytes, entry.Key + "x"));
        }
    }

    [Fact]
    public void Each_flipped_bit_and_each_cut_is_a_miss()
    {
        byte[] bytes = Written(Sample());
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            byte[] broken = [.. bytes];
            broken[bit / 8] ^= (byte)(1 << bit % 8);
            WireOutcome outcome = Read(broken);
            Assert.Equal(bit / 8 < 4 ? WireOutcome.NotOurs : bit / 8 is >= 8 and < 12 ? outcome : WireOutcome.Checksum, outcome);
            Assert.NotEqual(WireOutcome.Done, outcome);
        }
        for (int length = 0; length < bytes.Length; length++) Assert.Equal(WireOutcome.Cut, Read(bytes.AsMemory(0, length)));
        Assert.Equal(WireOutcome.Malformed, Read((byte[])[.. bytes, 0]));
    }

    [Fact]
    public void Nothing_that_is_read_throws_or_costs_much_more_than_it_is_long()
    {
        int rounds = int.TryParse(Environment.GetEnvironmentVariable("LARDER_FUZZ_ROUNDS"), out int asked) ? asked : 100_000;
        var random = new Random(Environment.GetEnvironmentVariable("LARDER_FUZZ_SEED") is { } seed ? int.Parse(seed, null) : 13);
        byte[][] whole = [.. Enumerable.Range(0, 50).Select(_ => Written(Any(random)))];
        var outcomes = new HashSet<WireOutcome>();
        for (int i = 0; i < rounds; i++)
        {
            byte[] bytes = [.. whole[random.Next(whole.Length)]];
            switch (random.Next(3))
            {
                case 0:
                    bytes = new byte[random.Next(200)];
                    random.NextBytes(bytes);
                    if (random.Next(2) == 0) WireFormat.Magic[..Math.Min(bytes.Length, 4)].CopyTo(bytes);
                    break;
                case 1:
                    bytes = bytes[..random.Next(bytes.Length)];
                    break;
                default:
                    // Lengths above all: small changes to numbers, with a checksum that is right.
                    for (int n = random.Next(1, 4); n > 0; n--)
                        bytes[random.Next(4, bytes.Length)] = (byte)(random.Next(4) == 0 ? random.Next(256) : random.Next(3) * 127);
                    break;
            }
            if (bytes.Length > 16 && random.Next(4) > 0) Sealed(bytes);
            string? key = random.Next(4) == 0 ? "k" : null;
            long before = GC.GetAllocatedBytesForCurrentThread();
            WireOutcome outcome = WireFormat.Read(bytes, key, Limits, out WireEntry read);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 * bytes.Length + 2048);
            Assert.Equal(outcome == WireOutcome.Done, read.Key is not null);
            outcomes.Add(outcome);
        }
        // The inputs reach every way out.
        Assert.Equal(Enum.GetValues<WireOutcome>().Order(), outcomes.Order());
    }

    [Fact]
    public void Another_version_is_told_from_damage()
    {
        byte[] newer = Written(Sample());
        newer[WireFormat.VersionAt] = 2;
        Assert.Equal(WireOutcome.OtherVersion, Read(Sealed([.. newer])));
        newer[WireFormat.VersionAt] = 0;
        Assert.Equal(WireOutcome.OtherVersion, Read(Sealed([.. newer])));
        newer[WireFormat.VersionAt] = 255;
        Assert.Equal(WireOutcome.OtherVersion, Read(Sealed([.. newer])));
        // A newer version may look quite different between the ends of its envelope.
        byte[] strange = [.. "LRDR"u8, 9, 1, 2, 3, 0, 0, 0, 0, 77, 0, 0, 0, 0];
        Assert.Equal(WireOutcome.OtherVersion, Read(Sealed(strange)));
        Assert.Equal(WireOutcome.OtherVersion, Read(Sealed([.. "LRDR"u8, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])));
    }

    [Fact]
    public void An_older_version_is_read_by_its_own_reader()
    {
        // As if version 1 had been key and body alone, and today's were version 2.
        byte[] older = Sealed([.. "LRDR"u8, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, .. "key"u8, 2, 0, 0, 0, .. "ab"u8, 0, 0, 0, 0]);
        byte[] today = Written(Sample());
        today[WireFormat.VersionAt] = 2;
        WireFormat.ContentReader?[] readers = [null, Older, WireVersion1.Read];
        Assert.Equal(WireOutcome.Done, WireFormat.Read(older, null, Limits, readers, out WireEntry read));
        Assert.Equal(("key", "ab"), (read.Key, Encoding.UTF8.GetString(read.Body.Span)));
        Assert.Equal(WireOutcome.Done, WireFormat.Read(Sealed(today), null, Limits, readers, out read));
        Same(Sample(), read);
        Assert.Equal(WireOutcome.Malformed, Read(older));

        static WireOutcome Older(ReadOnlyMemory<byte> content, string? key, WireLimits limits, out WireEntry entry)
        {
            var parts = new PartReader(content.Span, 12);
            string stored = parts.Text(limits.MaxKeyLength);
            ReadOnlySpan<byte> body = parts.Part(limits.MaxBodyBytes);
            entry = Sample() with { Key = stored, SubjectStart = 0, SubjectEnd = 0, Length = body.Length, Body = body.ToArray() };
            return parts.Outcome;
        }
    }

    [Fact]
    public void What_contradicts_itself_is_refused_when_it_is_written_and_when_it_is_read()
    {
        WireEntry sample = Sample();
        foreach (WireEntry wrong in new[]
        {
            sample with { Flags = (WireFlags)4 },
            sample with { Encoding = (CompressionAlgorithm)3 },
            sample with { Stamp = new(1, -1) },
            sample with { CreatedAt = -1 },
            sample with { CreatedAt = long.MaxValue, FreshUntil = long.MaxValue, StaleWhileRevalidateUntil = long.MaxValue },
            sample with { FreshUntil = sample.CreatedAt - 1 },
            sample with { StaleWhileRevalidateUntil = sample.FreshUntil - 1 },
            sample with { StaleIfErrorUntil = sample.FreshUntil - 1 },
            sample with { Key = "", SubjectStart = 0, SubjectEnd = 0 },
            sample with { SubjectStart = -1 },
            sample with { SubjectStart = 8, SubjectEnd = 7 },
            sample with { SubjectEnd = 9 },
            sample with { Length = 4 },
            sample with { Encoding = CompressionAlgorithm.Zlib, Length = 0 },
            sample with { Flags = WireFlags.Null },
            sample with { Key = "half \ud800 pair" },
            sample with { Tags = ["\udc00"] },
        })
        {
            var target = new ArrayBufferWriter<byte>();
            Assert.Equal(WireOutcome.Malformed, WireFormat.Write(wrong, Limits, target));
            Assert.Equal(0, target.WrittenCount);
        }
        // The same by hand, for the reader.
        foreach ((int at, byte value) in new (int, byte)[] { (5, 4), (6, 3), (7, 1), (27, 0x80), (35, 0x80), (41, 0), (49, 0), (59, 0x80), (60, 9), (63, 0x80), (64, 9), (68, 4), (71, 0x80), (72, 1), (72, 3), (84, 0xFF) })
        {
            byte[] bytes = Written(sample);
            bytes[at] = value;
            Assert.Equal((at, WireOutcome.Malformed), (at, Read(Sealed(bytes))));
        }
    }

    [Fact]
    public void Every_part_has_a_limit_on_both_sides()
    {
        var wide = new WireLimits(1 << 24, 1 << 20);
        foreach (WireEntry large in new[]
        {
            Sample() with { Key = new('k', Limits.MaxKeyLength + 1) },
            Sample() with { Body = new byte[(1 << 20) + 1], Length = (1 << 20) + 1 },
            Sample() with { Encoding = CompressionAlgorithm.Brotli, Length = (1 << 20) + 1 },
        })
        {
            var target = new ArrayBufferWriter<byte>();
            Assert.Equal(WireOutcome.TooLarge, WireFormat.Write(large, Limits, target));
            Assert.Equal(WireOutcome.Done, WireFormat.Write(large, wide, target));
            Assert.Equal(WireOutcome.TooLarge, Read(target.WrittenMemory));
            Assert.Equal(WireOutcome.Done, WireFormat.Read(target.WrittenMemory, null, wide, out _));
        }
        foreach (WireEntry large in new[]
        {
            Sample() with { Tags = [.. Enumerable.Repeat("t", WireLimits.MaxTags + 1)] },
            Sample() with { Tags = [new('t', WireLimits.MaxTagBytes + 1)] },
            Sample() with { User = new('u', WireLimits.MaxUserBytes + 1) },
            Sample() with { Type = new('t', WireLimits.MaxTypeBytes + 1) },
        })
            Assert.Equal(WireOutcome.TooLarge, WireFormat.Write(large, wide, new ArrayBufferWriter<byte>()));
        byte[] bytes = Written(Sample());
        bytes[75] = 0x7F;
        Assert.Equal(WireOutcome.TooLarge, Read(Sealed(bytes)));
    }

    [Fact]
    public void A_number_of_tags_that_is_only_claimed_costs_nothing()
    {
        byte[] bytes = Written(Sample());
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(72), WireLimits.MaxTags);
        Sealed(bytes);
        Assert.Equal(WireOutcome.Malformed, Read(bytes));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Read(bytes);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4096);
    }

    [Fact]
    public void Half_a_surrogate_pair_is_not_taken_for_its_replacement()
    {
        byte[] bytes = Written(Sample() with { Key = "k\ufffd", SubjectStart = 0, SubjectEnd = 2 });
        Assert.Equal(WireOutcome.Done, Read(bytes, "k\ufffd"));
        Assert.Equal(WireOutcome.OtherKey, Read(bytes, "k\ud800"));
    }

    [Fact]
    public void The_body_is_not_copied_by_reading()
    {
        byte[] bytes = Written(Sample());
        Assert.Equal(WireOutcome.Done, WireFormat.Read(bytes, null, Limits, out WireEntry read));
        bytes[^9] = (byte)'V';
        Assert.Equal("Value", Encoding.UTF8.GetString(read.Body.Span));
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;

    private static WireEntry Any(Random random)
    {
        string key = Text(random, 1, 40);
        long created = random.NextInt64(0, 253_402_300_799_999), fresh = Later(created);
        int start = random.Next(key.Length + 1);
        bool isNull = random.Next(8) == 0;
        var encoding = isNull ? CompressionAlgorithm.None : (CompressionAlgorithm)random.Next(3);
        var body = new byte[isNull ? 0 : random.Next(200)];
        random.NextBytes(body);
        return new()
        {
            Stamp = new((ulong)random.NextInt64(), random.NextInt64()),
            CreatedAt = created,
            FreshUntil = fresh,
            StaleWhileRevalidateUntil = Later(fresh),
            StaleIfErrorUntil = Later(fresh),
            Key = key,
            Type = Text(random, 0, 60),
            User = random.Next(2) == 0 ? null : Text(random, 0, 20),
            Tags = [.. Enumerable.Range(0, random.Next(5)).Select(_ => Text(random, 0, 20))],
            SubjectStart = start,
            SubjectEnd = random.Next(start, key.Length + 1),
            Flags = (isNull ? WireFlags.Null : 0) | (random.Next(2) == 0 ? WireFlags.Shared : 0),
            Encoding = encoding,
            Length = encoding == CompressionAlgorithm.None ? body.Length : random.Next(1, 1000),
            Body = body,
        };

        long Later(long than) => than == long.MaxValue || random.Next(5) == 0 ? long.MaxValue : than + random.NextInt64(0, 1L << 40);
    }

    private static string Text(Random random, int least, int most)
    {
        var text = new StringBuilder();
        for (int n = random.Next(least, most); n > 0; n--)
            text.Append(random.Next(6) switch { 0 => "ä", 1 => "\U0001F600", 2 => "\0", 3 => "漢", _ => ((char)random.Next(32, 127)).ToString() });
        return text.ToString();
    }
}
