using System.Globalization;
using System.Text;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>Masters of a cluster that die, and nodes that lie (docs/invalidation.md, R-33).</summary>
[Trait("clause", "R-33")]
public sealed class ClusterFaultTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60), Short = TimeSpan.FromSeconds(2);
    private static readonly RedisNames Names = new("larder:");
    private static readonly TopologyBeats Beats = new() { Watch = TimeSpan.FromMilliseconds(200), Gap = TimeSpan.FromMilliseconds(50) };
    private static readonly EventField[] Fields = [new("kind", "tag"u8.ToArray()), new("text", "a"u8.ToArray())];

    private static Task Until(Func<bool> condition) => SentinelGroup.Until(() => Task.FromResult(condition()));

    private static int SlotOf(string key) => HashSlot.Of((RedisArgument)Names.SlotOf(key));

    private static string KeyOn(TestCluster cluster, RedisServer node) => Enumerable.Range(0, int.MaxValue).Select(i => "k" + i.ToString(CultureInfo.InvariantCulture)).First(key => cluster.OwnerOf(SlotOf(key)) == node);

    private static Task Served(RedisSlots slots, string key) => SentinelGroup.Until(async () => (await slots.ReadAsync(key)).Outcome == SlotOutcome.Done);

    [Theory]
    [InlineData("no")]
    [InlineData("yes")]
    public async Task Without_one_of_its_masters_the_rest_goes_on_if_it_may_and_nothing_ever_throws(string needsAll)
    {
        await using TestCluster cluster = await TestCluster.StartAsync(3, nodeTimeout: 3000, "--cluster-require-full-coverage", needsAll);
        await using var topology = new RedisTopology(cluster.Options(), Names, beats: Beats);
        using var cache = new LarderCache();
        var slots = new RedisSlots(topology.Routes, Names, new(cache.Clock, TimeProvider.System), Short, () => 7);
        string[] keys = [.. cluster.Nodes.Select(node => KeyOn(cluster, node))];
        foreach (string key in keys) await Served(slots, key);
        RedisServer dead = cluster.Nodes[1];
        SlotClaim lost = await Claimed(keys[1]);
        await dead.KillAsync();

        await SentinelGroup.Until(async () => (await cluster.Nodes[0].AskAsync("CLUSTER", "NODES")).Text!.Split('\n').Any(line => line.Contains($":{dead.Port}@", StringComparison.Ordinal) && line.Contains("fail ", StringComparison.Ordinal)));
        SlotRead gone = await slots.ReadAsync(keys[1]);
        Assert.True(gone.Outcome is SlotOutcome.Refused or SlotOutcome.Unknown, gone.Outcome.ToString());
        Assert.NotEqual(SlotOutcome.Done, (await slots.ClaimAsync(keys[1], Long)).Outcome);
        Assert.NotEqual(SlotOutcome.Done, await slots.UnlinkAsync(keys[1]));
        Assert.NotEqual(SlotOutcome.Done, (await slots.PutTicketAsync(keys[1], Long)).Outcome);
        Assert.NotEqual(SlotOutcome.Done, await slots.ReplaceAsync(keys[1], lost, new byte[] { 9 }, Long));
        if (needsAll == "no")
        {
            await Served(slots, keys[0]);
            await Served(slots, keys[2]);
        }
        else
        {
            await SentinelGroup.Until(async () => (await slots.ReadAsync(keys[0])).Outcome == SlotOutcome.Refused);
            Assert.Equal(SlotOutcome.Refused, await slots.UnlinkAsync(keys[2]));
        }

        await dead.StartAgainAsync();
        foreach (string key in keys) await Served(slots, key);
        // It has lost what it had, and is another server.
        Assert.Equal(SlotOutcome.Changed, await slots.ReplaceAsync(keys[1], lost, new byte[] { 9 }, Long));

        async Task<SlotClaim> Claimed(string key)
        {
            SlotRead read = await slots.ClaimAsync(key, Long);
            Assert.True(read.MayReplace);
            return new(read.Identity, read.Server, new(7, 1));
        }
    }

    [Fact]
    public async Task The_log_is_found_on_the_replica_that_took_over()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(3, nodeTimeout: 3000);
        int slot = HashSlot.Of((RedisArgument)Names.State);
        RedisServer master = cluster.OwnerOf(slot), replica = await cluster.AddReplicaAsync(master);
        string key = KeyOn(cluster, master);
        await using var topology = new RedisTopology(cluster.Options(), Names, beats: Beats);
        using var cache = new LarderCache();
        var slots = new RedisSlots(topology.Routes, Names, new(cache.Clock, TimeProvider.System), Short, () => 7);
        var log = new LogCommands(Names, Long);
        await Until(() => topology.LogLink.Current?.Endpoint == master.Endpoint && topology.LogSteps?.Current?.Endpoint == master.Endpoint);
        (_, RemoteState state) = await log.OpenAsync(topology.LogSteps!.Current!);
        Assert.Equal(LogOutcome.Done, (await log.AppendAsync(topology.LogSteps!.Current!, RemoteStream.Groups, state.Epoch, Fields)).Outcome);
        SlotRead claimed = await slots.ClaimAsync(key, Long);
        Assert.True(claimed.MayReplace);
        await SentinelGroup.Until(async () => (await replica.AskAsync("INFO", "replication")).Text is { } text && (await master.AskAsync("INFO", "replication")).Text is { } other && Offset(text, "slave_repl_offset:") == Offset(other, "master_repl_offset:"));
        await master.KillAsync();

        await Until(() => topology.LogLink.Current?.Endpoint == replica.Endpoint && topology.LogSteps?.Current?.Endpoint == replica.Endpoint);
        Assert.Equal(LogOutcome.OtherEpoch, (await log.AskAsync(topology.LogSteps!.Current!)).Outcome);
        (LogOutcome opened, RemoteState next) = await log.OpenAsync(topology.LogSteps!.Current!);
        Assert.Equal(LogOutcome.Done, opened);
        Assert.NotEqual(state.Epoch, next.Epoch);
        SlotRead now = await slots.ReadAsync(key);
        // The ticket was replicated in time, and is of no use: its server is gone.
        Assert.Equal((SlotOutcome.Done, claimed.Identity), (now.Outcome, now.Identity));
        Assert.Equal(SlotOutcome.Changed, await slots.ReplaceAsync(key, new(claimed.Identity, claimed.Server, new(7, 1)), new byte[] { 9 }, Long));
        Assert.Equal(SlotOutcome.Done, await slots.ReplaceAsync(key, new(claimed.Identity, now.Server, new(7, 1)), new byte[] { 9 }, Long));

        static string Offset(string info, string name) => info.Split('\n').First(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..];
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_rights_that_are_documented_are_enough_and_needed(bool mayAsk)
    {
        await using TestCluster cluster = await TestCluster.StartAsync(1);
        string[] more = mayAsk ? ["+cluster|slots"] : [];
        Assert.Null((await cluster.Nodes[0].AskAsync(
            ["ACL", "SETUSER", "node", "on", ">s3cret", "~larder:*", "-@all", "+hello", "+ping", "+info", "+time", "+client|setname", "+cluster|info", "+asking",
            "+get", "+set", "+unlink", "+getrange", "+evalsha", "+eval", "+hmget", "+hset", "+xadd", "+xrevrange", "+xread", .. more.Select(right => (RedisArgument)right)])).Error);
        await using var topology = new RedisTopology(cluster.Options(o => (o.User, o.Password, o.ConnectTimeout) = ("node", "s3cret", Short)), Names, beats: Beats);
        if (!mayAsk)
        {
            await Until(() => topology.LogLink.Status.Why == "there is no map of the cluster (CLUSTER SLOTS was refused (NOPERM))");
            return;
        }
        using var cache = new LarderCache();
        var slots = new RedisSlots(topology.Routes, Names, new(cache.Clock, TimeProvider.System), Long, () => 7);
        await Served(slots, "k");
        SlotRead claimed = await slots.ClaimAsync("k", Long);
        Assert.Equal(SlotOutcome.Done, await slots.ReplaceAsync("k", new(claimed.Identity, claimed.Server, new(7, 1)), new byte[] { 9 }, Long));
        var log = new LogCommands(Names, Long);
        (LogOutcome outcome, RemoteState state) = await log.OpenAsync(topology.LogSteps!.Current!);
        Assert.Equal(LogOutcome.Done, outcome);
        Assert.Equal(LogOutcome.Done, (await log.AppendAsync(topology.LogSteps!.Current!, RemoteStream.Keys, state.Epoch, Fields)).Outcome);
        Assert.Equal(SlotOutcome.Done, await slots.UnlinkAsync("k"));
    }

    [Theory]
    [InlineData("MOVED", 4)]
    [InlineData("ASK", 4)]
    [InlineData("TRYAGAIN", 1)]
    [InlineData("CLUSTERDOWN", 1)]
    [InlineData("none", 1)]
    public async Task Nobody_is_sent_around_for_ever(string says, int times)
    {
        HostileServer? server = null;
        int gets = 0, asking = 0;
        server = HostileServer.Answering(command => Answer(command));
        await using (server)
        {
            var options = new RedisOptions { Cluster = true, Timeout = Long };
            options.Endpoints.Add(server.Endpoint);
            await using var topology = new RedisTopology(options, Names, beats: Beats with { Watch = TimeSpan.FromHours(1) });
            using var cache = new LarderCache();
            var slots = new RedisSlots(topology.Routes, Names, new(cache.Clock, TimeProvider.System), Long, () => 7);
            await Until(() => topology.Routes.For(Names.SlotWordOf("k"))?.Current is not null);
            RedisConnection connection = topology.Routes.For(Names.SlotWordOf("k"))!.Current!;
            Assert.Equal(says == "none" ? SlotOutcome.Done : SlotOutcome.Refused, (await slots.ReadAsync("k")).Outcome);
            Assert.Equal((times, says == "ASK" ? times - 1 : 0), (gets, asking));
            Assert.False(connection.Closed.IsCompleted);
        }

        string Answer(string[] command)
        {
            string port = server!.Endpoint.Port.ToString(CultureInfo.InvariantCulture);
            switch (command)
            {
                case ["INFO", "server"]: return Bulk("redis_mode:cluster\r\nrun_id:aa\r\n");
                case ["INFO", "replication"]: return Bulk("role:master\r\nmaster_replid:bb\r\n");
                case ["CLUSTER", "SLOTS"]: return $"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:{port}\r\n";
                case ["ASKING"]:
                    Interlocked.Increment(ref asking);
                    return "+OK\r\n";
                case ["GET", ..]:
                    Interlocked.Increment(ref gets);
                    return says is "none" ? "_\r\n" : says is "MOVED" or "ASK" ? $"-{says} 1 127.0.0.1:{port}\r\n" : $"-{says} no\r\n";
                default: return HostileServer.Usual(command);
            }
        }
    }

    [Fact]
    public async Task The_node_that_took_a_hash_slot_over_is_asked_for_the_map_however_many_others_have_not_heard_of_it()
    {
        const int Count = 12, Parts = 2 * Count;
        var nodes = new List<HostileServer>();
        // Who serves which part by now, and what each node knows of that since it was told last. Of its two parts each node keeps one.
        int[] owners = [.. Enumerable.Range(0, Parts).Select(part => part % Count)];
        (int[] Owners, int Epoch)[] known = [.. Enumerable.Repeat((owners.ToArray(), 1), Count)];
        for (int i = 0; i < Count; i++)
        {
            int place = i;
            nodes.Add(HostileServer.Answering(command => Answer(place, command)));
        }
        try
        {
            var options = new RedisOptions { Cluster = true, Timeout = Long };
            options.Endpoints.Add(nodes[0].Endpoint);
            await using var topology = new RedisTopology(options, Names, beats: Beats with { Watch = TimeSpan.FromHours(1), Refresh = TimeSpan.FromHours(1), Gap = TimeSpan.FromMilliseconds(1) });
            using var cache = new LarderCache();
            var slots = new RedisSlots(topology.Routes, Names, new(cache.Clock, TimeProvider.System), Long, () => 7);
            string[] keys = [.. Enumerable.Range(0, Count).Select(part => Enumerable.Range(0, int.MaxValue).Select(i => $"k{i}").First(key => PartOf(SlotOf(key)) == part))];
            foreach (string key in keys) await Served(slots, key);
            var routes = (ClusterRoutes)topology.Routes;
            for (int part = 0; part < Count; part++)
            {
                int to = (part + 5) % Count;
                lock (owners)
                {
                    owners[part] = to;
                    known[to] = (owners.ToArray(), part + 2);
                }
                Assert.Equal(SlotOutcome.Done, (await slots.ReadAsync(keys[part])).Outcome);
                await routes.RefreshedAsync();
                Assert.Equal(nodes[to].Endpoint, routes.Map!.EndpointOf(SlotOf(keys[part])));
            }
        }
        finally
        {
            foreach (HostileServer node in nodes) await node.DisposeAsync();
        }

        static int PartOf(int slot) => slot * Parts / HashSlot.Count;

        string Answer(int place, string[] command)
        {
            lock (owners)
            {
                switch (command)
                {
                    case ["INFO", "server"]: return Bulk($"redis_mode:cluster\r\nrun_id:a{place}\r\n");
                    case ["INFO", "replication"]: return Bulk($"role:master\r\nmaster_replid:b{place}\r\n");
                    case ["CLUSTER", "INFO"]: return Bulk($"cluster_state:ok\r\ncluster_current_epoch:{known[place].Epoch}\r\n");
                    case ["CLUSTER", "SLOTS"]: return $"*{Parts}\r\n" + string.Concat(known[place].Owners.Select((owner, part) => $"*3\r\n:{First(part)}\r\n:{First(part + 1) - 1}\r\n*2\r\n$9\r\n127.0.0.1\r\n:{nodes[owner].Endpoint.Port}\r\n"));
                    case ["GET", var name]:
                        int slot = HashSlot.Of((RedisArgument)name), owner = owners[PartOf(slot)];
                        return owner == place ? "_\r\n" : $"-MOVED {slot} 127.0.0.1:{nodes[owner].Endpoint.Port}\r\n";
                    default: return HostileServer.Usual(command);
                }
            }
        }

        static int First(int part) => (HashSlot.Count * part + Parts - 1) / Parts;
    }

    private static string Bulk(string text) => $"${Encoding.ASCII.GetByteCount(text)}\r\n{text}\r\n";

    [Fact]
    public async Task Nodes_that_are_made_up_cost_a_bounded_number_of_links()
    {
        HostileServer? server = null;
        int next = 1;
        server = HostileServer.Answering(command => command switch
        {
            ["INFO", "server"] => "$31\r\nredis_mode:cluster\r\nrun_id:aa\r\n\r\n",
            ["INFO", "replication"] => "$31\r\nrole:master\r\nmaster_replid:bb\r\n\r\n",
            ["CLUSTER", "SLOTS"] => $"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:{server!.Endpoint.Port}\r\n",
            ["GET", ..] => $"-{(next % 2 == 0 ? "ASK" : "MOVED")} {next} 127.255.255.254:{Interlocked.Increment(ref next)}\r\n",
            _ => HostileServer.Usual(command),
        });
        await using (server)
        {
            var options = new RedisOptions { Cluster = true, Timeout = Long };
            options.Endpoints.Add(server.Endpoint);
            await using var topology = new RedisTopology(options, Names, beats: Beats with { Watch = TimeSpan.FromHours(1), Gap = TimeSpan.FromHours(1) });
            using var cache = new LarderCache();
            var slots = new RedisSlots(topology.Routes, Names, new(cache.Clock, TimeProvider.System), Long, () => 7);
            await Until(() => topology.Routes.For(Names.SlotWordOf("k"))?.Current is not null);
            string key = Enumerable.Range(0, int.MaxValue).Select(i => $"k{i}").First(key => SlotOf(key) > 5000);
            for (int i = 0; i < 300; i++) Assert.NotEqual(SlotOutcome.Done, (await slots.ReadAsync(key)).Outcome);
            Assert.True(next > 300);
            // The reader's, the one for maps, the node's, and guests.
            Assert.InRange(topology.Statuses.Count, 20, 2 + 1 + 24);
        }
    }
}
