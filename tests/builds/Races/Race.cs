using System.Reflection;
using Larder.Tests.Support;

namespace Larder.Tests.Races;

/// <summary>What came of some races.</summary>
/// <param name="Trials">How many were run.</param>
/// <param name="Steps">How many steps were taken, each chosen by chance among those that could be.</param>
/// <param name="Stale">Reads of a value older than an invalidation acknowledged before the read began.</param>
/// <param name="Overtaken">Fills that were refused: how often there was a race at all.</param>
/// <param name="Coalesced">Callers that were given another caller's value.</param>
/// <param name="Served">Callers that were given a stale value, and told so.</param>
/// <param name="First">The first stale read: batch, trial and values.</param>
public readonly record struct RaceResult(long Trials, long Steps, long Stale, long Overtaken, long Coalesced, long Served, string? First)
{
    public static RaceResult operator +(RaceResult a, RaceResult b) =>
        new(a.Trials + b.Trials, a.Steps + b.Steps, a.Stale + b.Stale, a.Overtaken + b.Overtaken, a.Coalesced + b.Coalesced, a.Served + b.Served, a.First ?? b.First);
}

/// <summary>
/// Invalidations against fills: a few callers, writers and upkeep on one key of a real cache, in an order that the seed
/// decides. The origin's value is a version that only grows; whoever reads must be given at least the version that had
/// been acknowledged when it began, and where the value is said to be stale, at least what had been acknowledged as hard.
/// </summary>
public sealed class Race
{
    public const int TrialsPerBatch = 1000;
    private const int Keys = 4;
    private static readonly Subject[] Subjects = [.. Enumerable.Range(0, Keys).Select(k => new Subject(k))];

    private readonly Random _random;
    private readonly Turns _turns;
    private readonly ManualTimeProvider _time = new();
    private readonly LarderCache _cache;
    private readonly long[] _origin = new long[Keys];
    private readonly long[] _acknowledged = new long[Keys];
    private readonly long[] _acknowledgedHard = new long[Keys];
    private readonly int _batch;
    private int _trial;
    private int _running;
    private long _stale;
    private long _overtaken;
    private long _served;
    private string? _first;

    private Race(int batch, bool tellsNobody)
    {
        _batch = batch;
        _random = new(batch);
        _turns = new(_random);
        _cache = new(new() { MaxEntries = 16, InvalidationHistory = 0 }, _time);
        if (tellsNobody) typeof(MemoryStore).GetField("_receivers", BindingFlags.Instance | BindingFlags.NonPublic)!.SetValue(_cache.Memory, Array.Empty<IKeyEventReceiver>());
    }

    /// <summary>Everything about one key that need not be made anew in each trial.</summary>
    private sealed class Subject
    {
        public Subject(int number)
        {
            Key = $"k{number}:";
            // Every other key may be served stale.
            TimeSpan? stale = number % 2 == 0 ? null : TimeSpan.FromHours(1);
            Options = new() { Tags = [$"t{number}:a", $"s{number}"], User = $"u{number}", StaleWhileRevalidate = stale };
            Invalidation[] hard =
            [
                Invalidation.Key(Key), Invalidation.Tag($"t{number}:a"), Invalidation.Tag($"t{number}"), Invalidation.AnyTag("other", $"s{number}"),
                Invalidation.AllTags($"t{number}", $"S{number}"), Invalidation.Prefix($"k{number}"), Invalidation.Glob($"k{number}*"),
                Invalidation.Regex($"^k{number}:$"), Invalidation.User($"u{number}"), Invalidation.All,
            ];
            Invalidations = [.. hard, .. hard.Select(what => what.Soft())];
        }

        public string Key { get; }

        public EntryOptions Options { get; }

        public Invalidation[] Invalidations { get; }
    }

    /// <summary>Runs the batches from <paramref name="from"/> on, on all cores, each with its number as the seed.</summary>
    /// <param name="tellsNobody">Whether flights are left without word of their keys' events: an engine that is broken.</param>
    public static RaceResult RunBatches(int from, int batches, bool untilStale = false, bool tellsNobody = false)
    {
        var gate = new Lock();
        RaceResult sum = default;
        Parallel.For(from, from + batches, (batch, loop) =>
        {
            RaceResult result = RunBatch(batch, tellsNobody);
            lock (gate) sum += result;
            if (untilStale && result.Stale > 0) loop.Stop();
        });
        return sum;
    }

    /// <summary>Runs one batch on this thread; the same number gives the same steps.</summary>
    public static RaceResult RunBatch(int batch, bool tellsNobody = false)
    {
        SynchronizationContext? before = SynchronizationContext.Current;
        var race = new Race(batch, tellsNobody);
        SynchronizationContext.SetSynchronizationContext(race._turns);
        try
        {
            return race.Run();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
            race._cache.Dispose();
        }
    }

    private RaceResult Run()
    {
        for (_trial = 0; _trial < TrialsPerBatch; _trial++)
        {
            int subject = _random.Next(Keys);
            // One reader and one writer at least: without both there is no race.
            Start(ReadAsync, subject);
            Start(WriteAsync, subject);
            for (int more = _random.Next(4); more > 0; more--) Start(_random.Next(5) < 3 ? ReadAsync : WriteAsync, subject);
            _turns.RunToEnd();
            if (_running != 0) throw new InvalidOperationException($"Batch {_batch}, trial {_trial}: {_running} callers wait for ever.");
        }
        return new(TrialsPerBatch, _turns.Taken, _stale, _overtaken + _cache.Reasons[Reason.UnstoredOvertaken], _cache.Reasons[Reason.Coalesced], _served, _first);
    }

    private void Start(Func<int, Task> actor, int subject)
    {
        _running++;
        _turns.Post(async _ =>
        {
            await actor(subject);
            _running--;
        }, null);
    }

    private async Task ReadAsync(int k)
    {
        Subject subject = Subjects[k];
        (long Fresh, long Stale) least = (_acknowledged[k], _acknowledgedHard[k]);
        switch (_random.Next(8))
        {
            case 0:
                Check(k, await _cache.GetAsync<long>(subject.Key, allowStale: _random.Next(2) == 0), least, "get");
                break;
            case 2:
                IReadOnlyDictionary<string, long> many = await _cache.GetOrCreateManyAsync<(Race Race, int K), long>([subject.Key], (this, k), static async (call, keys, _) =>
                    new Dictionary<string, long> { [keys[0]] = await call.Race.ReadOriginAsync(call.K) }, subject.Options);
                // A batch does not say what is stale.
                Check(k, many[subject.Key], subject.Options.StaleWhileRevalidate is null ? least.Fresh : least.Stale, "a batch");
                break;
            case 1:
                Stamp stamp = _cache.BeginFill();
                if (_cache.TryStore(subject.Key, await ReadOriginAsync(k), subject.Options, stamp) == Reason.UnstoredOvertaken) _overtaken++;
                break;
            default:
                Check(k, await _cache.GetOrCreateResultAsync(subject.Key, (Race: this, k), static (call, _) => call.Race.ReadOriginAsync(call.k), subject.Options), least, "get-or-create");
                break;
        }
    }

    private async Task WriteAsync(int k)
    {
        Subject subject = Subjects[k];
        int kind = _random.Next(24);
        if (kind == 23)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return;
        }
        long version = ++_origin[k];
        // A set value is the origin's of this moment; that it arrives late would be its caller's mistake.
        if (kind >= 21) await _cache.SetAsync(subject.Key, version, subject.Options);
        else
        {
            if (_random.Next(2) == 0) await Task.Yield();
            if (kind == 20) await _cache.RemoveAsync(subject.Key);
            else await _cache.InvalidateAsync(subject.Invalidations[kind], count: _random.Next(8) == 0);
        }
        _acknowledged[k] = Math.Max(_acknowledged[k], version);
        if (kind >= 20 || !subject.Invalidations[kind].IsSoft) _acknowledgedHard[k] = Math.Max(_acknowledgedHard[k], version);
    }

    private async ValueTask<long> ReadOriginAsync(int k)
    {
        if (_random.Next(2) == 0) await Task.Yield();
        if (!ReferenceEquals(SynchronizationContext.Current, _turns)) throw new InvalidOperationException("The engine left the scheduler: the order would not be the seed's.");
        long version = _origin[k];
        for (int steps = _random.Next(3); steps > 0; steps--) await Task.Yield();
        return version;
    }

    private void Check(int k, LookupResult<long> result, (long Fresh, long Stale) least, string operation)
    {
        if (!result.Found) return;
        if (result.IsStale) _served++;
        Check(k, result.Value, result.IsStale ? least.Stale : least.Fresh, operation);
    }

    private void Check(int k, long seen, long least, string operation)
    {
        if (seen >= least) return;
        _stale++;
        _first ??= $"batch {_batch}, trial {_trial}: {operation} of key {k} gave version {seen}, {least} had been acknowledged";
    }
}
