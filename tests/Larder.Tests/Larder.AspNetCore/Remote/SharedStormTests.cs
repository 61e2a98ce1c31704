using System.Collections.Concurrent;
using System.Globalization;
using Larder.Tests.Remote;
using Larder.Tests.Support;
using Microsoft.AspNetCore.Http;

namespace Larder.Tests.Http;

/// <summary>
/// Clients that read and write through several nodes, over an origin whose versions only grow and a Redis that evicts. No client is given a version
/// older than a write that was answered before it came: on the write's own node at once, on another one as soon as that has seen its events.
/// </summary>
public sealed class SharedStormTests
{
    private const int Keys = 4, Nodes = 3;

    private sealed class Storm(int seed, bool comparesNoClaims)
    {
        private readonly long[] _source = new long[Keys];
        private readonly long[,] _least = new long[Nodes, Keys];
        private readonly ConcurrentQueue<(int Key, long Version, long Ordinal)>[] _logged = [.. Enumerable.Range(0, Nodes).Select(_ => new ConcurrentQueue<(int, long, long)>())];
        private readonly ModelRedis _redis = new() { ComparesNoClaims = comparesNoClaims };
        private ModelNode[] _models = [];
        private HttpNode[] _servers = [];
        private volatile string? _wrong;
        private volatile bool _isOver;

        public long RemoteHits => _models.Sum(model => model.Cache.ReasonCounts.GetValueOrDefault("hit-redis"));

        public async Task<string?> RunAsync(int operations)
        {
            _models = [.. Enumerable.Range(0, Nodes).Select(_ => new ModelNode(_redis, options: new() { MaxEntries = 6 }))];
            foreach (ModelNode model in _models) model.Start();
            await Eventually.True(() => Array.TrueForAll(_models, model => model.Follower.Usable is not null));
            _servers = await Task.WhenAll(_models.Select(model => HttpNode.StartAsync(model.Cache, OriginAsync)));
            Task evictions = Task.Run(() => EvictAsync(new(seed)));
            await Task.WhenAll(Enumerable.Range(0, Nodes * 2).Select(i => Task.Run(() => WorkAsync(i % Nodes, new(seed * 100 + i), operations))));
            _isOver = true;
            await evictions;
            for (int i = 0; i < Nodes; i++)
            {
                await _servers[i].DisposeAsync();
                await _models[i].StopAsync();
                _models[i].Dispose();
            }
            return _wrong;
        }

        private async Task OriginAsync(HttpContext context)
        {
            int key = int.Parse(context.Request.Path.Value![2..], CultureInfo.InvariantCulture);
            if (!HttpMethods.IsGet(context.Request.Method))
            {
                context.Response.Headers["X-Version"] = Interlocked.Increment(ref _source[key]).ToString(CultureInfo.InvariantCulture);
                return;
            }
            context.Response.Headers.CacheControl = "max-age=600";
            // Half of them have variants.
            if (key % 2 == 1) context.Response.Headers.Vary = "Accept";
            string version = Volatile.Read(ref _source[key]).ToString(CultureInfo.InvariantCulture);
            await Task.Yield();
            if (Random.Shared.Next(3) == 0) await Task.Delay(1);
            await context.Response.WriteAsync(version);
        }

        private async Task WorkAsync(int node, Random random, int operations)
        {
            for (int i = 0; i < operations && _wrong is null; i++)
            {
                int key = random.Next(Keys);
                string path = "/k" + key;
                if (random.Next(5) == 0)
                {
                    HttpAnswer written = await _servers[node].SendAsync("PUT", path);
                    long version = long.Parse(written["X-Version"]!, CultureInfo.InvariantCulture);
                    Raise(node, key, version);
                    long ordinal = _redis.Run(redis => redis.State().Last);
                    for (int other = 0; other < Nodes; other++) _logged[other].Enqueue((key, version, ordinal));
                    continue;
                }
                NoteWhatWasSeen(node);
                long least = Volatile.Read(ref _least[node, key]);
                HttpAnswer read = await _servers[node].GetAsync(path, ("Accept", random.Next(2) == 0 ? "a/a" : "b/b"));
                if (long.Parse(read.Body, CultureInfo.InvariantCulture) < least) _wrong = $"{path} on node {node}: {read.How} instead of {least}";
            }
        }

        private void NoteWhatWasSeen(int node)
        {
            for (int left = _logged[node].Count; left > 0 && _logged[node].TryDequeue(out var logged); left--)
            {
                if (_models[node].Follower.Usable is { } view && view.SeenUpTo >= logged.Ordinal) Raise(node, logged.Key, logged.Version);
                else _logged[node].Enqueue(logged);
            }
        }

        private void Raise(int node, int key, long version)
        {
            ref long least = ref _least[node, key];
            for (long seen = Volatile.Read(ref least); seen < version;)
            {
                long before = Interlocked.CompareExchange(ref least, version, seen);
                if (before == seen) return;
                seen = before;
            }
        }

        private async Task EvictAsync(Random random)
        {
            while (!_isOver)
            {
                await Task.Delay(1);
                if (random.Next(3) == 0) _redis.Run(redis => { redis.Evict(); return 0; });
            }
        }
    }

    [Fact]
    [Trait("clause", "R-17"), Trait("clause", "R-19"), Trait("clause", "R-27"), Trait("clause", "R-29")]
    public async Task No_client_is_given_what_a_write_ended_before_it_came()
    {
        long hits = 0;
        for (int seed = 1; seed <= 3; seed++)
        {
            var storm = new Storm(seed, comparesNoClaims: false);
            Assert.Null(await storm.RunAsync(150));
            hits += storm.RemoteHits;
        }
        Assert.True(hits > 0, "nothing came from Redis");
    }

    [Fact]
    [Trait("clause", "R-18")]
    public async Task The_storm_finds_a_Redis_that_compares_no_claims()
    {
        for (int seed = 1; seed < 100; seed++)
            if (await new Storm(seed, comparesNoClaims: true).RunAsync(300) is not null) return;
        Assert.Fail("never found");
    }
}
