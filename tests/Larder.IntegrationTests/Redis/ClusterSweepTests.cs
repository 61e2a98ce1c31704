using System.Globalization;
using System.Text;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>What was ended leaves all servers of a cluster (docs/invalidation.md, R-36).</summary>
[Trait("clause", "R-36")]
public sealed class ClusterSweepTests : IAsyncLifetime
{
    private const string Canary = "the canary that must be nowhere";

    private static readonly RedisNames Names = new("larder:");

    private TestCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await TestCluster.StartAsync(3, args: ["--cluster-require-full-coverage", "no"]);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    private RedisServer LogServer => _cluster.OwnerOf(HashSlot.Of((RedisArgument)Names.State));

    private static string Key(string of, int i) => of + i.ToString(CultureInfo.InvariantCulture);

    private static async Task PutAsync(PolledNode node, string of, string value, string tag, int count)
    {
        for (int i = 0; i < count; i++) Assert.Equal(Reason.None, await node.Cache.SetAsync(Key(of, i), value, new EntryOptions { Tags = [tag] }));
    }

    /// <summary>How many slots of each server have a text in them.</summary>
    private async Task<int[]> CountAsync(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        var counts = new List<int>();
        foreach (RedisServer server in _cluster.Nodes)
        {
            int count = 0;
            foreach (RespValue name in (await server.AskAsync("KEYS", "larder:e:*")).Items.ToArray())
                if ((await server.AskAsync("GET", name.Bytes!)).Bytes is { } slot && slot.AsSpan().IndexOf(bytes) >= 0) count++;
            counts.Add(count);
        }
        return [.. counts];
    }

    [Fact]
    public async Task What_was_ended_leaves_all_servers_and_all_else_stays()
    {
        await using PolledNode a = await PolledNode.StartAsync(_cluster);
        await PutAsync(a, "gone", Canary, "t1", 150);
        await PutAsync(a, "other", "what stays", "t2", 60);
        int[] before = await CountAsync(Canary), others = await CountAsync("what stays");
        Assert.All(before, count => Assert.InRange(count, 1, 149));
        Assert.Equal((150, 60), (before.Sum(), others.Sum()));
        InvalidationResult first = await a.Cache.InvalidateAsync(Invalidation.Tag("t1"));
        Assert.Equal(before, await CountAsync(Canary));

        // The control: who takes the log's server for the only one leaves what is on the others.
        await using (PolledNode one = await PolledNode.StartAsync(_cluster, seams: PolledNode.Sweeping((_, node) =>
            new RedisWalk(new SingleServer(node.Routes.For(Names.State)!), node.Names, node.Clock, TimeSpan.FromSeconds(20), () => node.Follower.Epoch))))
        {
            await one.SweptAsync(first.Position.Ordinal);
            Assert.Equal(_cluster.Nodes.Select((server, i) => server == LogServer ? 0 : before[i]), await CountAsync(Canary));
        }

        InvalidationResult second = await a.Cache.InvalidateAsync(Invalidation.Tag("t1"));
        await using PolledNode b = await PolledNode.StartAsync(_cluster, seams: PolledNode.Sweeping());
        await b.SweptAsync(second.Position.Ordinal);
        Assert.All(await CountAsync(Canary), count => Assert.Equal(0, count));
        Assert.Equal(before.Sum() - before[_cluster.Nodes.ToList().IndexOf(LogServer)], b.Sweep.Removed);
        Assert.Equal(others, await CountAsync("what stays"));
        Assert.Equal("what stays", (await b.Cache.GetAsync<string>(Key("other", 7))).Value);
    }

    [Fact]
    public async Task What_is_encrypted_leaves_all_servers()
    {
        var encryption = new RedisEncryptionOptions();
        encryption.Keys.Add(new("k1", new byte[32]));
        var cipher = new EntryCipher(encryption);
        await using PolledNode a = await PolledNode.StartAsync(_cluster, cipher);
        await PutAsync(a, "gone", "1", "t1", 30);
        await PutAsync(a, "other", "1", "t2", 30);
        InvalidationResult result = await a.Cache.InvalidateAsync(Invalidation.Tag("t1"));
        Assert.Equal(60, (await CountAsync("")).Sum());
        await using PolledNode b = await PolledNode.StartAsync(_cluster, cipher, PolledNode.Sweeping(cipher: cipher));
        await b.SweptAsync(result.Position.Ordinal);
        Assert.Equal((30, 30L), ((await CountAsync("")).Sum(), b.Sweep.Removed));
    }

    /// <summary>Walks over all that can be walked over.</summary>
    /// <param name="meanwhile">What happens after the first page.</param>
    /// <returns>The slots' names, and whether the walk came to its end.</returns>
    private static async Task<(HashSet<string> Names, bool IsWhole)> WalkAsync(PolledNode node, Func<Task>? meanwhile = null)
    {
        var walk = new RedisWalk(node.Routes, Names, node.Clock, TimeSpan.FromSeconds(2), () => node.Follower.Epoch);
        var names = new HashSet<string>();
        WalkPlace? at = null;
        while (await walk.NextAsync(at) is { } page)
        {
            names.UnionWith(page.Names.Select(Encoding.UTF8.GetString));
            if (page.Next is null) return (names, true);
            if (at is null && meanwhile is not null) await meanwhile();
            at = page.Next;
        }
        return (names, false);
    }

    [Fact]
    public async Task A_server_that_is_away_is_not_taken_for_walked_over_and_the_others_are_walked_over()
    {
        await using PolledNode a = await PolledNode.StartAsync(_cluster);
        await PutAsync(a, "k", "1", "t", 60);
        int[] counts = await CountAsync("");
        (HashSet<string> all, bool isWhole) = await WalkAsync(a);
        Assert.Equal((60, true), (all.Count, isWhole));
        RedisServer dead = _cluster.OtherThan(LogServer);
        await dead.KillAsync();
        (HashSet<string> rest, isWhole) = await WalkAsync(a);
        Assert.Equal((60 - counts[_cluster.Nodes.ToList().IndexOf(dead)], false), (rest.Count, isWhole));
        // What it had is gone with it.
        await dead.StartAgainAsync();
        await SentinelGroup.Until(async () => await WalkAsync(a) is (var again, true) && again.SetEquals(rest));
    }

    [Fact]
    public async Task A_walk_during_which_hash_slots_move_does_not_come_to_its_end()
    {
        await using PolledNode a = await PolledNode.StartAsync(_cluster);
        await PutAsync(a, "k", "1", "t", 60);
        int slot = HashSlot.Of((RedisArgument)Names.SlotOf(Key("k", 7)));
        RedisServer from = _cluster.OwnerOf(slot), to = _cluster.OtherThan(from);
        Assert.False((await WalkAsync(a, () => _cluster.MoveAsync(slot, from, to))).IsWhole);
        // The control: where nothing moves it does, and has come to all of them.
        await SentinelGroup.Until(async () => await WalkAsync(a) is (var names, true) && names.Count == 60);
    }
}
