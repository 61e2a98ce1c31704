using System.Text.RegularExpressions;
using Larder.Tests.Support;

namespace Larder.Tests.Invalidations;

/// <summary>
/// Random events of every kind, hard and soft, against a dictionary that carries each out at once: the engine, which
/// finds out when somebody looks, must say the same, to the millisecond. A failure is told as the shortest failing
/// prefix of its seed.
/// </summary>
public sealed class InvalidationModelTests
{
    private static readonly string[] Tags = ["user", "user:1", "user:1:profile", "user:2", "List", "list:a"];
    private static readonly string[] Users = ["ann", "bob"];
    private static readonly string[] Names = NamesWithMarksOfTheirOwn(20);

    [Fact]
    [Trait("clause", "I-5"), Trait("clause", "I-7"), Trait("clause", "I-9"), Trait("clause", "I-10"), Trait("clause", "I-11")]
    [Trait("clause", "I-17"), Trait("clause", "I-22"), Trait("clause", "I-26"), Trait("clause", "I-27")]
    public async Task Lazy_events_do_what_immediate_ones_would()
    {
        const int Commands = 250;
        for (int seed = 0; seed < 300; seed++)
        {
            if (await new Run(seed).PlayAsync(Commands) is not { } failure) continue;
            for (int length = 1; length <= Commands; length++)
                if (await new Run(seed).PlayAsync(length) is { } shortest) Assert.Fail($"seed {seed}, {length} commands: {shortest}");
            Assert.Fail(failure);
        }
    }

    private sealed class Known(string name, string[] tags, string? user, long freshUntil, long staleFor)
    {
        public string Name => name;
        public string[] Tags => tags;
        public string? User => user;
        public long FreshUntil { get; set; } = freshUntil;
        public long StaleFor => staleFor;
        public long GoneAt => FreshUntil == long.MaxValue ? long.MaxValue : FreshUntil + staleFor;
    }

    private sealed class Run
    {
        private readonly Random _random;
        private readonly ManualTimeProvider _time = new();
        private readonly LarderCache _cache;
        private readonly MemoryStore _store;
        private readonly InvalidationIndex _index;
        private readonly Dictionary<string, Known> _model = [];
        private readonly List<(Known Made, long Stamp, bool Overtaken)> _fills = [];
        private readonly Queue<string> _trace = new();
        private long _events, _counted, _removed;

        public Run(int seed)
        {
            _random = new(seed);
            _cache = new(null, _time);
            _store = StoreIntegrity.StoreOf(_cache);
            _index = (InvalidationIndex)StoreIntegrity.Field(_cache, "_index");
        }

        private long Now => (long)_time.GetElapsedTime(0).TotalMilliseconds;

        public async Task<string?> PlayAsync(int commands)
        {
            for (int step = 0; step < commands; step++)
            {
                string name = Names[_random.Next(Names.Length)];
                int command = _random.Next(12);
                _trace.Enqueue($"{command} {name}");
                if (_trace.Count > 12) _trace.Dequeue();
                string? wrong = null;
                switch (command)
                {
                    case 0 or 1 or 2: Put(Make(name)); break;
                    case 3 or 4: wrong = Look(name); break;
                    case 5:
                        _time.Advance(TimeSpan.FromMilliseconds(_random.Next(1, _random.Next(3) == 0 ? 5000 : 300)));
                        break;
                    case 6: _fills.Add((Make(name), _cache.BeginFill().Ordinal, false)); break;
                    case 7 when _fills.Count > 0: wrong = Land(); break;
                    default: wrong = await InvalidateAsync(name); break;
                }
                if (wrong is not null) return $"{wrong}; last commands: {string.Join(", ", _trace)}";
            }
            foreach (string name in Names)
                if (Look(name) is { } wrong) return $"at the end: {wrong}; last commands: {string.Join(", ", _trace)}";
            InvalidationTotals totals = _cache.InvalidationHistory.Totals;
            if ((totals.Events, totals.Counted, totals.Removed) != (_events, _counted, _removed)) return $"{totals}, not {_events} events, {_counted} counted, {_removed} removed";
            _time.Advance(TimeSpan.FromSeconds(1));
            _time.Advance(TimeSpan.FromSeconds(1));
            StoreIntegrity.Check(_cache);
            _cache.Dispose();
            return _cache.Statistics.Entries == _model.Values.Count(k => k.GoneAt > Now) ? null : "something was not swept";
        }

        private Known Make(string name)
        {
            long freshUntil = _random.Next(4) == 0 ? long.MaxValue : Now + _random.Next(1, 6000);
            return new(name, [.. Tags.Where(_ => _random.Next(4) == 0)], _random.Next(3) == 0 ? Users[_random.Next(2)] : null, freshUntil, _random.Next(2) * _random.Next(1, 4000));
        }

        private void Put(Known made)
        {
            _store.Set(EntryOf(made));
            _model[made.Name] = made;
            Overtake(f => f.Name == made.Name);
        }

        private string? Land()
        {
            (Known made, long stamp, bool overtaken) = _fills[_random.Next(_fills.Count)];
            _fills.RemoveAll(f => ReferenceEquals(f.Made, made));
            Reason unstored = _store.TryAdd(EntryOf(made), stamp);
            if (!overtaken) _model[made.Name] = made;
            return unstored == (overtaken ? Reason.UnstoredOvertaken : Reason.None) ? null : $"fill of {made.Name}: {unstored}, overtaken {overtaken}";
        }

        private string? Look(string name)
        {
            _model.TryGetValue(name, out Known? known);
            if (known?.GoneAt <= Now) known = null;
            Entry? entry = _store.Find(name);
            if (entry is not null && (!_index.IsCurrent(entry) || entry.IsGone(Now))) entry = null;
            if (entry is null || known is null) return entry is null && known is null ? null : $"{name} is {(known is null ? "gone" : "there")} by the model only";
            if (known.FreshUntil > Now && _cache.GetTimeToLive(name) is null || known.FreshUntil <= Now && _cache.Exists(name)) return $"{name}: a reader sees it wrong";
            return (entry.FreshUntil, entry.GoneAt) == (known.FreshUntil, known.GoneAt) ? null : $"{name} is fresh until {entry.FreshUntil}, not {known.FreshUntil}";
        }

        private async Task<string?> InvalidateAsync(string name)
        {
            (Invalidation what, Func<Known, bool> covers) = Choose(name);
            bool soft = _random.Next(2) == 0, count = _random.Next(3) == 0;
            int ended = 0;
            foreach (Known known in _model.Values.Where(covers).ToArray())
            {
                if (known.GoneAt > Now && (!soft || known.FreshUntil > Now || known.StaleFor == 0)) ended++;
                if (soft && known.StaleFor > 0) known.FreshUntil = Math.Min(known.FreshUntil, Now);
                else _model.Remove(known.Name);
            }
            Overtake(covers);
            InvalidationResult result = await _cache.InvalidateAsync(soft ? what.Soft() : what, count: count);
            _events++;
            if (count) (_counted, _removed) = (_counted + 1, _removed + ended);
            _trace.Enqueue($"{(soft ? "soft " : "")}{what}");
            return result.Removed == (count ? ended : null) ? null : $"{what} ended {result.Removed}, not {ended}";
        }

        private (Invalidation What, Func<Known, bool> Covers) Choose(string name)
        {
            string tag = Tags[_random.Next(Tags.Length)], other = Tags[_random.Next(Tags.Length)], user = Users[_random.Next(2)];
            string part = name[.._random.Next(1, name.Length + 1)];
            return _random.Next(9) switch
            {
                0 => (Invalidation.Key(name), k => k.Name == name),
                1 => (Invalidation.Tag(tag), k => Carries(k, tag)),
                2 => (Invalidation.AnyTag(tag, other), k => Carries(k, tag) || Carries(k, other)),
                3 => (Invalidation.AllTags(tag, other), k => Carries(k, tag) && Carries(k, other)),
                4 => (Invalidation.Prefix(part), k => k.Name.StartsWith(part, StringComparison.Ordinal)),
                5 => (Invalidation.Glob(part + "?*"), k => k.Name.StartsWith(part, StringComparison.Ordinal) && k.Name.Length > part.Length),
                6 => (Invalidation.Regex("[0-4]$"), k => Regex.IsMatch(k.Name, "[0-4]$")),
                7 => (Invalidation.User(user), k => k.User == user),
                _ => (Invalidation.All, _ => true),
            };
        }

        private void Overtake(Func<Known, bool> covers)
        {
            for (int i = 0; i < _fills.Count; i++)
                if (covers(_fills[i].Made)) _fills[i] = _fills[i] with { Overtaken = true };
        }

        private static bool Carries(Known known, string tag) =>
            known.Tags.Any(t => t.Equals(tag, StringComparison.OrdinalIgnoreCase) || t.StartsWith(tag + ":", StringComparison.OrdinalIgnoreCase));

        private static DetailedEntry EntryOf(Known known) => new()
        {
            Key = known.Name, Value = known, Cost = 100, CreatedAt = 0, FreshUntil = known.FreshUntil, Hash = KeyComparer.Hash(known.Name),
            TagList = known.Tags, UserName = known.User, StaleWhileRevalidate = known.StaleFor,
        };
    }

    /// <summary>Keys that share a mark would have each other's fills refused: right, but not what the model says.</summary>
    private static string[] NamesWithMarksOfTheirOwn(int count)
    {
        var places = new HashSet<int>();
        return [.. Enumerable.Range(0, int.MaxValue).Select(i => "k" + i).Where(name => places.Add(KeyComparer.Hash(name) & HashPlaces.CountFor(0) - 1)).Take(count)];
    }
}
