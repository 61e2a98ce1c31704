using System.Collections.Concurrent;
using System.Globalization;
using Larder.IntegrationTests.RedisServers;

namespace Larder.IntegrationTests.RedisFaults;

/// <summary>
/// Readers and writers on several nodes over a source whose versions only grow. No reader is given a version older than an event that was
/// acknowledged to its node: on the event's own node from then on, pending or not; on another one once that has seen the event's position.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. <c>_least</c> is raised only after the event was acknowledged, and a reader looks at it before it asks: whatever it is given must not be below.
/// 2. One writer at a time changes a key: a set carries the version that its writer made.
/// 3. Keys have no stale windows: what memory that is doubted holds is gone at once, so that there is no answer to be excused.
/// </remarks>
internal sealed class VersionChecker
{
    public const int Keys = 8;
    private const int WorkersOfNode = 2, LongestPadding = 600;

    private readonly IReadOnlyList<RedisNode> _nodes;
    private readonly long[] _source;
    private readonly SemaphoreSlim[] _writing = [.. Enumerable.Range(0, Keys).Select(_ => new SemaphoreSlim(1))];
    private readonly long[,] _least;
    private readonly long[] _mostWritten = new long[Keys];
    private readonly ConcurrentQueue<(int Key, long Version, Position Place)>[] _logged;
    private readonly ConcurrentQueue<string> _wrong = new();
    private readonly long[] _reads, _writes;
    private readonly int _seed;
    private Task[] _workers = [];
    private volatile bool _isOver;
    private long _pending;

    /// <param name="nodes">Their caches are used by nobody else meanwhile.</param>
    /// <param name="source">The newest version of each key; an earlier checker's, all of whose events were seen everywhere.</param>
    public VersionChecker(IReadOnlyList<RedisNode> nodes, int seed = 1, long[]? source = null)
    {
        (_nodes, _seed, _source) = (nodes, seed, source ?? new long[Keys]);
        _least = new long[nodes.Count, Keys];
        for (int node = 0; node < nodes.Count; node++)
            for (int key = 0; key < Keys; key++) _least[node, key] = _source[key];
        _logged = [.. nodes.Select(_ => new ConcurrentQueue<(int, long, Position)>())];
        (_reads, _writes) = (new long[nodes.Count], new long[nodes.Count]);
    }

    public static LarderOptions Options => new() { MaxEntries = Keys / 2 };

    /// <summary>What readers were given that they must not be, and what was thrown at callers.</summary>
    public string[] Wrong => [.. _wrong];

    /// <summary>How many events were not acknowledged by the log when their calls ended.</summary>
    public long Pending => Interlocked.Read(ref _pending);

    /// <summary>How many answers came from Redis.</summary>
    public long RemoteHits => _nodes.Sum(node => node.Cache.ReasonCounts.GetValueOrDefault("hit-redis"));

    /// <summary>The newest version of each key.</summary>
    public long[] Source => _source;

    /// <summary>Begins to read and write on all nodes.</summary>
    public void Start() => _workers = [.. Enumerable.Range(0, _nodes.Count * WorkersOfNode).Select(i => Task.Run(() => WorkAsync(i % _nodes.Count, new(_seed * 1000 + i))))];

    /// <summary>Until each node has read and written for a while longer.</summary>
    public async Task SomeMoreAsync(int reads = 100, int writes = 10)
    {
        long[] readsThen = [.. _reads], writesThen = [.. _writes];
        for (int node = 0; node < _nodes.Count; node++)
            await LinkTests.Until(() => Volatile.Read(ref _reads[node]) >= readsThen[node] + reads && Volatile.Read(ref _writes[node]) >= writesThen[node] + writes);
    }

    /// <summary>Ends reading and writing.</summary>
    public Task StopAsync()
    {
        _isOver = true;
        return Task.WhenAll(_workers);
    }

    /// <summary>Until all nodes use Redis again, and have sent and seen everything.</summary>
    public Task UntilSettledAsync() => LinkTests.Until(() =>
    {
        if (_nodes.Any(node => node.Cache.RemoteTier is not { State: RemoteTierState.InUse, Pending: 0 } || !node.Tier.IsIdle)) return false;
        Position?[] seen = [.. _nodes.Select(node => node.Tier.Follower.Usable is { } view ? new Position(view.Epoch, view.SeenUpTo) : default(Position?))];
        return seen[0] is { } first && Array.TrueForAll(seen, position => position == first);
    });

    /// <summary>When everything was seen everywhere, no reader on any node is given less than what was written.</summary>
    public async Task CheckAllAsync()
    {
        for (int node = 0; node < _nodes.Count; node++)
            for (int key = 0; key < Keys; key++)
            {
                Raise(ref _least[node, key], _mostWritten[key]);
                await ReadAsync(node, key, fills: true);
            }
    }

    /// <summary>All of it: ends, waits until the nodes agree, looks once more, and fails if anything was wrong.</summary>
    public async Task EndAsync()
    {
        await StopAsync();
        await UntilSettledAsync();
        await CheckAllAsync();
        Assert.Empty(Wrong);
    }

    private async Task WorkAsync(int node, Random random)
    {
        for (int i = 1; !_isOver; i++)
        {
            try
            {
                if (random.Next(8) == 0) await WriteAsync(node, random);
                else await ReadAsync(node, random.Next(Keys), fills: random.Next(4) > 0);
            }
            catch (Exception e)
            {
                _wrong.Enqueue($"node {node}: {e}");
            }
            // Others want the processors, too.
            if (i % 8 == 0) await Task.Delay(1);
        }
    }

    private async Task ReadAsync(int node, int key, bool fills)
    {
        NoteWhatWasSeen(node);
        long least = Volatile.Read(ref _least[node, key]);
        LarderCache cache = _nodes[node].Cache;
        LookupResult<string> result = fills
            ? await cache.GetOrCreateResultAsync(Name(key), (Source: _source, key), static async (fill, _) =>
            {
                long version = Volatile.Read(ref fill.Source[fill.key]);
                await Task.Yield();
                return Written(version);
            }, Kept(key))
            : await cache.GetAsync<string>(Name(key));
        if (result.Found)
        {
            long version = VersionOf(result.Value!);
            if (version < least) _wrong.Enqueue($"{Name(key)} on node {node}: version {version} ({result.Reason}) instead of {least}");
        }
        Interlocked.Increment(ref _reads[node]);
    }

    private async Task WriteAsync(int node, Random random)
    {
        int kind = random.Next(5);
        int[] keys = kind < 3 ? [random.Next(Keys)] : [.. Enumerable.Range(0, Keys).Where(key => kind == 4 || key % 2 == 0)];
        foreach (int key in keys) await _writing[key].WaitAsync();
        try
        {
            LarderCache cache = _nodes[node].Cache;
            long[] versions = [.. keys.Select(key => Interlocked.Increment(ref _source[key]))];
            Position place = default;
            if (kind == 0)
            {
                await cache.RemoveAsync(Name(keys[0]));
            }
            else if (kind == 1)
            {
                await cache.SetAsync(Name(keys[0]), Written(versions[0]), Kept(keys[0]));
            }
            else
            {
                InvalidationResult result = await cache.InvalidateAsync(kind switch { 2 => Invalidation.Key(Name(keys[0])), 3 => Invalidation.Tag("t0"), _ => Invalidation.Prefix("k") });
                if (result.Status == InvalidationStatus.Acknowledged) place = result.Position;
                else Interlocked.Increment(ref _pending);
            }
            for (int i = 0; i < keys.Length; i++)
            {
                Raise(ref _least[node, keys[i]], versions[i]);
                Raise(ref _mostWritten[keys[i]], versions[i]);
                for (int other = 0; other < _nodes.Count && place != default; other++) _logged[other].Enqueue((keys[i], versions[i], place));
            }
        }
        finally
        {
            foreach (int key in keys) _writing[key].Release();
        }
        Interlocked.Increment(ref _writes[node]);
    }

    /// <summary>From now on readers on a node must not be given what the events up to its position ended.</summary>
    private void NoteWhatWasSeen(int node)
    {
        for (int left = _logged[node].Count; left > 0 && _logged[node].TryDequeue(out var logged); left--)
        {
            // Of another epoch it is not known whether this node is before or behind it: that is looked at in the end.
            if (_nodes[node].Tier.Follower.Usable is not { } view) _logged[node].Enqueue(logged);
            else if (view.Epoch == logged.Place.Epoch && view.SeenUpTo >= logged.Place.Ordinal) Raise(ref _least[node, logged.Key], logged.Version);
            else if (view.Epoch == logged.Place.Epoch) _logged[node].Enqueue(logged);
        }
    }

    private static void Raise(ref long least, long version)
    {
        for (long seen = Volatile.Read(ref least); seen < version;)
        {
            long before = Interlocked.CompareExchange(ref least, version, seen);
            if (before == seen) return;
            seen = before;
        }
    }

    public static string Name(int key) => "k" + key;

    /// <summary>A version at both ends of something whose length it tells: half of it, or of two, is found out.</summary>
    public static string Written(long version) => string.Create(CultureInfo.InvariantCulture, $"{version}|{new string((char)('a' + version % 26), (int)(version % LongestPadding))}|{version}");

    /// <exception cref="FormatException">It is not what <see cref="Written"/> has made.</exception>
    public static long VersionOf(string written)
    {
        long version = long.Parse(written.AsSpan(0, written.IndexOf('|')), CultureInfo.InvariantCulture);
        return written == Written(version) ? version : throw new FormatException($"half a value: {written}");
    }

    private static EntryOptions Kept(int key) => new() { Ttl = TimeSpan.FromMinutes(10), Tags = ["t" + key % 2] };
}
