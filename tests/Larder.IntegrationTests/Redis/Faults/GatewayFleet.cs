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
/// 2. One writer at a time writes to a key. His event is known by its place in the log behind where that ended when the origin had changed: whatever ends the key from there on has to be heard of.
/// 3. What a gateway has read is known from what it asks the log for next. A life is over before its server is killed: nothing that was read in one counts in another.
/// </remarks>
internal sealed class GatewayFleet : IAsyncDisposable
{
    private const int Gateways = 3, Clients = 6, Keys = 8;
    private const string Authority = "api.test", State = "larder:{log}:state";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>An event that others have to have heard of: both streams have to have been read up to there.</summary>
    private sealed record Logged(int Life, int Key, long Version, long Groups, long Keys);

    private sealed class Front(Child process, Uri address)
    {
        public readonly Child Process = process;
        public readonly Uri Address = address;
        public readonly long[] Least = new long[GatewayFleet.Keys];
        public readonly ConcurrentQueue<Logged> Owed = new();
        /// <summary>The last life of the server whose log this gateway has read something of.</summary>
        public int Life;
        public long Reads, Writes;
    }

    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { Timeout = Patience };
    private readonly long[] _source = new long[Keys];
    private readonly (string Epoch, long Last, int Life)?[] _ends = new (string, long, int)?[Keys];
    private readonly SemaphoreSlim[] _writing = [.. Enumerable.Range(0, Keys).Select(_ => new SemaphoreSlim(1))];
    private readonly ConcurrentQueue<string> _wrong = new();
    private readonly List<Front> _fronts = [];
    private readonly RedisServer _server;
    private readonly RedisLink _own;
    private readonly int _seed;
    private KestrelOrigin _origin = null!;
    private Task[] _clients = [];
    private volatile bool _isOver;
    private int _life = 1;
    private long _heard, _fromRedis;

    private GatewayFleet(RedisServer server, int seed)
    {
        (_server, _seed) = (server, seed);
        _own = new(server.Options(o => (o.Timeout, o.LongestBackoff) = (TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(100))));
        Ways = [.. Enumerable.Range(0, Gateways).Select(_ => new FaultProxy(server.Port))];
    }

    public RedisServer Server => _server;

    public FaultProxy[] Ways { get; }

    public string[] Wrong => [.. _wrong];

    /// <summary>How many writes other gateways were held to.</summary>
    public long Heard => Interlocked.Read(ref _heard);

    /// <summary>How many answers came from Redis.</summary>
    public long FromRedis => Interlocked.Read(ref _fromRedis);

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
            foreach (FaultProxy way in fleet.Ways)
            {
                string redis = $"redis://{way.Endpoint}?failOnConnectionError=true&timeout=200&connectTimeout=5s&longestBackoff=100&silence=800&heartbeat=200";
                (Child process, Uri address) = await Child.ServeAsync(fleet._origin.Address, "--redis", redis);
                fleet._fronts.Add(new(process, address));
            }
            await fleet._own.WhenConnectedAsync(new CancellationTokenSource(Patience).Token);
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
        Interlocked.Increment(ref _life);
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
        if (version < least) _wrong.Enqueue($"{UrlOf(key)} on {front.Address}: version {version} ({status}) instead of {least}");
    }

    private async Task WriteAsync(Front front, int key)
    {
        await _writing[key].WaitAsync();
        try
        {
            long version = await PutAsync(front, key);
            VersionChecker.Raise(ref front.Least[key], version);
            if (await EventOfAsync(key, version) is not { } logged) return;
            foreach (Front other in _fronts) other.Owed.Enqueue(logged);
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
            _ends[key] = await EndAsync();
            await context.Response.WriteAsync(made.ToString(CultureInfo.InvariantCulture));
            return;
        }
        context.Response.Headers.CacheControl = "max-age=600";
        long version = Volatile.Read(ref _source[key]);
        await Task.Yield();
        await context.Response.WriteAsync(VersionChecker.Written(version));
    }

    /// <summary>Where the log ends; null where that can't be told.</summary>
    private async Task<(string Epoch, long Last, int Life)?> EndAsync()
    {
        int life = Volatile.Read(ref _life);
        RedisReply reply = await _own.SendAsync(["HMGET", State, "epoch", "last"], TimeSpan.FromMilliseconds(500));
        return reply.IsOk && reply.Value.Items.Length == 2 && reply.Value.Items.Span[0].Text is { } epoch && reply.Value.Items.Span[1].TryGetInteger(out long last) && life == Volatile.Read(ref _life)
            ? (epoch, last, life)
            : null;
    }

    /// <summary>The event of a key that stands behind where the log ended when the origin had changed; null where there is none, or none known.</summary>
    private async Task<Logged?> EventOfAsync(int key, long version)
    {
        if (_ends[key] is not (string epoch, long last, int life)) return null;
        foreach (string stream in (string[])["keys", "groups"])
        {
            RedisReply reply = await _own.SendAsync(["XRANGE", "larder:{log}:" + stream, $"{last + 1}-0", "+"], TimeSpan.FromMilliseconds(500));
            if (!reply.IsOk) continue;
            foreach (RespValue entry in reply.Value.Items.ToArray())
            {
                string?[] words = [.. entry.Items.Span[1].Items.ToArray().Select(word => word.Text)];
                string? Of(string name) => Array.IndexOf(words, name) is >= 0 and var at ? words[at + 1] : null;
                if (Of("kind") != "key" || Of("text") != UrlOf(key) || Of("epoch") != epoch || life != Volatile.Read(ref _life)) continue;
                long ordinal = long.Parse(entry.Items.Span[0].Text!.Split('-')[0], CultureInfo.InvariantCulture);
                long before = long.Parse(Of(stream == "keys" ? "groups" : "keys")!, CultureInfo.InvariantCulture);
                return stream == "keys" ? new(life, key, version, before, ordinal) : new(life, key, version, ordinal, before);
            }
        }
        return null;
    }

    private void NoteWhatWasHeard(Front front)
    {
        for (int left = front.Owed.Count; left > 0 && front.Owed.TryDequeue(out Logged? logged); left--)
        {
            // Looked at after the event was: nothing of an earlier life is in it.
            (long groups, long keys) = TakesAllAsHeard ? (long.MaxValue, long.MaxValue) : Ways[_fronts.IndexOf(front)].Read;
            bool isHeard = groups >= logged.Groups && keys >= logged.Keys;
            if (isHeard && Volatile.Read(ref front.Life) < logged.Life) Interlocked.Exchange(ref front.Life, logged.Life);
            // What it heard in a later life it heard after all that it had was doubted.
            if (isHeard || Volatile.Read(ref front.Life) > logged.Life)
            {
                VersionChecker.Raise(ref front.Least[logged.Key], logged.Version);
                Interlocked.Increment(ref _heard);
            }
            else
            {
                front.Owed.Enqueue(logged);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Front front in _fronts) front.Process.Dispose();
        await _own.DisposeAsync();
        foreach (FaultProxy way in Ways) await way.DisposeAsync();
        if (_origin is not null) await _origin.DisposeAsync();
        await _server.DisposeAsync();
        _client.Dispose();
    }
}
