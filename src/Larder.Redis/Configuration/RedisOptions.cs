using Microsoft.Extensions.Caching.Distributed;

namespace Larder.Redis;

/// <summary>Where Redis is and how it is talked to. See <see cref="Parse(string)"/> for the same in one line.</summary>
public sealed class RedisOptions
{
    /// <summary>
    /// The servers; they are tried in turns until one can be used. At least one, at most 100. With <see cref="SentinelMaster"/> they are the sentinels, with
    /// <see cref="Cluster"/> some nodes: the others are learnt from them.
    /// </summary>
    public IList<RedisEndpoint> Endpoints { get; } = new List<RedisEndpoint>();

    /// <summary>The name of the master group that the sentinels watch; null, the default, where no sentinels are asked. Letters, digits and <c>. - _</c>, up to 128 characters.</summary>
    public string? SentinelMaster { get; set; }

    /// <summary>The sentinels' ACL user; their default user when null. It is not that of the servers.</summary>
    public string? SentinelUser { get; set; }

    /// <summary>The sentinels' password; none when null. It never appears in logs, messages or <see cref="ToString"/>.</summary>
    public string? SentinelPassword { get; set; }

    /// <summary>Whether the servers are nodes of Redis Cluster; off by default.</summary>
    public bool Cluster { get; set; }

    /// <summary>The ACL user; the server's default user when null.</summary>
    public string? User { get; set; }

    /// <summary>The password; none when null. It never appears in logs, messages or <see cref="ToString"/>.</summary>
    public string? Password { get; set; }

    /// <summary>What the connections are called in <c>CLIENT LIST</c>; <c>larder</c> by default. Printable ASCII without blanks, up to 64 characters.</summary>
    public string ClientName { get; set; } = "larder";

    /// <summary>The number of the database; 0 by default.</summary>
    public int Database { get; set; }

    /// <summary>
    /// What all names in Redis begin with: letters, digits and <c>: . _ -</c>, up to 64. Null, the default, is <c>larder:</c>, and <c>larder:name:</c> for a cache
    /// with a name. Caches with one prefix on one server are one cache.
    /// </summary>
    public string? Prefix { get; set; }

    /// <summary>Whether the program does not start without Redis; off by default: it starts, and memory and origin answer until Redis is there.</summary>
    public bool FailOnConnectionError { get; set; }

    /// <summary>What this node does while it can't know whether its memory still holds; it goes on by default.</summary>
    public Strictness Strictness { get; set; }

    /// <summary>
    /// Where values are kept instead of in Redis, which then has the log of invalidations only; null, the default, keeps them in Redis. Every node needs the same one. It is
    /// called as the interface says, and never waited for longer than 250 ms.
    /// </summary>
    public IDistributedCache? ValueStore { get; set; }

    /// <summary>TLS; null, the default, for none.</summary>
    public RedisTlsOptions? Tls { get; set; }

    /// <summary>The keys that stored entries are encrypted with; none by default.</summary>
    public RedisEncryptionOptions Encryption { get; } = new();

    /// <summary>
    /// Options whose <see cref="RedisSecurityReport"/> is below this are refused; <see cref="RedisSecurityLevel.Low"/>, which refuses none, by default.
    /// In production it should be <see cref="RedisSecurityLevel.High"/>: that demands TLS and a password.
    /// </summary>
    public RedisSecurityLevel LeastSecurity { get; set; }

    /// <summary>How long a command is waited for; 50 ms by default, 1 ms to 1 minute.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How long connecting may take, TLS, handshake and preparation included; 2 seconds by default, 50 ms to 1 minute.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The longest pause between two attempts to connect; 1 second by default, 10 ms to 1 minute.</summary>
    public TimeSpan LongestBackoff { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>After how long without traffic a connection is tried with a PING; 1 second by default, 100 ms to 1 minute.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long nothing may come though an answer is overdue, before the connection counts as dead; 2.5 seconds by default, 100 ms to 1 minute.</summary>
    public TimeSpan Silence { get; set; } = TimeSpan.FromSeconds(2.5);

    /// <summary>Most commands that wait for their answers; with more, calls end at once. 10,000 by default, 1 to 1,000,000.</summary>
    public int MaxInFlight { get; set; } = 10_000;

    /// <summary>Most bytes that wait to be sent; with more, calls end at once. 64 MiB by default, 1 KiB to 1 GiB.</summary>
    public long MaxUnsentBytes { get; set; } = 64L << 20;

    internal const long UsualReplyBytes = 128L << 20;

    /// <summary>Most bytes of an answer; the connection is closed if there are more. 128 MiB by default, 1 KiB to 2,000,000,000.</summary>
    public long MaxReplyBytes { get; set; } = UsualReplyBytes;

    /// <summary>Largest entry that is stored in Redis, in bytes as memory counts them; larger ones are kept in memory only. 8 MiB by default, 1 KiB to 1 GiB. A large one holds up the others that share its connection.</summary>
    public long MaxEntryBytes { get; set; } = 8L << 20;

    /// <summary>When calls end at once because too many have failed.</summary>
    public RedisBreakerOptions Breaker { get; } = new();

    /// <summary>Keywords of the connection string that mean something to other clients and nothing here.</summary>
    public IReadOnlyList<string> Ignored { get; internal set; } = [];

    /// <summary>
    /// Reads a connection string: <c>redis://user:password@host:port/database?timeout=50</c>, <c>rediss://…</c> for TLS, or
    /// <c>host:port,host2:port,password=…,ssl=true</c>. Numbers of time are milliseconds, or carry <c>ms</c> or <c>s</c>. With sentinels:
    /// <c>redis+sentinel://user:password@host,host2/group/database</c>, or <c>sentinel=group</c>; a cluster: <c>cluster=true</c>.
    /// </summary>
    /// <exception cref="FormatException">It is none. The message names what is wrong, and never a value, which may be a secret.</exception>
    public static RedisOptions Parse(string connectionString) => RedisConnectionString.Parse(connectionString);

    /// <summary>Refuses whatever is not fit for production: no password, no TLS, certificates that are not checked (<see cref="LeastSecurity"/>).</summary>
    public void RequireProductionSecurity() => LeastSecurity = RedisSecurityLevel.High;

    /// <summary>What the configuration says and nobody can read; told with everything else that is wrong.</summary>
    internal List<string> Unreadable { get; } = [];

    /// <summary>The variables of the environment that something of this comes from.</summary>
    internal List<string> Variables { get; } = [];

    /// <summary>The prefix for a cache.</summary>
    internal string PrefixFor(string cacheName) => Prefix ?? (cacheName.Length == 0 ? "larder:" : $"larder:{cacheName}:");

    internal ConnectionLimits Limits() => new()
    {
        InFlight = MaxInFlight,
        Unsent = MaxUnsentBytes,
        Silence = Silence,
        Heartbeat = Heartbeat,
        Reply = new() { Bytes = MaxReplyBytes },
    };

    /// <summary>The endpoints and the database; no user, no password.</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture,
        $"{(Tls is null ? "redis" : "rediss")}://{string.Join(',', Endpoints)}/{Database}{(Cluster ? "?cluster=true" : SentinelMaster is { } master ? $"?sentinel={master}" : "")}");
}
