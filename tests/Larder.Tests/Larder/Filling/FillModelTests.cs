using Larder.Tests.Support;

namespace Larder.Tests.Filling;

/// <summary>
/// Random calls with random windows, timeouts and factories that fail, hang or make what is not wanted, against a naive
/// model of the timeline; a failure is told with its seed and its last commands.
/// </summary>
public sealed class FillModelTests
{
    private const int Seeds = 400;
    private const int Commands = 120;

    [Fact]
    public async Task Calls_end_as_the_timeline_says()
    {
        for (int seed = 0; seed < Seeds; seed++)
            if (await new Game(seed, Fault.None).Play() is { } wrong) Assert.Fail($"seed {seed}: {wrong}");
    }

    /// <summary>Ways to get the timeline wrong: the game that finds no difference from these would find none from the cache's own.</summary>
    public enum Fault
    {
        None,
        NoRevalidateWindow,
        NoErrorWindow,
        NoRetryDelay,
        NoEagerRefresh,
        FailuresForgotten,
        StaleSurvivesInvalidation,
        ConditionIgnored,
        NullKeepsOlder,
    }

    [Theory]
    [InlineData(Fault.NoRevalidateWindow)]
    [InlineData(Fault.NoErrorWindow)]
    [InlineData(Fault.NoRetryDelay)]
    [InlineData(Fault.NoEagerRefresh)]
    [InlineData(Fault.FailuresForgotten)]
    [InlineData(Fault.StaleSurvivesInvalidation)]
    [InlineData(Fault.ConditionIgnored)]
    [InlineData(Fault.NullKeepsOlder)]
    public async Task A_model_that_is_wrong_is_found_out(Fault fault)
    {
        for (int seed = 0; seed < Seeds; seed++)
            if (await new Game(seed, fault).Play() is not null) return;
        Assert.Fail("the game is blind");
    }

    private sealed class GameIsStuck : Exception;

    private enum Behaviour
    {
        Answers,
        AnswersNull,
        AnswersBad,
        Throws,
        Hangs,
        IsSlow,
    }

    /// <summary>What the model knows of a key: a value with its timeline, or a failure that is remembered.</summary>
    private sealed record Known(string? Value, long Due, long Fresh, long Revalidate, long Gone, bool IsFailure = false)
    {
        public long RetryAt { get; set; }
    }

    private sealed class Game(int seed, Fault fault)
    {
        private readonly Random _random = new(seed);
        private readonly ManualTimeProvider _time = new();
        private readonly Dictionary<string, Known> _model = [];
        private readonly Queue<string> _trace = [];
        private int _calls;
        private int _expectedCalls;

        private long Now => (long)_time.GetElapsedTime(0).TotalMilliseconds;

        private TimeSpan? Maybe(int most) => _random.Next(2) == 0 ? null : TimeSpan.FromMilliseconds(_random.Next(1, most));

        public async Task<string?> Play()
        {
            using var cache = new LarderCache(null, _time);
            for (int step = 0; step < Commands; step++)
            {
                string key = "k" + _random.Next(3);
                int command = _random.Next(12);
                string? wrong;
                try
                {
                    wrong = command switch
                    {
                        0 => await Set(cache, key, $"set{step}"),
                        1 => await Invalidate(cache, key),
                        2 => await Get(cache, key),
                        3 or 4 => Advance(),
                        _ => await GetOrCreate(cache, key),
                    };
                }
                catch (GameIsStuck)
                {
                    wrong = "what was expected never happened";
                }
                if (cache.Exists(key) != (_model.TryGetValue(key, out Known? known) && !known.IsFailure && Now < known.Fresh)) wrong ??= "exists";
                if (_calls != _expectedCalls) wrong ??= $"{_calls} runs of the factory, not {_expectedCalls}";
                if (wrong is not null) return $"{wrong} at {Now}; last commands: {string.Join("; ", _trace)}";
            }
            StoreIntegrity.Check(cache);
            return null;
        }

        private void Note(string command)
        {
            _trace.Enqueue($"{Now}: {command}");
            if (_trace.Count > 10) _trace.Dequeue();
        }

        private EntryOptions Options() => new()
        {
            Ttl = TimeSpan.FromMilliseconds(_random.Next(1, 4000)),
            StaleWhileRevalidate = Maybe(4000),
            StaleIfError = Maybe(8000),
            EagerRefresh = _random.Next(3) == 0 ? 0.5 : null,
            RetryAfter = Maybe(2000),
            FailureTtl = Maybe(2000),
            SoftTimeout = _random.Next(2) == 0 ? TimeSpan.FromMilliseconds(50) : null,
            HardTimeout = TimeSpan.FromMilliseconds(200),
            StoreWhen = static value => value is not "bad",
        };

        private Known Stored(string? value, EntryOptions options)
        {
            long ttl = (long)options.Ttl!.Value.TotalMilliseconds, fresh = Now + ttl;
            long revalidate = fresh + (fault == Fault.NoRevalidateWindow ? 0 : (long)(options.StaleWhileRevalidate?.TotalMilliseconds ?? 0));
            long error = fresh + (fault == Fault.NoErrorWindow ? 0 : (long)(options.StaleIfError?.TotalMilliseconds ?? 0));
            long due = options.EagerRefresh is { } share && fault != Fault.NoEagerRefresh ? Now + (long)(ttl * share) : fresh;
            return new(value, due, fresh, revalidate, Math.Max(revalidate, error));
        }

        private Known? Find(string key)
        {
            if (_model.TryGetValue(key, out Known? known) && Now >= known.Gone) _model.Remove(key);
            return _model.GetValueOrDefault(key);
        }

        private string? Advance()
        {
            _time.Advance(TimeSpan.FromMilliseconds(_random.Next(1, 3000)));
            Note("advanced");
            return null;
        }

        private async Task<string?> Set(LarderCache cache, string key, string value)
        {
            EntryOptions options = Options();
            Note($"set {key} {options}");
            await cache.SetAsync(key, value, options);
            _model[key] = Stored(value, options);
            return null;
        }

        private async Task<string?> Invalidate(LarderCache cache, string key)
        {
            bool all = _random.Next(2) == 0;
            Note(all ? "invalidate all" : "invalidate " + key);
            await cache.InvalidateAsync(all ? Invalidation.All : Invalidation.Key(key));
            foreach (string covered in all ? [.. _model.Keys] : new[] { key })
                if (fault != Fault.StaleSurvivesInvalidation || Find(covered) is not { } known || Now < known.Fresh) _model.Remove(covered);
            return null;
        }

        private async Task<string?> Get(LarderCache cache, string key)
        {
            bool allowStale = _random.Next(2) == 0;
            Note($"get {key} {allowStale}");
            LookupResult<string?> found = await cache.GetAsync<string?>(key, allowStale);
            Known? known = Find(key) is { IsFailure: false } value && (allowStale || Now < value.Fresh) ? value : null;
            return found.Found == (known is not null) && found.Value == known?.Value && found.IsStale == (known is not null && Now >= known.Fresh) ? null : $"get gave {found}";
        }

        private async Task<string?> GetOrCreate(LarderCache cache, string key)
        {
            EntryOptions options = Options();
            var behaviour = (Behaviour)_random.Next(6);
            string made = behaviour == Behaviour.AnswersBad ? "bad" : $"v{_expectedCalls}";
            Note($"get-or-create {key} {behaviour} {options}");
            // A factory that takes its time is told by the game when to end.
            var gate = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
            Known? known = Find(key);
            bool mayRetry = known is null || Now >= known.RetryAt;
            Task<LookupResult<string?>> call = cache.GetOrCreateResultAsync(key, _ =>
            {
                Interlocked.Increment(ref _calls);
                return behaviour switch
                {
                    Behaviour.Answers or Behaviour.AnswersBad => new(made),
                    Behaviour.AnswersNull => new((string?)null),
                    Behaviour.Throws => throw new FormatException(),
                    _ => new ValueTask<string?>(gate.Task),
                };
            }, options).AsTask();

            if (known is { IsFailure: true }) return await Throws(call);
            if (known is not null && (Now < known.Revalidate || !mayRetry))
            {
                Reason reason = Now < known.Fresh ? Reason.HitMemory : Now < known.Revalidate ? Reason.Stale : Reason.StaleError;
                string? wrong = await Gives(call, known.Value, reason);
                if (mayRetry && Now >= known.Due) await Refresh(cache, key, options, behaviour, made, gate);
                return wrong;
            }
            _expectedCalls++;
            return await Run(cache, key, options, behaviour, made, gate, call, known);
        }

        /// <summary>The run that the caller waits for.</summary>
        private async Task<string?> Run(
            LarderCache cache, string key, EntryOptions options, Behaviour behaviour, string made, TaskCompletionSource<string?> gate, Task<LookupResult<string?>> call, Known? known)
        {
            if (behaviour is Behaviour.Hangs or Behaviour.IsSlow && options.SoftTimeout is { } soft)
            {
                _time.Advance(soft);
                if (Find(key) is { } stale)
                {
                    string? early = await Gives(call, stale.Value, Reason.Stale);
                    await Land(cache, key, options, behaviour, made, gate, options.HardTimeout!.Value - soft);
                    return early;
                }
            }
            TimeSpan rest = options.HardTimeout!.Value - (options.SoftTimeout ?? TimeSpan.Zero);
            await Land(cache, key, options, behaviour, made, gate, rest);
            if (behaviour is Behaviour.Throws or Behaviour.Hangs) return Find(key) is { IsFailure: false } standIn ? await Gives(call, standIn.Value, Reason.StaleError) : await Throws(call);
            return await Gives(call, behaviour == Behaviour.AnswersNull ? null : made, null);
        }

        private async Task Refresh(LarderCache cache, string key, EntryOptions options, Behaviour behaviour, string made, TaskCompletionSource<string?> gate)
        {
            _expectedCalls++;
            await Happens(() => Volatile.Read(ref _calls) == _expectedCalls);
            await Land(cache, key, options, behaviour, made, gate, options.HardTimeout!.Value);
        }

        /// <summary>Lets a run end, in the cache and in the model.</summary>
        private async Task Land(LarderCache cache, string key, EntryOptions options, Behaviour behaviour, string made, TaskCompletionSource<string?> gate, TimeSpan untilLimit)
        {
            if (behaviour == Behaviour.Hangs) _time.Advance(untilLimit);
            if (behaviour == Behaviour.IsSlow) gate.SetResult(made);
            await Happens(() => cache.FillsUnderWay == 0);
            // Late, and not used.
            if (behaviour == Behaviour.Hangs) gate.SetResult("late");
            Known? known = Find(key);
            long retryAt = fault == Fault.NoRetryDelay ? 0 : Now + (long)(options.RetryAfter ?? TimeSpan.FromSeconds(2)).TotalMilliseconds;
            switch (behaviour)
            {
                case Behaviour.AnswersBad when fault != Fault.ConditionIgnored:
                    if (known is not null) known.RetryAt = retryAt;
                    break;
                case Behaviour.AnswersNull:
                    if (fault != Fault.NullKeepsOlder) _model.Remove(key);
                    break;
                case Behaviour.Throws or Behaviour.Hangs:
                    if (known is not null) known.RetryAt = retryAt;
                    else if (options.FailureTtl is { } failure && fault != Fault.FailuresForgotten) _model[key] = Failure(failure);
                    break;
                default:
                    _model[key] = Stored(made, options);
                    break;
            }
        }

        /// <summary>A model that is wrong may wait for what never comes.</summary>
        private async Task Happens(Func<bool> condition)
        {
            if (!await Eventually.Happens(condition, fault == Fault.None ? TimeSpan.FromMinutes(1) : TimeSpan.FromMilliseconds(300))) throw new GameIsStuck();
        }

        private Known Failure(TimeSpan ttl)
        {
            long until = Now + (long)ttl.TotalMilliseconds;
            return new(null, until, until, until, until, IsFailure: true);
        }

        private async Task<string?> Gives(Task<LookupResult<string?>> call, string? value, Reason? reason)
        {
            await Happens(() => call.IsCompleted);
            LookupResult<string?> result;
            try
            {
                result = await call;
            }
            catch (Exception e) when (e is FormatException or TimeoutException)
            {
                return $"threw {e.GetType().Name} instead of {value}";
            }
            bool agrees = result.Found && result.Value == value && (reason is null ? result.Reason.Outcome() == Outcome.Miss : result.Reason == reason);
            return agrees ? null : $"gave {result}, not {value} {reason}";
        }

        private async Task<string?> Throws(Task<LookupResult<string?>> call)
        {
            await Happens(() => call.IsCompleted);
            try
            {
                return $"gave {await call} instead of an exception";
            }
            catch (Exception e) when (e is FormatException or TimeoutException)
            {
                return null;
            }
        }
    }
}
