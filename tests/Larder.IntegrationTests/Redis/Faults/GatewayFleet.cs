using System.Collections.Concurrent;
using System.Globalization;
using Larder.IntegrationTests.Cli;
using Larder.IntegrationTests.Gateway.Forwarding;
using Larder.IntegrationTests.RedisServers;
using Larder.Redis;
using Microsoft.AspNetCore.Http;

namespace Larder.IntegrationTests.RedisFaults;

/// <summary>
/// Gateways as processes of their own before one origin, whose versions only grow, and behind ways to one Redis; and clients that judge each answer. None may be
/// older than a write that was answered before it was asked for: on the write's own gateway from then on, logged or not; on another one once that has read the
/// write's event in the log, or the log of a later life of the server.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. <c>Least</c> is raised only after the write was answered, and a reader looks at it before he asks.
/// 2. What others have to hear of is an event of the key's tag, sent by the write's gateway, that stands in the log behind where that ended when the origin had changed: even if it is
///    one of an earlier write that is late, it covers all that was made before. (Of an event of a key that is not so: the place in Redis is emptied before the event is appended, and
///    may have been filled in between. Nor of one that a gateway has sent itself: it applied that before.)
/// 3. What a gateway has read is known from what it asks the log for next. A life is over before its server is killed: nothing that was read in one counts in another.
/// </remarks>
internal sealed class GatewayFleet : IAsyncDisposable
{
    private const int Gateways = 3, Clients = 6, Keys = 8;
    private const string Authority = "api.test";
    private const string Configuration = """
        rules:
          - path: /v/{key}
            ttl: 600
            tags: ["key:{key}"]
          - path: /v/{key}
            methods: [PUT]
            invalidates: ["key:{key}"]
        """;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private sealed class Front(Child process, Uri address)
    {
        public readonly Child Process = process;
        public readonly Uri Address = address;
        /// <summary>The least version of each key that may be read here; and of that, what was written here.</summary>
        public readonly long[] Least = new long[GatewayFleet.Keys], Own = new long[GatewayFleet.Keys];
        public readonly ConcurrentQueue<(int Key, long Version, LogWitness.Event Event)> Owed = new();
        /// <summary>What its events say that they are from.</summary>
        public string? Node;
        /// <summary>The last life of the server whose log this gateway has read something of.</summary>
        public int Life;
        public long Reads, Writes;
    }

    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = Patience };
    private readonly long[] _source = new long[Keys];
    private readonly LogWitness.End?[] _ends = new LogWitness.End?[Keys];
    private readonly SemaphoreSlim[] _writing = [.. Enumerable.Range(0, Keys).Select(_ => new SemaphoreSlim(1))];
    private readonly ConcurrentQueue<string> _wrong = new();
    private readonly List<Front> _fronts = [];
    private readonly RedisServer _server;
    private readonly LogWitness _log;
    private readonly int _seed;
    private KestrelOrigin _origin = null!;
    private Task[] _clients = [];
    private volatile bool _isOver;
    private long _heard, _fromRedis;

    private GatewayFleet(RedisServer server, int seed)
    {
        (_server, _seed) = (server, seed);
        _log = new(server);
        Ways = [.. Enumerable.Range(0, Gateways).Select(_ => new FaultProxy(server.Port))];
    }

    public RedisServer Server => _server;

    public FaultProxy[] Ways { get; }

    public string[] Wrong => [.. _wrong];

    /// <summary>How many writes other gateways were held to.</summary>
    public long Heard => Interlocked.Read(ref _heard);

    /// <summary>How many answers came from Redis.</summary>
    public long FromRedis => Interlocked.Read(ref _fromRedis);

    /// <summary>How many answers there were to clients that read and write.</summary>
    public long Answers => _fronts.Sum(front => Volatile.Read(ref front.Reads) + Volatile.Read(ref front.Writes));

    /// <summary>Broken for controls: writes go to the origin, past the gateway that is held to them.</summary>
    public bool PassesGatewaysBy { get; init; }

    /// <summary>Broken for controls: gateways are held to what they have not heard of.</summary>
    public bool TakesAllAsHeard { get; init; }

    public static string UrlOf(int key) => $"http://{Authority}/v/{key}";

    public static async Task<GatewayFleet> StartAsync(int seed, bool passesGatewaysBy = false, bool takesAllAsHeard = false)
    {
        var fleet = new GatewayFleet(await RedisServer.StartAsync(), seed) { PassesGatewaysBy = passesGatewaysBy, TakesAllAsHeard = takesAllAsHeard };
        try
        {
            fleet._origin = await KestrelOrigin.StartAsync(fleet.ServeAsync);
            string configuration = Path.Combine(fleet._server.Folder, "larder.yaml");
            await File.WriteAllTextAsync(configuration, Configuration);
            foreach (FaultProxy way in fleet.Ways)
            {
                string redis = $"redis://{way.Endpoint}?failOnConnectionError=true&timeout=200&connectTimeout=5s&longestBackoff=100&silence=800&heartbeat=200";
                (Child process, Uri address) = await Child.ServeAsync(fleet._origin.Address, "--redis", redis, "--config", configuration);
                fleet._fronts.Add(new(process, address));
            }
            if (!passesGatewaysBy) await fleet.LearnNodesAsync();
            return fleet;
        }
        catch
        {
            await fleet.DisposeAsync();
            throw;
        }
    }

    public void Start() => _clients = [.. Enumerable.Range(0, Clients).Select(i => Task.Run(() => AskAsync(new(_seed * 1000 + i))))];

    public Task StopAsync()
    {
        _isOver = true;
        return Task.WhenAll(_clients);
    }

    /// <summary>Until each gateway has answered more.</summary>
    public async Task SomeMoreAsync(int reads, int writes)
    {
        foreach ((Front front, long before, long written) in _fronts.Select(front => (front, Volatile.Read(ref front.Reads), Volatile.Read(ref front.Writes))).ToArray())
            await LinkTests.Until(() => Volatile.Read(ref front.Reads) >= before + reads && Volatile.Read(ref front.Writes) >= written + writes);
    }

    public async Task KillServerAsync()
    {
        _log.LifeEnds();
        await _server.KillAsync();
        foreach (FaultProxy way in Ways) way.Forget();
        await _server.StartAgainAsync();
    }

    /// <summary>When nobody writes any more every gateway comes to serve what the origin has, and shares what it has made.</summary>
    public async Task AgreeAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        foreach (Front front in _fronts)
            for (int key = 0; key < Keys; key++)
                while (VersionChecker.VersionOf((await GetAsync(front, key)).Body) != _source[key]) await Task.Delay(20, limit.Token);
        // Redis is used again on all ways.
        foreach (Front front in _fronts)
            for (long before = FromRedis; FromRedis == before; await Task.Delay(20, limit.Token))
            {
                Front maker = _fronts.First(other => other != front);
                await PutAsync(maker, 0);
                await GetAsync(maker, 0);
                await GetAsync(front, 0);
            }
    }

    private async Task AskAsync(Random random)
    {
        while (!_isOver)
        {
            Front front = _fronts[random.Next(Gateways)];
            int key = random.Next(Keys);
            try
            {
                if (random.Next(6) > 0)
                {
                    await ReadAsync(front, key);
                    Interlocked.Increment(ref front.Reads);
                }
                else
                {
                    await WriteAsync(front, key);
                    Interlocked.Increment(ref front.Writes);
                }
            }
            catch (Exception e)
            {
                _wrong.Enqueue($"{front.Address}: {e}");
            }
            await Task.Delay(1);
        }
    }

    private async Task ReadAsync(Front front, int key)
    {
        NoteWhatWasHeard(front);
        long least = Volatile.Read(ref front.Least[key]);
        (string body, string status) = await GetAsync(front, key);
        long version = VersionChecker.VersionOf(body);
        if (version < least) _wrong.Enqueue($"{UrlOf(key)} on {front.Address}: version {version} ({status}) instead of {least}, of which {front.Own[key]} was written there");
    }

    private async Task WriteAsync(Front front, int key)
    {
        await _writing[key].WaitAsync();
        try
        {
            long version = await PutAsync(front, key);
            VersionChecker.Raise(ref front.Least[key], version);
            VersionChecker.Raise(ref front.Own[key], version);
            if (_ends[key] is not { } end || await _log.TagEventAsync(end, front.Node, $"key:{key}") is not { } logged) return;
            foreach (Front other in _fronts) other.Owed.Enqueue((key, version, logged));
        }
        finally
        {
            _writing[key].Release();
        }
    }

    private async Task<(string Body, string Status)> GetAsync(Front front, int key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(front.Address, $"v/{key}"));
        request.Headers.Host = Authority;
        using HttpResponseMessage answer = await _client.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        string status = answer.Headers.GetValues("Cache-Status").Single();
        if (status.Contains("hit-redis", StringComparison.Ordinal)) Interlocked.Increment(ref _fromRedis);
        return (await answer.Content.ReadAsStringAsync(), status);
    }

    private async Task<long> PutAsync(Front front, int key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, new Uri(PassesGatewaysBy ? _origin.Address : front.Address, $"v/{key}"));
        request.Headers.Host = Authority;
        using HttpResponseMessage answer = await _client.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        return long.Parse(await answer.Content.ReadAsStringAsync(), CultureInfo.InvariantCulture);
    }

    /// <summary>The origin.</summary>
    private async Task ServeAsync(HttpContext context)
    {
        int key = int.Parse(context.Request.Path.Value!["/v/".Length..], CultureInfo.InvariantCulture);
        if (context.Request.Method == "PUT")
        {
            long made = Interlocked.Increment(ref _source[key]);
            _ends[key] = await _log.EndAsync();
            await context.Response.WriteAsync(made.ToString(CultureInfo.InvariantCulture));
            return;
        }
        long version = Volatile.Read(ref _source[key]);
        await Task.Yield();
        await context.Response.WriteAsync(VersionChecker.Written(version));
    }

    /// <summary>Each gateway writes, one after the other, until its event is the newest in the log.</summary>
    private async Task LearnNodesAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        foreach (Front front in _fronts)
            do
            {
                limit.Token.ThrowIfCancellationRequested();
                await PutAsync(front, 0);
                front.Node = await _log.NewestNodeAsync();
            }
            while (front.Node is null || _fronts.Any(other => other != front && other.Node == front.Node));
    }

    private void NoteWhatWasHeard(Front front)
    {
        for (int left = front.Owed.Count; left > 0 && front.Owed.TryDequeue(out var owed); left--)
        {
            (int key, long version, LogWitness.Event logged) = owed;
            // Looked at after the event was: nothing of an earlier life is in it.
            (long groups, long keys) = TakesAllAsHeard ? (long.MaxValue, long.MaxValue) : Ways[_fronts.IndexOf(front)].Read;
            bool isHeard = groups >= logged.Groups && keys >= logged.Keys;
            if (isHeard && Volatile.Read(ref front.Life) < logged.Life) Interlocked.Exchange(ref front.Life, logged.Life);
            // What it heard in a later life it heard after all that it had was doubted.
            if (isHeard || Volatile.Read(ref front.Life) > logged.Life)
            {
                VersionChecker.Raise(ref front.Least[key], version);
                Interlocked.Increment(ref _heard);
            }
            else
            {
                front.Owed.Enqueue(owed);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Front front in _fronts) front.Process.Dispose();
        await _log.DisposeAsync();
        foreach (FaultProxy way in Ways) await way.DisposeAsync();
        if (_origin is not null) await _origin.DisposeAsync();
        await _server.DisposeAsync();
        _client.Dispose();
    }
}
