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

    public RedisNode[] Nodes { get; private set; }

    public RedisNode A => Nodes[0];

    public RedisNode B => Nodes[1];

    public VersionChecker Checker { get; private set; }

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

    /// <summary>Other nodes in the place of these, which go on with the same source.</summary>
    public async Task ReplaceNodesAsync()
    {
        foreach (RedisNode node in Nodes) node.Dispose();
        Nodes = [.. Enumerable.Range(0, _setting.Nodes).Select(MakeNode)];
        Checker = new(Nodes, _setting.Seed, Checker.Source);
        await UntilAsync(RemoteTierState.InUse);
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

/// <summary>A store that is broken in one thing: what a fill made goes into the slot whatever happened since it began.</summary>
internal sealed class ClaimlessStore(IRemoteStore inner) : IRemoteStore
{
    public ValueTask<SlotRead> ReadAsync(string key) => inner.ReadAsync(key);

    public ValueTask<SlotRead> ClaimAsync(string key, TimeSpan lifetime) => inner.ClaimAsync(key, lifetime);

    public async ValueTask<SlotOutcome> ReplaceAsync(string key, SlotClaim claim, ReadOnlyMemory<byte> stored, TimeSpan lifetime)
    {
        SlotRead ticket = await inner.PutTicketAsync(key, lifetime);
        return await inner.ReplaceAsync(key, claim with { Identity = ticket.Identity }, stored, lifetime);
    }

    public ValueTask<SlotOutcome> RemoveAsync(string key, SlotClaim claim) => inner.RemoveAsync(key, claim);

    public ValueTask<SlotRead> PutTicketAsync(string key, TimeSpan lifetime) => inner.PutTicketAsync(key, lifetime);

    public ValueTask<SlotOutcome> UnlinkAsync(string key) => inner.UnlinkAsync(key);

    public ValueTask<SlotOutcome> ProlongAsync(string key, SlotClaim claim, TimeSpan lifetime) => inner.ProlongAsync(key, claim, lifetime);
}
