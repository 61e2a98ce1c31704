using System.Globalization;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>A Redis Cluster of some masters on the loopback, which share the hash slots evenly, and of replicas, if a test adds any.</summary>
internal sealed class TestCluster : IAsyncDisposable
{
    private readonly List<RedisServer> _nodes = [];
    private readonly Dictionary<RedisServer, string> _ids = [];
    private int _masters;
    private int _nodeTimeout;
    private string[] _args = [];

    public IReadOnlyList<RedisServer> Nodes => _nodes;

    /// <param name="nodeTimeout">Milliseconds of silence after which a node counts as gone; a busy machine may be silent for a while.</param>
    public static async Task<TestCluster> StartAsync(int masters = 3, int nodeTimeout = 60_000, params string[] args)
    {
        var cluster = new TestCluster { _masters = masters, _nodeTimeout = nodeTimeout, _args = args };
        try
        {
            for (int i = 0; i < masters; i++)
            {
                RedisServer node = await cluster.AddAsync();
                await Ok(node, "CLUSTER", "ADDSLOTSRANGE", First(i), First(i + 1) - 1);
                await Ok(node, "CLUSTER", "SET-CONFIG-EPOCH", i + 1);
            }
            foreach (RedisServer node in cluster._nodes.Skip(1)) await cluster.IntroduceAsync(node);
            foreach (RedisServer node in cluster._nodes) await cluster.KnownAsync(node);
            foreach (RedisServer node in cluster._nodes) await WorksAsync(node);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }

        int First(int i) => HashSlot.Count * i / masters;
    }

    /// <summary>Starts a node that nobody knows yet.</summary>
    public async Task<RedisServer> AddAsync()
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                RedisServer node = await RedisServer.StartAsync(
                [
                    "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", _nodeTimeout.ToString(CultureInfo.InvariantCulture),
                    "--cluster-port", RedisServer.FreePort().ToString(CultureInfo.InvariantCulture), "--repl-diskless-sync-delay", "0", .. _args,
                ]);
                _nodes.Add(node);
                _ids[node] = (await node.AskAsync("CLUSTER", "MYID")).Text!;
                return node;
            }
            catch (Exception) when (attempt < 3)
            {
                // Its bus was given to somebody else meanwhile.
            }
        }
    }

    /// <summary>Makes a node known to all others, and waits until it knows who serves which hash slot.</summary>
    public async Task MeetAsync(RedisServer node)
    {
        await IntroduceAsync(node);
        await KnownAsync(node);
        // One that is made to import a hash slot whose master it does not know never hears of that any more, and has the cluster down until the slot is its own.
        await WorksAsync(node);
    }

    private static Task WorksAsync(RedisServer node) => SentinelGroup.Until(async () => (await node.AskAsync("CLUSTER", "INFO")).Text!.Contains("cluster_state:ok", StringComparison.Ordinal));

    private async Task IntroduceAsync(RedisServer node)
    {
        string bus = (await node.AskAsync("CONFIG", "GET", "cluster-port")).Items.Span[1].Text!;
        // Those that are told need not hear of it from others, which takes its time.
        foreach (RedisServer one in _nodes.Where(other => other != node)) await Ok(one, "CLUSTER", "MEET", "127.0.0.1", node.Port, bus);
    }

    private async Task KnownAsync(RedisServer node)
    {
        foreach (RedisServer one in _nodes) await SentinelGroup.Until(async () => await Knows(one, node) && await Knows(node, one));

        async Task<bool> Knows(RedisServer one, RedisServer other) => (await one.AskAsync("CLUSTER", "NODES")).Text!.Contains(_ids[other], StringComparison.Ordinal);
    }

    /// <summary>Adds a replica of a master, and waits until it has what that has, and the others know whose it is.</summary>
    public async Task<RedisServer> AddReplicaAsync(RedisServer master)
    {
        RedisServer replica = await AddAsync();
        await MeetAsync(replica);
        await SentinelGroup.Until(async () => (await replica.AskAsync("CLUSTER", "REPLICATE", _ids[master])).Error is null);
        await SentinelGroup.Until(() => SentinelGroup.SaysAsync(replica, "master_link_status:up"));
        foreach (RedisServer node in _nodes)
            await SentinelGroup.Until(async () => (await node.AskAsync("CLUSTER", "NODES")).Text!.Split('\n').Any(line => line.StartsWith(_ids[replica], StringComparison.Ordinal) && line.Contains(_ids[master], StringComparison.Ordinal)));
        return replica;
    }

    /// <summary>The master that was given a hash slot at the start.</summary>
    public RedisServer OwnerOf(int slot) => _nodes[Enumerable.Range(0, _masters).First(i => slot < HashSlot.Count * (i + 1) / _masters)];

    /// <summary>One master that was not.</summary>
    public RedisServer OtherThan(RedisServer node) => _nodes.First(other => other != node);

    public async Task BeginMoveAsync(int slot, RedisServer from, RedisServer to)
    {
        await Ok(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", _ids[from]);
        await Ok(from, "CLUSTER", "SETSLOT", slot, "MIGRATING", _ids[to]);
    }

    /// <summary>Moves keys of a hash slot that is on its way; all there are, where none are named.</summary>
    public async Task MoveKeysAsync(int slot, RedisServer from, RedisServer to, params string[] names)
    {
        if (names.Length == 0) names = [.. (await from.AskAsync("CLUSTER", "GETKEYSINSLOT", slot, 1000)).Items.ToArray().Select(name => name.Text!)];
        if (names.Length > 0) await Ok(from, ["MIGRATE", "127.0.0.1", to.Port, "", 0, 20_000, "KEYS", .. names.Select(name => (RedisArgument)name)]);
    }

    public async Task EndMoveAsync(int slot, RedisServer from, RedisServer to)
    {
        await Ok(to, "CLUSTER", "SETSLOT", slot, "NODE", _ids[to]);
        await Ok(from, "CLUSTER", "SETSLOT", slot, "NODE", _ids[to]);
        // The others, too: what they hear of each other may still be older.
        foreach (RedisServer other in _nodes)
            if (other != to && other != from) await Ok(other, "CLUSTER", "SETSLOT", slot, "NODE", _ids[to]);
    }

    public async Task MoveAsync(int slot, RedisServer from, RedisServer to)
    {
        await BeginMoveAsync(slot, from, to);
        await MoveKeysAsync(slot, from, to);
        await EndMoveAsync(slot, from, to);
    }

    /// <summary>Options that name the first node.</summary>
    public RedisOptions Options(Action<RedisOptions>? change = null) => _nodes[0].Options(o =>
    {
        (o.Cluster, o.LongestBackoff) = (true, TimeSpan.FromMilliseconds(200));
        change?.Invoke(o);
    });

    private static async Task Ok(RedisServer node, params RedisArgument[] command)
    {
        RespValue reply = await node.AskAsync(command);
        Assert.True(reply.Error is null, reply.Error?.Text);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (RedisServer node in _nodes) await node.DisposeAsync();
    }
}
