using Larder.Tests.Support;

namespace Larder.Tests.Remote;

/// <summary>
/// Two nodes and a Redis, whose steps a random order of one thread decides: an event that is acknowledged as far as Everywhere has to be seen by
/// whoever reads on the other node from then on. The other node stands still, reads the log late or in part, loses its connection, the streams
/// their oldest events, Redis the leases; renewals are executed late and answered later.
/// </summary>
public sealed class StrictStormTests
{
    private const int Keys = 3;

    private sealed class Storm
    {
        private readonly ModelRedis _redis;
        private readonly SharedTime _time = new();
        private readonly StrictNode _writer, _reader;
        private readonly Random _random;
        private readonly InvalidationReach _reach;
        private readonly long[] _source = new long[Keys], _least = new long[Keys];
        private readonly List<TaskCompletionSource> _held = [];
        private readonly List<(Task<long> Task, TaskCompletionSource Source)> _fills = [];
        private (int[] Keys, long[] Versions, Task<InvalidationResult> Task)? _writing;

        public Storm(int seed, ModelRedis redis, Func<CacheClock, HitLease>? lease, InvalidationReach reach)
        {
            (_redis, _reach, _random) = (redis, reach, new(seed));
            _writer = new(redis, _time.NewNode(), null, seed % 2 == 0 ? Strictness.Strict : Strictness.Available);
            _reader = new(redis, _time.NewNode(), lease);
            _reader.Before = _reader.After = command => command == "renew" && _random.Next(4) == 0 ? Hold() : Task.CompletedTask;
            Connect(_writer);
            Connect(_reader);
        }

        public int Everywhere { get; private set; }

        public long Hits => _reader.Cache.ReasonCounts.GetValueOrDefault("hit-memory");

        public async Task<string?> RunAsync(int steps)
        {
            string? wrong = null;
            for (int i = 0; i < steps && wrong is null; i++) wrong = Step();
            foreach (TaskCompletionSource held in _held.ToArray()) held.TrySetResult();
            foreach ((_, TaskCompletionSource source) in _fills) source.TrySetResult();
            foreach ((Task<long> task, _) in _fills) await task;
            _reader.Dispose();
            _writer.Dispose();
            return wrong;
        }

        private string? Step()
        {
            Acknowledge();
            switch (_random.Next(40))
            {
                case < 12: return Read();
                case < 16: Write(); break;
                case < 22: _reader.ReadLog(_random.Next(1, 4)); break;
                case < 24: _writer.Read(); break;
                case < 28: _time.Advance(TimeSpan.FromMilliseconds(_random.Next(1, 100))); break;
                case 28: _time.Advance(TimeSpan.FromMilliseconds(_random.Next(100, 3000))); break;
                case 29: _reader.Time.IsPaused = !_reader.Time.IsPaused; break;
                case < 33: _reader.Read(); break;
                case < 36: Release(); break;
                case 36: BeginFill(); break;
                case 37: EndFill(); break;
                case 38 when _random.Next(5) == 0: Break(); break;
            }
            Reconnect();
            return null;
        }

        private string? Read()
        {
            int key = _random.Next(Keys);
            long least = _least[key];
            LookupResult<long> read;
            if (_random.Next(4) == 0)
            {
                read = _reader.Cache.GetLocal<long>(Name(key));
            }
            else
            {
                ValueTask<LookupResult<long>> reading = _reader.Cache.GetOrCreateResultAsync(Name(key), (_source, key), static (s, _) => new ValueTask<long>(Volatile.Read(ref s._source[s.key])), Options(key));
                // It follows a flight that waits; it came before what is acknowledged from here on.
                if (!reading.IsCompleted) return null;
                read = reading.Result;
            }
            return read.Found && read.Value < least ? $"{Name(key)}: version {read.Value} ({read.Reason}) instead of {least}" : null;
        }

        private void Write()
        {
            if (_writing is not null) return;
            int kind = _random.Next(3);
            int[] keys = kind == 0 ? [_random.Next(Keys)] : [.. Enumerable.Range(0, Keys).Where(key => kind == 2 || key % 2 == 0)];
            long[] versions = [.. keys.Select(key => Interlocked.Increment(ref _source[key]))];
            Invalidation what = kind == 0 ? Invalidation.Key(Name(keys[0])) : kind == 1 ? Invalidation.Tag("t0") : Invalidation.Prefix("k");
            _writing = (keys, versions, _writer.Cache.InvalidateAsync(what, _reach).AsTask());
        }

        private void Acknowledge()
        {
            if (_writing is not { } writing || !writing.Task.IsCompleted) return;
            _writing = null;
            InvalidationResult result = writing.Task.IsFaulted ? default : writing.Task.Result;
            if (result.Reach != _reach || result.Status != InvalidationStatus.Acknowledged) return;
            Everywhere++;
            for (int i = 0; i < writing.Keys.Length; i++) _least[writing.Keys[i]] = Math.Max(_least[writing.Keys[i]], writing.Versions[i]);
        }

        private void BeginFill()
        {
            if (_fills.Count >= 2) return;
            int key = _random.Next(Keys);
            var source = new TaskCompletionSource();
            _fills.Add((_reader.Cache.GetOrCreateAsync(Name(key), (_source, key, source), static async (s, _) =>
            {
                long version = Volatile.Read(ref s._source[s.key]);
                await s.source.Task;
                return version;
            }, Options(key)).AsTask(), source));
        }

        private void EndFill()
        {
            if (_fills.Count == 0) return;
            int i = _random.Next(_fills.Count);
            _fills[i].Source.TrySetResult();
            // It may have followed another one's flight, and ends with that.
            if (_fills[i].Task.IsCompleted) _fills.RemoveAt(i);
        }

        private void Break()
        {
            switch (_random.Next(4))
            {
                case 0: _redis.Run(redis => { redis.Leases.Lose(); return 0; }); break;
                case 1: _redis.Run(redis => { redis.Trim((RemoteStream)_random.Next(2), _random.Next(3)); return 0; }); break;
                case 2: _reader.Follower.End(); break;
                default: _redis.Run(redis => { redis.Restart(); return 0; }); _reader.Follower.End(); _writer.Follower.End(); break;
            }
        }

        private void Reconnect()
        {
            if (_writer.Follower.Epoch == 0) Connect(_writer);
            if (_reader.Follower.Epoch == 0 && _random.Next(4) == 0) Connect(_reader);
        }

        private static void Connect(StrictNode node)
        {
            node.Connect();
            node.ReadLog();
        }

        private Task Hold()
        {
            var held = new TaskCompletionSource();
            _held.Add(held);
            return held.Task;
        }

        private void Release()
        {
            if (_held.Count == 0) return;
            int i = _random.Next(_held.Count);
            TaskCompletionSource held = _held[i];
            _held.RemoveAt(i);
            held.SetResult();
        }

        private static string Name(int key) => "k" + key;

        private static EntryOptions Options(int key) => new() { Tags = ["t" + key % 2], StaleWhileRevalidate = TimeSpan.FromHours(1), Ttl = TimeSpan.FromDays(1) };
    }

    private static async Task<(string? Wrong, int Everywhere, long Hits)> RunAsync(
        int storms, int steps, int leastEverywhere = 0, Func<ModelRedis>? redis = null, Func<CacheClock, HitLease>? lease = null, InvalidationReach reach = InvalidationReach.Everywhere)
    {
        (int everywhere, long hits) = (0, 0L);
        // How many events come to be everywhere in one depends on when the machine carries out what waits.
        for (int seed = 1; seed <= storms || (everywhere < leastEverywhere && seed <= 10 * storms); seed++)
        {
            var storm = new Storm(seed, redis?.Invoke() ?? new(), lease, reach);
            if (await storm.RunAsync(steps) is { } wrong) return ($"storm {seed}: {wrong}", everywhere, hits);
            everywhere += storm.Everywhere;
            hits += storm.Hits;
        }
        return (null, everywhere, hits);
    }

    [Fact]
    [Trait("clause", "R-26"), Trait("clause", "R-28"), Trait("clause", "R-29")]
    public async Task Nobody_is_given_what_an_event_ended_that_is_everywhere()
    {
        (string? wrong, int everywhere, long hits) = await RunAsync(100, 20_000, leastEverywhere: 1000);
        Assert.Null(wrong);
        Assert.True(everywhere >= 1000 && hits > 10_000, $"{everywhere} events were everywhere, {hits} hits");
    }

    private sealed class WithoutAClock(CacheClock clock) : HitLease(clock)
    {
        public override bool Lives => WasRenewed;
    }

    private sealed class CountedFromTheAnswer(CacheClock clock) : HitLease(clock)
    {
        protected override long CountedFrom(long sent, long answered) => answered;
    }

    public static TheoryData<string> Broken => ["clock", "answer", "registry", "logged"];

    [Theory]
    [MemberData(nameof(Broken))]
    public async Task The_storm_finds_what_is_broken(string what)
    {
        Func<CacheClock, HitLease>? lease = what switch { "clock" => clock => new WithoutAClock(clock), "answer" => clock => new CountedFromTheAnswer(clock), _ => null };
        Func<ModelRedis> redis = () => new() { Leases = new() { KeepsItsName = what == "registry" } };
        (string? wrong, _, _) = await RunAsync(2000, 20_000, 0, redis, lease, what == "logged" ? InvalidationReach.Logged : InvalidationReach.Everywhere);
        Assert.NotNull(wrong);
    }
}
