using Larder.Redis;
using Microsoft.Extensions.Caching.Distributed;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>Values that slide on a real server, used on several nodes (docs/invalidation.md, R-18).</summary>
public sealed class SessionsTests : IAsyncLifetime
{
    private static readonly DistributedCacheEntryOptions Sliding = new() { SlidingExpiration = TimeSpan.FromMinutes(20) };
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    private RedisServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await RedisServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task<long> LeftAsync()
    {
        Assert.True((await _server.AskAsync("PTTL", "larder:e:s")).TryGetInteger(out long left));
        return left;
    }

    [Fact]
    public async Task A_use_on_another_node_lets_the_slot_live_on()
    {
        await using PolledNode a = await PolledNode.StartAsync(_server), b = await PolledNode.StartAsync(_server);
        LarderDistributedCache onA = new(a.Cache), onB = new(b.Cache);
        await onA.SetAsync("s", [1, 2], Sliding);
        Assert.InRange(await LeftAsync(), 24 * 60_000, 25 * 60_000);
        // Most of its time passes.
        await _server.AskAsync("PEXPIRE", "larder:e:s", 60_000);
        byte[] before = (await _server.AskAsync("GET", "larder:e:s")).Bytes!;
        Assert.Equal([1, 2], onB.Get("s"));
        while (await LeftAsync() < 24 * 60_000) await Task.Delay(1);
        Assert.Equal(before, (await _server.AskAsync("GET", "larder:e:s")).Bytes);
        await onA.RemoveAsync("s");
        Assert.Equal(-2, await LeftAsync());
        await onB.RefreshAsync("s");
        Assert.Equal(-2, await LeftAsync());
    }

    [Fact]
    public async Task Only_the_slot_that_was_seen_is_prolonged_and_never_shortened()
    {
        await using PolledNode a = await PolledNode.StartAsync(_server);
        var slots = new RedisSlots(a.Routes, a.Names, new(a.Cache.Clock, TimeProvider.System), Long, () => 7);
        SlotRead ticket = await slots.ClaimAsync("s", TimeSpan.FromMinutes(1));
        var claim = new SlotClaim(ticket.Identity, ticket.Server, new(7, 1));
        Assert.Equal(SlotOutcome.Done, await slots.ProlongAsync("s", claim, TimeSpan.FromMinutes(2)));
        Assert.InRange(await LeftAsync(), 110_000, 120_000);
        Assert.Equal(SlotOutcome.Done, await slots.ProlongAsync("s", claim, TimeSpan.FromSeconds(1)));
        Assert.InRange(await LeftAsync(), 100_000, 120_000);
        Assert.Equal(SlotOutcome.Changed, await slots.ProlongAsync("s", claim with { Stamp = new(8, 1) }, TimeSpan.FromMinutes(9)));
        await slots.PutTicketAsync("s", TimeSpan.FromMinutes(1));
        Assert.Equal(SlotOutcome.Changed, await slots.ProlongAsync("s", claim, TimeSpan.FromMinutes(9)));
        Assert.InRange(await LeftAsync(), 1, 60_000);
        await slots.UnlinkAsync("s");
        Assert.Equal(SlotOutcome.Changed, await slots.ProlongAsync("s", claim, TimeSpan.FromMinutes(9)));
        Assert.Equal(-2, await LeftAsync());
        // Even where memory is full: nothing is added.
        ticket = await slots.ClaimAsync("s", TimeSpan.FromMinutes(1));
        await _server.AskAsync("CONFIG", "SET", "maxmemory", 1);
        Assert.Equal(SlotOutcome.Done, await slots.ProlongAsync("s", claim with { Identity = ticket.Identity }, TimeSpan.FromMinutes(9)));
    }

    private sealed class ShiftedTime(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }

    [Theory]
    [InlineData(-300)]
    [InlineData(300)]
    public async Task Ends_are_the_same_on_nodes_whose_clocks_differ(int seconds)
    {
        await using PolledNode a = await PolledNode.StartAsync(_server);
        await using PolledNode b = await PolledNode.StartAsync(_server, time: new ShiftedTime(TimeSpan.FromSeconds(seconds)));
        LarderDistributedCache onA = new(a.Cache), onB = new(b.Cache);
        TimeSpan end = TimeSpan.FromMinutes(21);
        await onA.SetAsync("s", [1], new() { SlidingExpiration = TimeSpan.FromMinutes(20), AbsoluteExpirationRelativeToNow = end });
        Assert.InRange(await LeftAsync(), 20 * 60_000, (long)end.TotalMilliseconds);
        // The set's own event would end there what is read before it.
        while (b.Follower.Usable?.SeenUpTo < 1) await Task.Delay(1);
        Assert.NotNull(await onB.GetAsync("s"));
        var stored = (DistributedValue)b.Cache.Memory.Find("s")!.Value;
        Assert.InRange(stored.AbsoluteEnd - b.Cache.Clock.Now, end.TotalMilliseconds - 20_000, end.TotalMilliseconds);
        Assert.InRange(b.Cache.GetTimeToLive("s")!.Value, TimeSpan.FromMinutes(19), TimeSpan.FromMinutes(20));
    }
}
