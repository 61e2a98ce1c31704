using Larder.IntegrationTests.RedisServers;
using Larder.Redis;
using Microsoft.Extensions.DependencyInjection;

namespace Larder.IntegrationTests.RedisFaults;

/// <summary>A real server, and nodes that reach it each by a way of its own on which faults can be set.</summary>
internal sealed class Stage : IAsyncDisposable
{
    /// <summary>What makes a node's cache other than it is.</summary>
    public sealed record Setting
    {
        public int Nodes { get; init; } = 2;

        public string[] Server { get; init; } = [];

        public Action<RedisOptions> Options { get; init; } = static _ => { };

        public Func<LarderOptions> Cache { get; init; } = static () => VersionChecker.Options;

        public Func<RemoteSeams, RemoteSeams> Seams { get; init; } = static seams => seams;

        /// <summary>Another one with each run of <c>tests/faults.sh</c>.</summary>
        public int Seed { get; init; } = int.TryParse(Environment.GetEnvironmentVariable("LARDER_FAULTS"), out int seed) ? seed : 1;
    }

    private readonly Setting _setting;

    private Stage(Setting setting, RedisServer server)
    {
        (_setting, Server) = (setting, server);
        Ways = [.. Enumerable.Range(0, setting.Nodes).Select(_ => new FaultProxy(server.Port))];
        Loggers = [.. Ways.Select(_ => new ListLogger())];
        Nodes = [.. Enumerable.Range(0, setting.Nodes).Select(MakeNode)];
        Checker = new(Nodes, setting.Seed);
    }

    public RedisServer Server { get; }

    public int Seed => _setting.Seed;

    public FaultProxy[] Ways { get; }

    public ListLogger[] Loggers { get; }

    public RedisNode[] Nodes { get; }

    public RedisNode A => Nodes[0];

    public RedisNode B => Nodes[1];

    public VersionChecker Checker { get; }

    /// <summary>With a server that runs and nodes that use it.</summary>
    public static async Task<Stage> StartAsync(Setting? setting = null)
    {
        setting ??= new();
        var stage = new Stage(setting, await RedisServer.StartAsync(setting.Server));
        await stage.UntilAsync(RemoteTierState.InUse);
        return stage;
    }

    /// <summary>With a server that does not run yet.</summary>
    public static async Task<Stage> StartWithoutServerAsync()
    {
        RedisServer server = await RedisServer.StartAsync();
        await server.KillAsync();
        return new(new(), server);
    }

    /// <summary>Until all nodes stand there.</summary>
    public async Task UntilAsync(RemoteTierState state)
    {
        foreach (RedisNode node in Nodes) await node.UntilAsync(state);
    }

    /// <summary>A node dies as a process does that is killed: what it was saying breaks off, and it says nothing more. Another one takes its place.</summary>
    public async Task KillNodeAsync(int index)
    {
        await Ways[index].DisposeAsync();
        Nodes[index].Dispose();
        Ways[index] = new(Server.Port);
        Nodes[index] = MakeNode(index);
        Checker.Replace(index, Nodes[index]);
    }

    /// <summary>The server dies, and is back: with its data where it keeps them, or without.</summary>
    public async Task KillServerAsync(bool losesData)
    {
        ulong[] before = [.. Nodes.Select(node => node.Tier.Follower.Epoch)];
        await Server.KillAsync();
        if (losesData) Directory.Delete(Path.Combine(Server.Folder, "appendonlydir"), recursive: true);
        await Server.StartAgainAsync();
        await LinkTests.Until(() => Nodes.Select(node => node.Tier.Follower.Usable?.Epoch ?? 0).Distinct().ToArray() is [not 0 and var epoch] && !before.Contains(epoch));
        Checker.IsFollowed(Nodes[0].Tier.Follower.Epoch);
    }

    /// <summary>Sets a fault on the way of each node.</summary>
    public void Set(Fault fault) => Set(fault, fault);

    public void Set(Fault commands, Fault log)
    {
        foreach (FaultProxy way in Ways) way.Set(commands, log);
    }

    /// <summary>The text that is in a slot now, behind the cache's back; null where there is none.</summary>
    public async Task<byte[]?> SlotAsync(string key) => (await Server.AskAsync("GET", new RedisNames("larder:").SlotOf(key))).Bytes;

    private RedisNode MakeNode(int index)
    {
        var redis = new RedisOptions
        {
            Timeout = TimeSpan.FromMilliseconds(200), ConnectTimeout = TimeSpan.FromSeconds(1), LongestBackoff = TimeSpan.FromMilliseconds(100),
            Silence = TimeSpan.FromMilliseconds(800), Heartbeat = TimeSpan.FromMilliseconds(200), ClientName = "node" + index,
        };
        redis.Breaker.OpenFor = TimeSpan.FromMilliseconds(200);
        redis.Endpoints.Add(Ways[index].Endpoint);
        _setting.Options(redis);
        LarderOptions options = _setting.Cache().UseRedis(redis, Loggers[index]);
        Func<CacheClock, RemoteSeams> made = options.Remote!;
        options.Remote = clock => _setting.Seams(made(clock));
        return new(new LarderCache(options));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (RedisNode node in Nodes) node.Dispose();
        foreach (FaultProxy way in Ways) await way.DisposeAsync();
        await Server.DisposeAsync();
    }
}
