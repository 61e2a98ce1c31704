using System.Buffers.Binary;
using System.IO.Compression;
using Larder.IntegrationTests.RedisServers;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisFaults;

/// <summary>What is in a slot is damaged, of another version, or a bomb: a miss and a count, never an exception and never a wrong value.</summary>
[Collection(HostileTests.Measured)]
public sealed class EntryTests
{
    /// <summary>The slot's identity, and the server's behind it.</summary>
    internal const int IdentityBytes = 16, FormAt = IdentityBytes + RemoteReads.ServerBytes;
    private const long MostGrowth = 64 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static Task<Stage> StartAsync(Func<LarderOptions>? cache = null) => Stage.StartAsync(new() { Options = AbsenceTests.Patient, Cache = cache ?? (static () => new()) });

    private static Task PutAsync(Stage stage, string key, byte[] content) => stage.Server.AskAsync("SET", new RedisNames("larder:").SlotOf(key), content, "PX", 600_000);

    private static async Task<byte[]> StoredAsync(Stage stage, string key, string value)
    {
        Assert.Equal((value, Reason.MissCold), await stage.A.GetOrMakeAsync(key, value, new() { Ttl = TimeSpan.FromMinutes(10), Tags = ["t"], User = "u" }));
        await stage.A.UntilIdleAsync();
        return (await stage.SlotAsync(key))!;
    }

    private static async Task<LookupResult<string>> FindAsync(RedisNode node, string key) => await node.Cache.GetAsync<string>(key, Token);

    /// <summary>The same with a right checksum.</summary>
    private static byte[] Sealed(byte[] content)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(content.AsSpan(^WireFormat.ChecksumBytes), Crc32C.Of(content.AsSpan()[FormAt..^WireFormat.ChecksumBytes]));
        return content;
    }

    private static long Unreadable(RedisNode node) => node.Tier.Reads.CountOf(RemoteOutcome.Unreadable);

    [Fact]
    [Trait("fault", "15"), Trait("clause", "R-14")]
    public async Task Each_byte_is_turned_and_it_is_cut_at_each_length()
    {
        await using Stage stage = await StartAsync();
        byte[] stored = await StoredAsync(stage, "k", "the right value");
        for (int at = IdentityBytes; at < stored.Length; at++)
            foreach (byte bits in (byte[])[0x01, 0x80, 0xFF])
            {
                byte[] damaged = [.. stored];
                damaged[at] ^= bits;
                await PutAsync(stage, "k", damaged);
                (long unreadable, long foreign) = (Unreadable(stage.B), stage.B.Tier.Reads.CountOf(RemoteOutcome.OtherServer));
                Assert.False((await FindAsync(stage.B, "k")).Found, $"byte {at}");
                // Behind the slot's identity the server's stands: one that is another is not damaged, and not this one's.
                Assert.Equal(at < FormAt ? (unreadable, foreign + 1) : (unreadable + 1, foreign), (Unreadable(stage.B), stage.B.Tier.Reads.CountOf(RemoteOutcome.OtherServer)));
            }
        for (int length = 0; length < stored.Length; length++)
        {
            await PutAsync(stage, "k", stored[..length]);
            long unreadable = Unreadable(stage.B);
            Assert.False((await FindAsync(stage.B, "k")).Found, $"{length} bytes");
            Assert.Equal(length > IdentityBytes ? unreadable + 1 : unreadable, Unreadable(stage.B));
        }
        // A fill puts a right one in the place of what can't be read.
        Assert.Equal(("made again", Reason.MissCold), await stage.B.GetOrMakeAsync("k", "made again"));
        await stage.B.UntilIdleAsync();
        using RedisNode third = await RedisNode.StartAsync(stage.Server.Options());
        Assert.Equal(("made again", Reason.HitRedis), await third.GetOrMakeAsync("k", "not made"));
        // It was the damage: whole, and under any identity, it is found.
        byte[] renamed = [.. stored];
        renamed[0] ^= 0xFF;
        await PutAsync(stage, "k", renamed);
        using RedisNode fourth = await RedisNode.StartAsync(stage.Server.Options());
        Assert.Equal(("the right value", Reason.HitRedis), await fourth.GetOrMakeAsync("k", "not made"));
        Assert.All((RedisNode[])[stage.A, stage.B], node => Assert.Equal(RemoteTierState.InUse, node.Cache.RemoteTier!.State));
    }

    [Fact]
    [Trait("fault", "15")]
    public async Task It_belongs_to_another_key()
    {
        await using Stage stage = await StartAsync();
        await PutAsync(stage, "other", await StoredAsync(stage, "k", "of k"));
        Assert.False((await FindAsync(stage.B, "other")).Found);
        Assert.Equal(1, stage.B.Tier.Reads.CountOf(WireOutcome.OtherKey));
        Assert.Equal("of k", (await FindAsync(stage.B, "k")).Value);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(255)]
    [Trait("fault", "16")]
    public async Task It_is_in_an_older_or_a_newer_form(byte version)
    {
        await using Stage stage = await StartAsync();
        byte[] stored = await StoredAsync(stage, "k", "old");
        byte[] other = [.. stored];
        other[FormAt + WireFormat.VersionAt] = version;
        await PutAsync(stage, "k", Sealed(other));
        Assert.False((await FindAsync(stage.B, "k")).Found);
        Assert.Equal(1, stage.B.Tier.Reads.CountOf(WireOutcome.OtherVersion));
        // Programs of both versions go on side by side: each puts its own form in the place of the other's.
        Assert.Equal(("made", Reason.MissCold), await stage.B.GetOrMakeAsync("k", "made"));
        await stage.B.UntilIdleAsync();
        Assert.Equal(1, (await stage.SlotAsync("k"))![FormAt + WireFormat.VersionAt]);
        // It was the version.
        await PutAsync(stage, "k", Sealed([.. stored]));
        using RedisNode third = await RedisNode.StartAsync(stage.Server.Options());
        Assert.Equal("old", (await FindAsync(third, "k")).Value);
    }

    [Theory]
    [InlineData(CompressionAlgorithm.Brotli, 1000)]
    [InlineData(CompressionAlgorithm.Brotli, 8 << 20)]
    [InlineData(CompressionAlgorithm.Brotli, 1 << 30)]
    [InlineData(CompressionAlgorithm.Zlib, 1000)]
    [InlineData(CompressionAlgorithm.Zlib, 1 << 30)]
    [Trait("fault", "17")]
    public async Task It_is_a_bomb(CompressionAlgorithm encoding, int claimed)
    {
        await using Stage stage = await StartAsync();
        byte[] stored = await StoredAsync(stage, "k", "v");
        Assert.Equal(WireOutcome.Done, WireFormat.Read(stored.AsMemory(FormAt), "k", WireLimits.Of(new()), out WireEntry entry));
        using var form = new PooledBuffer();
        Assert.Equal(WireOutcome.Done, WireFormat.Write(entry with { Encoding = encoding, Body = Compressed(encoding, new byte[1 << 20], 1 << 10), Length = claimed }, new(int.MaxValue, 1024), form));
        await PutAsync(stage, "k", [.. stored[..FormAt], .. form.Span]);
        // One that is no bomb is read: it is what comes out that counts.
        using var honest = new PooledBuffer();
        Assert.Equal(WireOutcome.Done, WireFormat.Write(entry with { Key = "honest", SubjectEnd = 6, Encoding = encoding, Body = Compressed(encoding, entry.Body.ToArray(), 1) }, WireLimits.Of(new()), honest));
        await PutAsync(stage, "honest", [.. stored[..FormAt], .. honest.Span]);
        Assert.Equal("v", (await FindAsync(stage.B, "honest")).Value);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        LookupResult<string> found = await FindAsync(stage.B, "k");
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, MostGrowth);
        Assert.False(found.Found);
        Assert.Equal("made", (await stage.B.GetOrMakeAsync("k", "made")).Value);
        Assert.Equal(RemoteTierState.InUse, stage.B.Cache.RemoteTier!.State);
    }

    private static byte[] Compressed(CompressionAlgorithm encoding, byte[] piece, int times)
    {
        using var target = new MemoryStream();
        using (Stream stream = encoding == CompressionAlgorithm.Brotli ? new BrotliStream(target, CompressionLevel.Fastest) : new ZLibStream(target, CompressionLevel.Fastest))
            for (int i = 0; i < times; i++) stream.Write(piece);
        return target.ToArray();
    }
}
