using System.Buffers;
using System.Text;
using Larder.Tests.Support;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Hybrid;
using static Larder.Tests.Remote.RemoteNodes;

namespace Larder.Tests.Remote;

/// <summary>What the framework's interfaces do across nodes.</summary>
public sealed class RemoteFacesTests
{
    private static readonly DistributedCacheEntryOptions Forever = new();

    private static ModelNode Filling(ModelRedis redis)
    {
        var options = new LarderOptions();
        options.DistributedCache.MissesBeginFills = true;
        return Connected(redis, options: options);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_call_of_the_interface_reaches_the_other_nodes(bool waits)
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis), b = Connected(redis);
        LarderDistributedCache onA = new(a.Cache), onB = new(b.Cache);
        async Task<byte[]?> Get(LarderDistributedCache on, bool buffer)
        {
            if (!buffer) return waits ? on.Get("k") : await on.GetAsync("k");
            var writer = new ArrayBufferWriter<byte>();
            return (waits ? on.TryGet("k", writer) : await on.TryGetAsync("k", writer)) ? writer.WrittenSpan.ToArray() : null;
        }
        // Answers come on other threads, as those of a server do.
        foreach (ModelNode node in (ModelNode[])[a, b]) node.Before = async _ => await Task.Yield();
        foreach (bool buffer in (bool[])[false, true])
        {
            if (waits) onA.Set("k", [1], Forever);
            else await onA.SetAsync("k", new ReadOnlySequence<byte>([1]), Forever);
            b.ReadLog();
            Assert.Equal([1], await Get(onB, buffer));
            byte[] copy = (await Get(onB, buffer))!;
            copy[0] = 9;
            Assert.Equal([1], await Get(onB, buffer));
            if (waits) onA.Remove("k");
            else await onA.RemoveAsync("k");
            // It is in the log when the call has ended.
            b.ReadLog();
            Assert.Null(await Get(onB, buffer));
        }
        Assert.Equal(2, b.Tier.Reads.CountOf(RemoteOutcome.Found));
    }

    [Fact]
    public async Task Memory_answers_without_asking_and_without_a_task()
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis);
        var cache = new LarderDistributedCache(a.Cache);
        await cache.SetAsync("k", [1], Forever);
        a.Before = _ => throw new InvalidOperationException("asked");
        Assert.Equal([1], cache.Get("k"));
        Assert.True(cache.TryGetAsync("k", new ArrayBufferWriter<byte>()).IsCompletedSuccessfully);
        a.Follower.End();
        // Away: what is set holds here, and nobody is kept waiting.
        a.Before = _ => new TaskCompletionSource().Task;
        cache.Set("k", [2], Forever);
        Assert.Equal([2], cache.Get("k"));
        Assert.Null(cache.Get("other"));
        cache.Remove("k");
        Assert.Null(cache.Get("k"));
    }

    /// <summary>A miss and the set that ends its fill; another node removes the key in between, of which this one has not heard.</summary>
    private static async Task<byte[]?> SetAfter(ModelRedis redis, bool removed, bool again = false)
    {
        using ModelNode a = Filling(redis), b = Connected(redis), c = Connected(redis);
        LarderDistributedCache onA = new(a.Cache), onC = new(c.Cache);
        Assert.Null(await onA.GetAsync("k"));
        byte[] made = Bytes("old");
        if (removed) await b.Cache.RemoveAsync("k");
        if (again) Assert.Null(await onA.GetAsync("k"));
        await onA.SetAsync("k", made, Forever);
        await Written(a);
        Assert.Equal(made, await onA.GetAsync("k"));
        c.ReadLog();
        return await onC.GetAsync("k");
    }

    [Fact]
    [Trait("clause", "R-18")]
    public async Task A_set_after_a_miss_goes_into_Redis_by_the_claim_of_the_miss()
    {
        Assert.Equal("old", Encoding.UTF8.GetString((await SetAfter(new(), removed: false))!));
        Assert.Null(await SetAfter(new(), removed: true));
        Assert.NotNull(await SetAfter(new() { ComparesNoClaims = true }, removed: true));
    }

    [Fact]
    [Trait("clause", "R-18")]
    public async Task The_claim_of_a_later_miss_is_not_that_of_an_earlier_ones_set()
    {
        Assert.NotNull(await SetAfter(new(), removed: false, again: true));
        Assert.Null(await SetAfter(new(), removed: true, again: true));
    }

    [Fact]
    [Trait("clause", "R-18")]
    public void Misses_that_claimed_different_things_claim_nothing()
    {
        var ordinals = new Ordinals();
        var clock = new CacheClock(new ManualTimeProvider());
        var notes = new MissNotes(ordinals, new(ordinals), clock);
        var server = new RemoteServer(1, default);
        SlotClaim first = new(5, server, new(1, 7)), same = new(5, server, new(1, 6)), other = new(6, server, new(1, 6));
        SlotClaim? ClaimAfter(string key, params SlotClaim?[] claims)
        {
            foreach (SlotClaim? claim in claims)
            {
                notes.Add(key);
                notes.Claimed(key, claim);
            }
            Assert.True(notes.Judge(key, out _, out SlotClaim? judged).IsFill);
            return judged;
        }
        Assert.Equal(first, ClaimAfter("one", first));
        Assert.Equal(same, ClaimAfter("same", first, same));
        Assert.Equal(same, ClaimAfter("order", same, first));
        Assert.Null(ClaimAfter("other", first, other));
        Assert.Null(ClaimAfter("none", first, null));
        Assert.Null(ClaimAfter("late", null, first));
    }

    [Fact]
    [Trait("clause", "R-18")]
    public async Task What_is_found_in_Redis_begins_no_fill()
    {
        var redis = new ModelRedis();
        using ModelNode a = Filling(redis), b = Connected(redis);
        await new LarderDistributedCache(b.Cache).SetAsync("k", [1], Forever);
        a.ReadLog();
        var onA = new LarderDistributedCache(a.Cache);
        Assert.Equal([1], await onA.GetAsync("k"));
        await onA.SetAsync("k", [2], Forever);
        // A set of its own is an event, of which the others hear.
        Assert.Equal(2, redis.Run(r => r.State().Keys));
    }

    [Fact]
    public void The_flags_of_reading_and_writing_are_the_bits_of_what_a_call_leaves_out()
    {
        Assert.Equal((int)HybridCacheEntryFlags.DisableLocalCacheRead, (int)EntryAccess.NoRead);
        Assert.Equal((int)HybridCacheEntryFlags.DisableLocalCacheWrite, (int)EntryAccess.NoWrite);
        Assert.Equal((int)HybridCacheEntryFlags.DisableDistributedCacheRead, (int)EntryAccess.NoRemoteRead);
        Assert.Equal((int)HybridCacheEntryFlags.DisableDistributedCacheWrite, (int)EntryAccess.NoRemoteWrite);
    }

    /// <summary>What each flag leaves out: what a read finds where memory has one value and Redis another, and where a made or set value is kept.</summary>
    [Theory]
    [InlineData(HybridCacheEntryFlags.None, "memory", true, true)]
    [InlineData(HybridCacheEntryFlags.DisableLocalCacheRead, "redis", true, true)]
    [InlineData(HybridCacheEntryFlags.DisableLocalCacheWrite, "memory", false, true)]
    [InlineData(HybridCacheEntryFlags.DisableLocalCache, "redis", false, true)]
    [InlineData(HybridCacheEntryFlags.DisableDistributedCacheRead, "memory", true, true)]
    [InlineData(HybridCacheEntryFlags.DisableDistributedCacheWrite, "memory", true, false)]
    [InlineData(HybridCacheEntryFlags.DisableDistributedCache, "memory", true, false)]
    [InlineData(HybridCacheEntryFlags.DisableLocalCacheRead | HybridCacheEntryFlags.DisableDistributedCacheRead, "made", true, true)]
    [InlineData(HybridCacheEntryFlags.DisableLocalCacheWrite | HybridCacheEntryFlags.DisableDistributedCacheWrite, "memory", false, false)]
    [InlineData(HybridCacheEntryFlags.DisableLocalCache | HybridCacheEntryFlags.DisableDistributedCache, "made", false, false)]
    public async Task Each_flag_is_about_its_tier(HybridCacheEntryFlags flags, string read, bool keepsHere, bool keepsThere)
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis), b = Connected(redis), c = Connected(redis);
        LarderHybridCache onA = new(a.Cache), onC = new(c.Cache);
        HybridCacheEntryOptions given = new() { Flags = flags }, look = new() { Flags = flags | HybridCacheEntryFlags.DisableUnderlyingData };

        await Fill(b, "redis", key: "both");
        await Written(b);
        a.IsAway = true;
        await Fill(a, "memory", key: "both");
        a.IsAway = false;
        Assert.Equal(read, await onA.GetOrCreateAsync("both", _ => ValueTask.FromResult("made"), given));
        if (read != "made") Assert.Equal(read, await onA.GetOrCreateAsync<string>("both", _ => throw new InvalidOperationException(), look));

        Assert.Equal("v", await onA.GetOrCreateAsync("made", _ => ValueTask.FromResult("v"), given));
        await Written(a);
        await onA.SetAsync("set", "v", given);
        c.ReadLog();
        foreach (string key in (string[])["made", "set"])
        {
            Assert.Equal(keepsHere, a.Cache.GetLocal<string>(key).Found);
            Assert.Equal(keepsThere ? "v" : null, await onC.GetOrCreateAsync<string>(key, _ => throw new InvalidOperationException(), new() { Flags = HybridCacheEntryFlags.DisableUnderlyingData }));
        }
        // What is set is new for everybody, wherever it is kept.
        await onC.SetAsync("set", "w");
        await onA.SetAsync("set", "x", given);
        c.ReadLog();
        Assert.Equal(keepsThere ? "x" : null, await onC.GetOrCreateAsync<string>("set", _ => throw new InvalidOperationException(), new() { Flags = HybridCacheEntryFlags.DisableUnderlyingData }));
        Assert.Equal(0, a.Cache.FillsUnderWay);
    }

    [Fact]
    public async Task A_lookup_that_is_not_to_be_kept_here_leaves_memory_as_it_is()
    {
        var redis = new ModelRedis();
        using ModelNode a = Connected(redis), b = Connected(redis);
        await Fill(b, "redis");
        await Written(b);
        var onA = new LarderHybridCache(a.Cache);
        HybridCacheEntryFlags flags = HybridCacheEntryFlags.DisableLocalCacheWrite;
        Assert.Equal("redis", await onA.GetOrCreateAsync<string>("k", _ => throw new InvalidOperationException(), new() { Flags = flags }));
        Assert.Equal("redis", await onA.GetOrCreateAsync<string>("k", _ => throw new InvalidOperationException(), new() { Flags = flags | HybridCacheEntryFlags.DisableUnderlyingData }));
        Assert.False(a.Cache.GetLocal<string>("k").Found);
        Assert.Null(await onA.GetOrCreateAsync<string>("k", _ => throw new InvalidOperationException(), new() { Flags = HybridCacheEntryFlags.DisableDistributedCacheRead | HybridCacheEntryFlags.DisableUnderlyingData }));
        // A fill for Redis alone that an event has overtaken does not get there.
        Assert.Equal("old", await onA.GetOrCreateAsync("o", async _ =>
        {
            await a.Cache.RemoveAsync("o", CancellationToken.None);
            return "old";
        }, new() { Flags = flags }));
        await Written(a);
        Assert.Empty(redis.Run(r => r.Get("o")).Stored ?? []);
    }
}
