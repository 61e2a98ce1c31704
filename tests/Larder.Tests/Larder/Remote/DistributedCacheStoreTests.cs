using Larder.Tests.Support;
using Microsoft.Extensions.Caching.Distributed;
using static Larder.Tests.Remote.RemoteNodes;

namespace Larder.Tests.Remote;

/// <summary>Values in a store of others, the log in Redis.</summary>
[Trait("clause", "R-37")]
public sealed class DistributedCacheStoreTests
{
    private readonly LooseCache _cache = new(1, 0);
    private readonly ModelRedis _redis = new();
    private readonly ManualTimeProvider _time = new();

    private ModelNode Node(TimeSpan? timeout = null, TimeProvider? time = null) => Connect(new(_redis, time: time, store: clock => new DistributedCacheStore(_cache, clock, time ?? TimeProvider.System, "p:", timeout ?? TimeSpan.FromSeconds(20))));

    [Fact]
    public async Task Nodes_share_what_was_made_and_set_and_hear_of_what_was_removed()
    {
        using ModelNode a = Node(), b = Node();
        await Fill(a, "made");
        await Written(a);
        Assert.Equal(["p:e:k"], _cache.Values.Keys);
        Assert.Equal(("made", Reason.HitRedis), ((await Fill(b, "-")).Value, (await b.Cache.GetAsync<string>("k")).Reason == Reason.HitMemory ? Reason.HitRedis : Reason.None));
        Assert.Equal(Reason.None, await a.Cache.SetAsync("k", "set"));
        b.ReadLog();
        Assert.Equal(("set", Reason.HitRedis), await b.Cache.GetAsync<string>("k") is var found ? (found.Value, found.Reason) : default);
        // Each is an event that every node judges by.
        Assert.Equal((1, 0), _redis.Run(r => (r.State().Groups, r.State().Keys)));
        await b.Cache.RemoveAsync("k");
        a.ReadLog();
        Assert.False((await a.Cache.GetAsync<string>("k")).Found);
        Assert.Empty(_cache.Values);
        await Fill(a, "long", key: new string('x', 300));
        await Written(a);
        Assert.StartsWith("p:h:", Assert.Single(_cache.Values).Key, StringComparison.Ordinal);
    }

    /// <summary>What was removed comes back, as a late write does.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_value_that_is_written_after_its_event_is_used_by_nobody_who_knows_of_that(bool wasSet)
    {
        using ModelNode a = Node(), b = Node(), c = Node();
        if (wasSet) await a.Cache.SetAsync("k", "old");
        else await Fill(a, "old");
        await Written(a);
        byte[] old = _cache.Values["p:e:k"];
        await a.Cache.RemoveAsync("k");
        _cache.Values["p:e:k"] = old;
        // Its own node does not need to have read it.
        Assert.False((await a.Cache.GetAsync<string>("k")).Found);
        Assert.Equal("old", (await b.Cache.GetAsync<string>("k")).Value);
        b.ReadLog();
        c.ReadLog();
        Assert.False((await b.Cache.GetAsync<string>("k")).Found);
        Assert.False((await c.Cache.GetAsync<string>("k")).Found);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_two_that_are_set_the_later_one_counts_whichever_is_written_last(bool swapped)
    {
        using ModelNode a = Node(), b = Node(), c = Node();
        await a.Cache.SetAsync("k", "1");
        byte[] first = _cache.Values["p:e:k"];
        b.ReadLog();
        await b.Cache.SetAsync("k", "2");
        if (swapped) _cache.Values["p:e:k"] = first;
        c.ReadLog();
        Assert.Equal(swapped ? null : "2", (await c.Cache.GetAsync<string>("k")).Value);
    }

    public enum Fault
    {
        Throws,
        Hangs,
        Blocks,
    }

    [Theory]
    [InlineData(Fault.Throws)]
    [InlineData(Fault.Hangs)]
    [InlineData(Fault.Blocks)]
    public async Task A_cache_that_does_not_answer_costs_its_deadline_and_fails_nothing(Fault fault)
    {
        using ModelNode a = Node(TimeSpan.FromMilliseconds(20));
        using var blocked = new ManualResetEventSlim();
        _cache.Before = token =>
        {
            if (fault == Fault.Throws) throw new InvalidOperationException("away");
            if (fault == Fault.Blocks) blocked.Wait(CancellationToken.None);
            return fault == Fault.Hangs ? new TaskCompletionSource().Task : Task.CompletedTask;
        };
        Assert.Equal("made", (await Fill(a, "made")).Value);
        Assert.Equal(Reason.None, await a.Cache.SetAsync("k", "set"));
        Assert.True(await a.Cache.RemoveAsync("k"));
        Assert.False((await a.Cache.GetAsync<string>("k")).Found);
        Assert.True(a.Tier.Reads.CountOf(RemoteOutcome.NoAnswer) > 0);
        // The events are in the log all the same.
        Assert.Equal(2, _redis.Run(r => r.State().Groups));
        blocked.Set();
    }

    [Fact]
    public async Task After_some_failures_it_is_left_alone_for_a_second()
    {
        using ModelNode a = Node(time: _time);
        _cache.Before = _ => throw new InvalidOperationException("away");
        for (int i = 0; i < 10; i++) Assert.False((await a.Cache.GetAsync<string>("k")).Found);
        Assert.Equal(5, _cache.Calls);
        _cache.Before = _ => Task.CompletedTask;
        _time.Advance(TimeSpan.FromSeconds(1));
        a.Follower.Told(0, new(_redis.Now, a.Follower.Clock.Now));
        Assert.False((await a.Cache.GetAsync<string>("k")).Found);
        Assert.False((await a.Cache.GetAsync<string>("k")).Found);
        Assert.Equal(7, _cache.Calls);
    }

    [Fact]
    public async Task What_slides_slides_there_too_up_to_its_end()
    {
        using ModelNode a = Node(time: _time);
        var distributed = new LarderDistributedCache(a.Cache);
        TimeSpan window = TimeSpan.FromMinutes(20);
        await distributed.SetAsync("s", [1], new DistributedCacheEntryOptions { SlidingExpiration = window, AbsoluteExpirationRelativeToNow = TimeSpan.FromHours(8) });
        Assert.Equal((window * 1.25, TimeSpan.FromHours(8)), (_cache.LastOptions!.SlidingExpiration, _cache.LastOptions.AbsoluteExpirationRelativeToNow));
        await distributed.SetAsync("s", [1], new DistributedCacheEntryOptions { SlidingExpiration = window });
        Assert.Equal(window * 1.25, _cache.LastOptions.SlidingExpiration);
        await distributed.SetAsync("s", [1], new DistributedCacheEntryOptions { AbsoluteExpirationRelativeToNow = window });
        Assert.Equal((null, window), (_cache.LastOptions.SlidingExpiration, _cache.LastOptions.AbsoluteExpirationRelativeToNow));
        await a.Cache.SetAsync("plain", "v", new EntryOptions { Ttl = TimeSpan.FromMinutes(1), StaleIfError = TimeSpan.FromMinutes(2) });
        Assert.Equal((null, TimeSpan.FromMinutes(3)), (_cache.LastOptions.SlidingExpiration, _cache.LastOptions.AbsoluteExpirationRelativeToNow));
    }
}
