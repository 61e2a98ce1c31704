using System.Collections.Concurrent;
using System.Globalization;
using Larder.IntegrationTests.RedisServers;

namespace Larder.IntegrationTests.RedisFaults;

/// <summary>
/// Readers and writers on several nodes over a source whose versions only grow. No reader is given a version older than an event that was
/// acknowledged to its node: on the event's own node from then on, pending or not; on another one once that has seen the event's position, or
/// begun an epoch after that of the event.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. <c>Least</c> is raised only after the event was acknowledged, and a reader looks at it before it asks: whatever it is given must not be below.
/// 2. One writer at a time changes a key: a set carries the version that its writer made.
/// 3. Keys have no stale windows: what memory that is doubted holds is gone at once, so that there is no answer to be excused.
/// 4. A node that dies takes along what its log had not acknowledged; a call that began on it is judged by it. What the log had acknowledged is owed by whoever takes its place.
/// </remarks>
internal sealed class VersionChecker
{
    public const int Keys = 8;
    private const int WorkersOfNode = 2, LongestPadding = 600;
    /// <summary>Kinds of writes, and the one that changes all keys and ends them as a group: what is in their slots stays there.</summary>
    private const int AllKinds = 5, Everything = 4;

    /// <summary>A node, and what it owes its readers.</summary>
    private sealed class Seat(RedisNode node)
    {
        public readonly RedisNode Node = node;
        /// <summary>The least version of each key that may be read here; and the newest one that was written here, logged or not.</summary>
        public readonly long[] Least = new long[Keys], Written = new long[Keys];
        /// <summary>What the log has acknowledged and this node need not have seen yet.</summary>
        public readonly ConcurrentQueue<(int Key, long Version, Position Place)> Logged = new();
    }

    private readonly Seat[] _seats;
    private readonly long[] _source = new long[Keys];
    private readonly SemaphoreSlim[] _writing = [.. Enumerable.Range(0, Keys).Select(_ => new SemaphoreSlim(1))];
    private readonly Lock _gate = new();
    /// <summary>The newest event of each key in each epoch that the log has acknowledged; and the epochs in their order. Under the gate, as is who sits where.</summary>
    private readonly Dictionary<(ulong Epoch, int Key), (long Version, Position Place)> _acknowledged = [];
    private readonly List<ulong> _epochs = [];
    private readonly ConcurrentQueue<string> _wrong = new();
    private readonly long[] _reads, _writes;
    private readonly int _seed;
    private Task[] _workers = [];
    private volatile bool _isOver;
    private long _pending, _earlierHits;

    /// <param name="nodes">Their caches are used by nobody else meanwhile.</param>
    public VersionChecker(IReadOnlyList<RedisNode> nodes, int seed = 1)
    {
        _seed = seed;
        _seats = [.. nodes.Select(node => new Seat(node))];
        (_reads, _writes) = (new long[nodes.Count], new long[nodes.Count]);
    }

    public static LarderOptions Options => new() { MaxEntries = Keys / 2 };

    /// <summary>What readers were given that they must not be, and what was thrown at callers.</summary>
    public string[] Wrong => [.. _wrong];

    /// <summary>How many events were not acknowledged by the log when their calls ended.</summary>
    public long Pending => Interlocked.Read(ref _pending);

    /// <summary>How many answers came from Redis.</summary>
    public long RemoteHits => _seats.Sum(seat => HitsOf(seat.Node)) + Interlocked.Read(ref _earlierHits);

    private static long HitsOf(RedisNode node) => node.Cache.ReasonCounts.GetValueOrDefault("hit-redis");

    /// <summary>Another node in the place of one that has died.</summary>
    public void Replace(int node, RedisNode other)
    {
        lock (_gate)
        {
            Interlocked.Add(ref _earlierHits, HitsOf(_seats[node].Node));
            var seat = new Seat(other);
            foreach (((_, int key), (long version, Position place)) in _acknowledged) seat.Logged.Enqueue((key, version, place));
            Volatile.Write(ref _seats[node], seat);
        }
    }

    /// <summary>All nodes follow this epoch now: it comes after those that were named before, and before every other one.</summary>
    public void IsFollowed(ulong epoch)
    {
        lock (_gate)
            if (!_epochs.Contains(epoch)) _epochs.Add(epoch);
    }

    /// <summary>Begins to read and write on all nodes.</summary>
    public void Start() => _workers = [.. Enumerable.Range(0, _seats.Length * WorkersOfNode).Select(i => Task.Run(() => WorkAsync(i % _seats.Length, new(_seed * 1000 + i))))];

    /// <summary>Reads every key once on every node.</summary>
    public async Task ReadAllAsync()
    {
        foreach (Seat seat in _seats)
            for (int key = 0; key < Keys; key++) await ReadAsync(seat, key, fills: true);
    }

    /// <summary>Every key is changed and ended, on one node.</summary>
    public Task EndAllAsync(int node) => WriteAsync(_seats[node], Everything, 0);

    /// <summary>Until each node has read and written for a while longer.</summary>
    public async Task SomeMoreAsync(int reads = 100, int writes = 10)
    {
        long[] readsThen = [.. _reads], writesThen = [.. _writes];
        for (int node = 0; node < _seats.Length; node++)
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
        RedisNode[] nodes = [.. _seats.Select(seat => seat.Node)];
        if (nodes.Any(node => node.Cache.RemoteTier is not { State: RemoteTierState.InUse, Pending: 0 } || !node.Tier.IsIdle)) return false;
        Position?[] seen = [.. nodes.Select(node => node.Tier.Follower.Usable is { } view ? new Position(view.Epoch, view.SeenUpTo) : default(Position?))];
        return seen[0] is { } first && Array.TrueForAll(seen, position => position == first);
    });

    /// <summary>When everything was seen everywhere, no reader on any node is given less than what was written.</summary>
    public async Task CheckAllAsync()
    {
        foreach (Seat seat in _seats)
        {
            for (int key = 0; key < Keys; key++)
            {
                // What nodes that have died had not sent is nobody's.
                Raise(ref seat.Least[key], _seats.Max(other => other.Written[key]));
                lock (_gate) Raise(ref seat.Least[key], _acknowledged.Where(e => e.Key.Key == key).Select(e => e.Value.Version).DefaultIfEmpty().Max());
            }
        }
        await ReadAllAsync();
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
            Seat seat = Volatile.Read(ref _seats[node]);
            try
            {
                if (random.Next(8) == 0)
                {
                    await WriteAsync(seat, random);
                    Interlocked.Increment(ref _writes[node]);
                }
                else
                {
                    await ReadAsync(seat, random.Next(Keys), fills: random.Next(4) > 0);
                    Interlocked.Increment(ref _reads[node]);
                }
            }
            catch (Exception e)
            {
                _wrong.Enqueue($"node {node}: {e}");
            }
            // Others want the processors, too.
            if (i % 8 == 0) await Task.Delay(1);
        }
    }

    private async Task ReadAsync(Seat seat, int key, bool fills)
    {
        NoteWhatWasSeen(seat);
        long least = Volatile.Read(ref seat.Least[key]);
        LarderCache cache = seat.Node.Cache;
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
            if (version < least) _wrong.Enqueue($"{Name(key)} on node {Array.IndexOf(_seats, seat)}: version {version} ({result.Reason}) instead of {least}");
        }
    }

    private Task WriteAsync(Seat seat, Random random) => WriteAsync(seat, random.Next(AllKinds), random.Next(Keys));

    private async Task WriteAsync(Seat seat, int kind, int only)
    {
        int[] keys = kind < 3 ? [only] : [.. Enumerable.Range(0, Keys).Where(key => kind == Everything || key % 2 == 0)];
        foreach (int key in keys) await _writing[key].WaitAsync();
        try
        {
            LarderCache cache = seat.Node.Cache;
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
                Raise(ref seat.Least[keys[i]], versions[i]);
                Raise(ref seat.Written[keys[i]], versions[i]);
                if (place != default) NoteAcknowledged(keys[i], versions[i], place);
            }
        }
        finally
        {
            foreach (int key in keys) _writing[key].Release();
        }
    }

    private void NoteAcknowledged(int key, long version, Position place)
    {
        lock (_gate)
        {
            _acknowledged[(place.Epoch, key)] = (version, place);
            foreach (Seat seat in _seats) seat.Logged.Enqueue((key, version, place));
        }
    }

    /// <summary>From now on readers on a node must not be given what the events up to its position ended.</summary>
    private void NoteWhatWasSeen(Seat seat)
    {
        for (int left = seat.Logged.Count; left > 0 && seat.Logged.TryDequeue(out var logged); left--)
        {
            // An event of an epoch that may be newer than the node's, or may be older, is looked at again; in the end all of them are.
            if (seat.Node.Tier.Follower.Usable is not { } view) seat.Logged.Enqueue(logged);
            else if (view.Epoch == logged.Place.Epoch ? view.SeenUpTo >= logged.Place.Ordinal : IsAfter(view.Epoch, logged.Place.Epoch)) Raise(ref seat.Least[logged.Key], logged.Version);
            else seat.Logged.Enqueue(logged);
        }
    }

    /// <summary>Whether an epoch is known to be one after another.</summary>
    private bool IsAfter(ulong epoch, ulong other)
    {
        lock (_gate) return _epochs.IndexOf(other) is >= 0 and var before && (_epochs.IndexOf(epoch) is var at && (at < 0 || at > before));
    }

    internal static void Raise(ref long least, long version)
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
