using static Larder.Tests.Remote.RemoteNodes;

namespace Larder.Tests.Remote;

/// <summary>What is about to be stored in Redis when something comes to be known that ends it.</summary>
[Trait("clause", "R-36")]
public sealed class RemoteWritesTests
{
    /// <summary>An entry on its way into the slot that its fill has claimed.</summary>
    private static async Task<(ModelRedis Redis, ModelNode Node, Entry Entry, SlotClaim Claim)> OnItsWay()
    {
        var redis = new ModelRedis();
        ModelNode node = Connected(redis);
        node.IsAway = true;
        await Fill(node, "value", new() { Tags = ["t"] });
        node.IsAway = false;
        SlotRead ticket = await node.ClaimAsync("k", TimeSpan.FromMinutes(1));
        return (redis, node, node.Cache.Memory.Find("k")!, new(ticket.Identity, ticket.Server, new(node.Follower.Epoch, node.Follower.Usable!.SeenUpTo)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_known_to_be_ended_is_not_stored_and_ends_its_ticket(bool known)
    {
        (ModelRedis redis, ModelNode node, Entry entry, SlotClaim claim) = await OnItsWay();
        using ModelNode a = Connected(redis), of = node;
        await a.Cache.InvalidateAsync(Invalidation.Tag("t"));
        if (known) node.ReadLog();
        await node.Tier.Writes.StoreNowAsync(entry, claim);
        Assert.Equal(known, redis.Run(r => r.Get("k")).Identity == 0);
    }

    [Fact]
    public async Task A_node_that_can_not_know_stores_nothing()
    {
        (ModelRedis redis, ModelNode node, Entry entry, SlotClaim claim) = await OnItsWay();
        using ModelNode of = node;
        node.Follower.End();
        await node.Tier.Writes.StoreNowAsync(entry, claim);
        Assert.Equal(claim.Identity, redis.Run(r => r.Get("k")).Identity);
        node.Connect();
        node.ReadLog();
        await node.Tier.Writes.StoreNowAsync(entry, claim);
        Assert.NotEmpty(redis.Run(r => r.Get("k")).Stored);
    }
}
