using System.Globalization;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>A master, its replica and three sentinels that watch them.</summary>
internal sealed class SentinelGroup : IAsyncDisposable
{
    public const string Name = "main";

    private readonly List<RedisServer> _servers = [];

    public RedisServer Master => _servers[0];

    public RedisServer Replica => _servers[1];

    public IEnumerable<RedisServer> Sentinels => _servers.Skip(2);

    /// <param name="downAfter">Milliseconds of silence after which a master is replaced; a busy machine may be silent for a while.</param>
    public static async Task<SentinelGroup> StartAsync(string? sentinelPassword = null, int downAfter = 60_000)
    {
        var group = new SentinelGroup();
        try
        {
            group._servers.Add(await RedisServer.StartAsync("--repl-diskless-sync-delay", "0"));
            group._servers.Add(await RedisServer.StartAsync("--replicaof", $"127.0.0.1 {group.Master.Port}", "--repl-diskless-sync-delay", "0"));
            await Until(() => SaysAsync(group.Replica, "master_link_status:up"));
            string configuration = FormattableString.Invariant($"""
                sentinel monitor {Name} 127.0.0.1 {group.Master.Port} 2
                sentinel down-after-milliseconds {Name} {downAfter}
                sentinel failover-timeout {Name} 3000
                {(sentinelPassword is null ? "" : $"requirepass {sentinelPassword}")}

                """);
            for (int i = 0; i < 3; i++) group._servers.Add(await RedisServer.StartSentinelAsync(configuration));
            // On a busy machine one that was held up for two seconds would do nothing for half a minute; and a replica is not taken before it was asked, usually every ten seconds. Who doesn't know this does without.
            foreach (RedisServer sentinel in group.Sentinels) await sentinel.AskAsync("SENTINEL", "DEBUG", "TILT-TRIGGER", 3_600_000, "INFO-PERIOD", 1000);
            // One who does not know the others can't agree with them.
            if (sentinelPassword is null)
            {
                foreach (RedisServer sentinel in group.Sentinels)
                    await Until(async () => (await Field(sentinel, "num-other-sentinels"), await Field(sentinel, "num-slaves")) == ("2", "1"));
            }
            return group;
        }
        catch
        {
            await group.DisposeAsync();
            throw;
        }
    }

    /// <summary>Options that name so many of the sentinels.</summary>
    public RedisOptions Options(int sentinels, Action<RedisOptions>? change = null)
    {
        var options = new RedisOptions
        {
            Timeout = TimeSpan.FromSeconds(10), ConnectTimeout = TimeSpan.FromSeconds(10), LongestBackoff = TimeSpan.FromMilliseconds(200), SentinelMaster = Name,
            // What is found out is found out by the sentinels.
            Silence = TimeSpan.FromMinutes(1),
        };
        foreach (RedisServer sentinel in Sentinels.Take(sentinels)) options.Endpoints.Add(sentinel.Endpoint);
        change?.Invoke(options);
        return options;
    }

    /// <summary>Waits until all sentinels have a server for the master.</summary>
    public async Task AgreedAsync(RedisServer master)
    {
        string port = master.Port.ToString(CultureInfo.InvariantCulture);
        foreach (RedisServer sentinel in Sentinels) await Until(async () => await Field(sentinel, "port") == port);
    }

    /// <summary>Has the other server made the master, and waits until all sentinels have it for that.</summary>
    public async Task FailOverAsync(RedisServer to)
    {
        string port = to.Port.ToString(CultureInfo.InvariantCulture);
        RedisServer first = Sentinels.First();
        await Until(() => SaysAsync(to, "master_link_status:up"));
        // A sentinel that has only seen it as a master would make it a replica, now or right after it was promoted.
        foreach (RedisServer sentinel in Sentinels)
            await Until(async () => (await sentinel.AskAsync("SENTINEL", "REPLICAS", Name)).Items.ToArray() is [var replica] && Value(replica.Items.ToArray(), "role-reported") == "slave");
        // It may be refused because the replica has said nothing for a while, and given up because it was not promoted in time. Asked for again while one is
        // under way, it might begin when that is done, and lead back.
        await Until(async () =>
        {
            RespValue[] fields = await FieldsAsync(first);
            if (Value(fields, "port") == port) return true;
            if (!Value(fields, "flags")!.Contains("failover_in_progress", StringComparison.Ordinal)) await first.AskAsync("SENTINEL", "FAILOVER", Name);
            return false;
        });
        await AgreedAsync(to);
    }

    private static async Task<RespValue[]> FieldsAsync(RedisServer sentinel) => (await sentinel.AskAsync("SENTINEL", "MASTER", Name)).Items.ToArray();

    private static async Task<string?> Field(RedisServer sentinel, string name) => Value(await FieldsAsync(sentinel), name);

    private static string? Value(RespValue[] fields, string name)
    {
        int at = Array.FindIndex(fields, field => field.Text == name);
        return at < 0 ? null : fields[at + 1].Text;
    }

    /// <summary>Whether a server says something of its replication; one that changes its role throws out whoever asks.</summary>
    internal static async Task<bool> SaysAsync(RedisServer server, string text)
    {
        try
        {
            return (await server.AskAsync("INFO", "replication")).Text!.Contains(text, StringComparison.Ordinal);
        }
        catch (Exception e) when (e is Xunit.Sdk.XunitException or System.Net.Sockets.SocketException)
        {
            return false;
        }
    }

    internal static async Task Until(Func<Task<bool>> condition)
    {
        for (CancellationToken soon = new CancellationTokenSource(TimeSpan.FromSeconds(120)).Token; !await condition(); await Task.Delay(20)) Assert.False(soon.IsCancellationRequested, "it never happened");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (RedisServer server in Enumerable.Reverse(_servers)) await server.DisposeAsync();
    }
}
