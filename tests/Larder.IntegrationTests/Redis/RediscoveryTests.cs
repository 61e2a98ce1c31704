using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>Several servers without sentinels: whichever is the master is found, also after it was made a replica.</summary>
public sealed class RediscoveryTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20), Often = TimeSpan.FromMilliseconds(50);

    [Theory]
    [InlineData("READONLY")]
    [InlineData("MASTERDOWN")]
    [InlineData("watch")]
    public async Task A_master_that_became_a_replica_is_left_for_the_other_one(string how)
    {
        await using RedisServer first = await RedisServer.StartAsync(), second = await RedisServer.StartAsync("--replicaof", $"127.0.0.1 {first.Port}");
        RedisOptions options = second.Options(o => o.LongestBackoff = Often);
        options.Endpoints.Add(first.Endpoint);
        await using var topology = new RedisTopology(options, new("larder:"), beats: new() { Watch = how == "watch" ? Often : TimeSpan.FromHours(1) });
        using var cache = new LarderCache();
        var slots = new RedisSlots(topology.Routes, new("larder:"), new(cache.Clock, TimeProvider.System), Long, () => 7);
        RedisLink link = topology.LogSteps!;
        // The one that is named first is a replica.
        await LinkTests.Until(() => link.Current?.Endpoint == first.Endpoint);
        // The control: a link that takes whatever answers stays with it.
        await using var indifferent = new RedisLink(options);
        Assert.Equal(second.Endpoint, (await indifferent.WhenConnectedAsync(new CancellationTokenSource(Long).Token)).Endpoint);

        await second.AskAsync("REPLICAOF", "NO", "ONE");
        if (how == "MASTERDOWN") await first.AskAsync("CONFIG", "SET", "replica-serve-stale-data", "no");
        RedisConnection before = link.Current!;
        await first.AskAsync("REPLICAOF", "127.0.0.1", "1");
        if (how != "watch")
        {
            Assert.Equal(SlotOutcome.Refused, how == "READONLY" ? await slots.UnlinkAsync("k") : (await slots.ReadAsync("k")).Outcome);
            Assert.Contains(how, await before.Closed.WaitAsync(Long), StringComparison.Ordinal);
        }
        await LinkTests.Until(() => link.Current?.Endpoint == second.Endpoint);
        Assert.Equal(SlotOutcome.Done, (await slots.ClaimAsync("k", Long)).Outcome);
        Assert.Equal(second.Endpoint, link.Current!.Endpoint);
    }
}
