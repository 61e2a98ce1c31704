using System.Collections.Concurrent;
using Larder.Tests.Support;

namespace Larder.Tests.Remote;

/// <summary>
/// Several nodes, many readers and writers, and a Redis on which everything goes wrong, over a source whose versions only grow. No reader is
/// given a version older than an event that was acknowledged to it: on the event's own node from then on, on another one once that
/// has seen the event's position. After a gap or in a new epoch memory is doubted, and may answer as stale what another node's event has ended
/// where that happened stale answers are held against the events of their own node.
/// </summary>
public sealed class RemoteStormTests
{
    private const int Keys = 6, Nodes = 3;

    /// <summary>What Redis loses: slots, the oldest events of its streams too, and all since an older dump.</summary>
    public enum Losses
    {
        Slots,
        Events,
        Everything,
    }

    private sealed class Storm
    {
        private readonly ModelRedis _redis;
        private readonly ModelNode[] _nodes;
        private readonly long[] _source = new long[Keys];
        private readonly SemaphoreSlim[] _writing = [.. Enumerable.Range(0, Keys).Select(_ => new SemaphoreSlim(1))];
        /// <summary>By node and key: the oldest version that a reader who begins now may be given, may be given while memory is doubted, and may be given as fresh.</summary>
        private readonly long[,] _least = new long[Nodes, Keys], _leastOwn = new long[Nodes, Keys], _leastFresh = new long[Nodes, Keys];
        private readonly Losses _losses;
        private readonly ConcurrentQueue<(int Key, long Version, Position Place, bool IsSoft)>[] _logged = [.. Enumerable.Range(0, Nodes).Select(_ => new ConcurrentQueue<(int, long, Position, bool)>())];
        private volatile string? _wrong;
        private volatile bool _isOver;

        public Storm(int seed, ModelRedis redis, double faults, Losses losses, Func<CacheClock, IRemoteStore>? store = null)
        {
            _losses = losses;
            _redis = redis;
            _nodes = [.. Enumerable.Range(0, Nodes).Select(i => new ModelNode(redis, seed * Nodes + i, faults, options: new() { MaxEntries = 4 }, store: store))];
        }

        public long RemoteHits => _nodes.Sum(node => node.Cache.ReasonCounts.GetValueOrDefault("hit-redis"));

        public async Task<string?> RunAsync(int seed, int operations)
        {
            foreach (ModelNode node in _nodes) node.Start();
            await Eventually.True(() => Array.TrueForAll(_nodes, node => node.Follower.Usable is not null));
            Task chaos = Task.Run(() => BreakAsync(new(seed)));
            await Task.WhenAll(Enumerable.Range(0, Nodes * 3).Select(i => Task.Run(() => WorkAsync(i % Nodes, new(seed * 100 + i), operations))));
            _isOver = true;
            await chaos;
            foreach (ModelNode node in _nodes)
            {
                await node.StopAsync();
                node.Dispose();
            }
            return _wrong;
        }

        private async Task WorkAsync(int node, Random random, int operations)
        {
            for (int i = 0; i < operations && _wrong is null; i++)
            {
                if (random.Next(5) == 0) await WriteAsync(node, random);
                else await ReadAsync(node, random.Next(Keys), random);
            }
        }

        private async Task ReadAsync(int node, int key, Random random)
        {
            NoteWhatWasSeen(node);
            long least = Volatile.Read(ref _least[node, key]), leastFresh = Math.Max(least, Volatile.Read(ref _leastFresh[node, key]));
            long leastOwn = Volatile.Read(ref _leastOwn[node, key]);
            LarderCache cache = _nodes[node].Cache;
            LookupResult<long> result = random.Next(3) > 0
                ? await cache.GetOrCreateResultAsync(Name(key), (Storm: this, key), static async (fill, _) =>
                {
                    long version = Volatile.Read(ref fill.Storm._source[fill.key]);
                    await Task.Yield();
                    return version;
                }, Options(key))
                : await cache.GetAsync<long>(Name(key), allowStale: true);
            // Once, as it was first connected, memory is doubted in any case.
            long leastStale = _nodes[node].Tier.Doubts > 1 ? leastOwn : least;
            if (result.Found && result.Value < (result.IsStale ? leastStale : leastFresh))
                _wrong = $"{Name(key)} on node {node}: version {result.Value} ({result.Reason}) instead of {leastStale}, fresh {leastFresh}";
        }

        private async Task WriteAsync(int node, Random random)
        {
            int kind = random.Next(6);
            int[] keys = kind < 3 ? [random.Next(Keys)] : [.. Enumerable.Range(0, Keys).Where(key => kind == 5 || key % 2 == kind - 3)];
            foreach (int key in keys) await _writing[key].WaitAsync();
            LarderCache cache = _nodes[node].Cache;
            long[] versions = [.. keys.Select(key => Interlocked.Increment(ref _source[key]))];
            bool isSoft = kind is > 1 and < 5 && random.Next(2) == 0;
            Position place = default;
            if (kind == 0)
            {
                await cache.RemoveAsync(Name(keys[0]));
            }
            else if (kind == 1)
            {
                await cache.SetAsync(Name(keys[0]), versions[0], Options(keys[0]));
            }
            else
            {
                Invalidation what = kind == 2 ? Invalidation.Key(Name(keys[0])) : kind == 5 ? Invalidation.Prefix("k") : Invalidation.Tag("t" + (kind - 3));
                InvalidationResult result = await cache.InvalidateAsync(isSoft ? what.Soft() : what);
                if (result.Status == InvalidationStatus.Acknowledged) place = result.Position;
            }
            for (int i = 0; i < keys.Length; i++)
            {
                Raise(isSoft ? _leastFresh : _least, node, keys[i], versions[i]);
                if (!isSoft) Raise(_leastOwn, node, keys[i], versions[i]);
                for (int other = 0; other < Nodes && place != default; other++) _logged[other].Enqueue((keys[i], versions[i], place, isSoft));
            }
            foreach (int key in keys) _writing[key].Release();
        }

        /// <summary>From now on readers on a node must not be given what the events up to its position ended.</summary>
        private void NoteWhatWasSeen(int node)
        {
            for (int left = _logged[node].Count; left > 0 && _logged[node].TryDequeue(out var logged); left--)
            {
                if (_nodes[node].Follower.Usable is not { } view || view.Epoch != logged.Place.Epoch)
                {
                    // Of another epoch this node may never hear; of its own it hears later.
                    if (_redis.Run(redis => redis.State().Epoch) == logged.Place.Epoch) _logged[node].Enqueue(logged);
                }
                else if (view.SeenUpTo >= logged.Place.Ordinal)
                {
                    Raise(logged.IsSoft ? _leastFresh : _least, node, logged.Key, logged.Version);
                }
                else
                {
                    _logged[node].Enqueue(logged);
                }
            }
        }

        private static void Raise(long[,] of, int node, int key, long version)
        {
            ref long least = ref of[node, key];
            for (long seen = Volatile.Read(ref least); seen < version;)
            {
                long before = Interlocked.CompareExchange(ref least, version, seen);
                if (before == seen) return;
                seen = before;
            }
        }

        private async Task BreakAsync(Random random)
        {
            while (!_isOver)
            {
                await Task.Delay(1);
                switch (random.Next(_losses switch { Losses.Slots => 2, Losses.Events => 8, _ => 30 }))
                {
                    case 0 or 1: _redis.Run(redis => { redis.Evict(); return 0; }); break;
                    case 2: _redis.Run(redis => { redis.Trim((RemoteStream)random.Next(2), random.Next(1, 50)); return 0; }); break;
                    case 28: _redis.Run(redis => { redis.Dump(); return 0; }); break;
                    case 29: _redis.Run(redis => { redis.Restart(); return 0; }); break;
                }
            }
        }

        private static string Name(int key) => "k" + key;

        private static EntryOptions Options(int key) => new() { Tags = ["t" + key % 2], StaleWhileRevalidate = TimeSpan.FromSeconds(key % 2 * 10) };
    }

    [Theory]
    [InlineData(0.0, Losses.Slots)]
    [InlineData(0.02, Losses.Slots)]
    [InlineData(0.02, Losses.Events)]
    [InlineData(0.02, Losses.Everything)]
    [InlineData(0.3, Losses.Everything)]
    [Trait("clause", "R-13"), Trait("clause", "R-14"), Trait("clause", "R-17"), Trait("clause", "R-29")]
    public async Task No_reader_is_given_what_was_ended_before_it_came(double faults, Losses losses)
    {
        long hits = 0;
        for (int seed = 1; seed <= 4; seed++)
        {
            var storm = new Storm(seed, new(), faults, losses);
            Assert.Null(await storm.RunAsync(seed, 250));
            hits += storm.RemoteHits;
        }
        Assert.True(hits > 0 || faults > 0.1, $"{hits} answers from Redis");
    }

    [Fact]
    [Trait("clause", "R-16")]
    public async Task The_storm_finds_a_Redis_that_compares_no_claims()
    {
        for (int seed = 1; seed < 200; seed++)
            if (await new Storm(seed, new() { ComparesNoClaims = true }, 0.02, Losses.Slots).RunAsync(seed, 400) is not null) return;
        Assert.Fail("never found");
    }

    [Theory]
    [InlineData(0.0, Losses.Slots)]
    [InlineData(0.05, Losses.Events)]
    [InlineData(0.3, Losses.Everything)]
    [Trait("clause", "R-37")]
    public async Task Nor_where_values_are_in_a_store_that_compares_nothing(double faults, Losses losses)
    {
        long hits = 0;
        for (int seed = 1; seed <= 4; seed++)
        {
            var cache = new LooseCache(seed, faults);
            var storm = new Storm(seed, new(), faults / 5, losses, clock => new DistributedCacheStore(cache, clock, TimeProvider.System, timeout: TimeSpan.FromMilliseconds(20)));
            Assert.Null(await storm.RunAsync(seed, 250));
            hits += storm.RemoteHits;
        }
        Assert.True(hits > 0 || faults > 0.1, $"{hits} answers from the store");
    }

    /// <summary>The broken variant: it takes what it was told to remove for removed.</summary>
    private sealed class Trusting(DistributedCacheStore store) : IRemoteStore
    {
        public ValueTask<SlotRead> ReadAsync(string key) => store.ReadAsync(key);

        public ValueTask<SlotRead> ClaimAsync(string key, TimeSpan lifetime) => store.ClaimAsync(key, lifetime);

        public ValueTask<SlotOutcome> ReplaceAsync(string key, SlotClaim claim, ReadOnlyMemory<byte> stored, TimeSpan lifetime) => store.ReplaceAsync(key, claim, stored, lifetime);

        public ValueTask<SlotOutcome> RemoveAsync(string key, SlotClaim claim) => store.RemoveAsync(key, claim);

        public ValueTask<SlotOutcome> ProlongAsync(string key, SlotClaim claim, TimeSpan lifetime) => store.ProlongAsync(key, claim, lifetime);

        public ValueTask<SlotRead> PutTicketAsync(string key, TimeSpan lifetime) => store.PutTicketAsync(key, lifetime);

        public async ValueTask<SlotOutcome> UnlinkAsync(string key)
        {
            await store.UnlinkAsync(key);
            return SlotOutcome.Done;
        }
    }

    [Fact]
    [Trait("clause", "R-37")]
    public async Task The_storm_finds_a_store_that_is_trusted_to_have_removed()
    {
        for (int seed = 1; seed < 200; seed++)
        {
            var cache = new LooseCache(seed, 0.05);
            var storm = new Storm(seed, new(), 0.01, Losses.Slots, clock => new Trusting(new(cache, clock, TimeProvider.System, timeout: TimeSpan.FromMilliseconds(20))));
            if (await storm.RunAsync(seed, 400) is not null) return;
        }
        Assert.Fail("never found");
    }
}
