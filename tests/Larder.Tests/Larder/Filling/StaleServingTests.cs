using System.Diagnostics;
using Larder.Tests.Support;

namespace Larder.Tests.Filling;

public sealed class StaleServingTests : IDisposable
{
    private static readonly AsyncLocal<string?> Ambient = new();

    /// <summary>Fresh for 10 s, stale for 20 s more while it is refreshed, for 30 s if the origin fails.</summary>
    private static readonly EntryOptions Options = new()
    {
        Ttl = Seconds(10),
        StaleWhileRevalidate = Seconds(20),
        StaleIfError = Seconds(30),
        RetryAfter = Seconds(5),
        Tags = ["tag"],
        User = "ann",
    };

    private readonly ManualTimeProvider _time = new();
    private readonly Origin _origin = new();
    private readonly LarderCache _cache;

    public StaleServingTests() => _cache = new(null, _time);

    public void Dispose() => _cache.Dispose();

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    private ValueTask<LookupResult<string?>> Call(EntryOptions? options = null, CancellationToken cancellationToken = default) =>
        _cache.GetOrCreateResultAsync("k", _origin, static (origin, token) => origin.Ask(token), options ?? Options, cancellationToken);

    private async Task Expect(string value, Reason reason, EntryOptions? options = null)
    {
        LookupResult<string?> result = await Call(options);
        Assert.Equal((value, reason), (result.Value, result.Reason));
    }

    private Task Idle() => Eventually.True(() => _cache.FillsUnderWay == 0);

    [Fact]
    public async Task Within_the_window_the_stale_value_comes_at_once_and_one_refresh_runs()
    {
        await Expect("v1", Reason.MissCold);
        TaskCompletionSource<string?> gate = _origin.Hangs();
        _time.Advance(Seconds(10));
        for (int i = 0; i < 100; i++)
        {
            LookupResult<string?> stale = await Call();
            Assert.Equal(("v1", Reason.Stale, true, ValueSource.Memory), (stale.Value, stale.Reason, stale.IsStale, stale.Source));
            Assert.Equal((Seconds(10), TimeSpan.Zero), (stale.Age, stale.Remaining));
        }
        await Eventually.True(() => _origin.Calls == 2);
        gate.SetResult("v2");
        await Idle();
        await Expect("v2", Reason.HitMemory);
        Assert.Equal((2, 1), (_origin.Calls, _cache.Statistics.Entries));
    }

    [Theory]
    [InlineData(9.9, Reason.HitMemory)]
    [InlineData(10, Reason.Stale)]
    [InlineData(29.9, Reason.Stale)]
    [InlineData(30, Reason.MissExpired)]
    [InlineData(39.9, Reason.MissExpired)]
    [InlineData(40, Reason.MissExpired)]
    public async Task The_timeline_is_exact_while_the_origin_answers(double at, Reason reason)
    {
        await Call();
        _time.Advance(Seconds(at));
        Assert.Equal(reason, (await Call()).Reason);
    }

    [Theory]
    [InlineData(29.9, Reason.Stale)]
    [InlineData(30, Reason.StaleError)]
    [InlineData(39.9, Reason.StaleError)]
    [InlineData(40, null)]
    public async Task The_timeline_is_exact_while_the_origin_fails(double at, Reason? reason)
    {
        await Call();
        _origin.Breaks();
        _time.Advance(Seconds(at));
        if (reason is null) await Assert.ThrowsAsync<FormatException>(async () => await Call());
        else await Expect("v1", reason.Value);
    }

    [Fact]
    public async Task A_stale_value_waits_in_memory_for_its_windows_and_not_longer()
    {
        await Call();
        _time.Advance(Seconds(39));
        Assert.Equal((1, 0), (_cache.Statistics.Entries, _cache.Statistics.ExpiredEntries));
        Assert.Equal(0, _cache.RemoveExpired());
        _time.Advance(Seconds(1));
        Assert.Equal((0, 1L), (_cache.Statistics.Entries, _cache.Statistics.Expirations));
    }

    [Fact]
    public async Task Refreshes_that_fail_are_throttled_and_keep_the_stale_value_until_its_window_ends()
    {
        var log = new RecordingLogger<LarderCache>();
        using var cache = new LarderCache(null, _time, log);
        async Task<string?> Ask() => (await cache.GetOrCreateResultAsync("secret-key", _origin, static (o, token) => o.Ask(token), Options)).Value;
        await Ask();
        _origin.Breaks();
        _time.Advance(Seconds(10));
        for (int second = 10; second < 40; second++)
        {
            Assert.Equal("v1", await Ask());
            await Eventually.True(() => cache.FillsUnderWay == 0);
            _time.Advance(Seconds(1));
        }
        await Assert.ThrowsAsync<FormatException>(Ask);
        // One call to fill, one every five seconds, one when it was gone.
        Assert.Equal(1 + 6 + 1, _origin.Calls);
        Assert.Equal(6, log.Lines.Count(line => line.Id == 40));
        Assert.DoesNotContain(log.Lines, line => line.Text.Contains("secret-key", StringComparison.Ordinal));
    }

    [Fact]
    public async Task After_a_failure_callers_get_the_stale_value_without_a_run_until_the_retry()
    {
        EntryOptions options = Options with { StaleWhileRevalidate = null };
        await Call(options);
        _origin.Breaks();
        _time.Advance(Seconds(10));
        await Expect("v1", Reason.StaleError, options);
        Assert.Equal(2, _origin.Calls);
        for (int i = 0; i < 1000; i++) await Expect("v1", Reason.StaleError, options);
        Assert.Equal(2, _origin.Calls);
        _time.Advance(Seconds(5));
        _origin.Heals();
        await Expect("v3", Reason.MissExpired, options);
        await Expect("v3", Reason.HitMemory, options);
    }

    [Theory]
    [InlineData("key")]
    [InlineData("tag")]
    [InlineData("glob")]
    [InlineData("user")]
    [InlineData("all")]
    [InlineData("remove")]
    public async Task An_invalidation_ends_stale_values_too(string kind)
    {
        await Call();
        _time.Advance(Seconds(15));
        _origin.Breaks();
        if (kind == "remove") Assert.True(await _cache.RemoveAsync("k"));
        else await _cache.InvalidateAsync(kind switch
        {
            "key" => Invalidation.Key("k"),
            "tag" => Invalidation.Tag("tag"),
            "glob" => Invalidation.Glob("k*"),
            "user" => Invalidation.User("ann"),
            _ => Invalidation.All,
        });
        await Assert.ThrowsAsync<FormatException>(async () => await Call());
        Assert.Equal(Reason.MissInvalidated, (await _cache.GetAsync<string>("k", allowStale: true)).Reason);
    }

    [Fact]
    public async Task An_invalidation_during_a_fill_leaves_nothing_that_stands_in()
    {
        await Call();
        TaskCompletionSource<string?> gate = _origin.Hangs();
        _time.Advance(Seconds(35));
        Task<LookupResult<string?>> waiting = Call().AsTask();
        await _cache.InvalidateAsync(Invalidation.Tag("tag"));
        gate.SetException(new FormatException());
        await Assert.ThrowsAsync<FormatException>(() => waiting);
    }

    [Fact]
    public async Task A_refresh_that_an_invalidation_overtakes_is_not_stored()
    {
        await Call();
        TaskCompletionSource<string?> gate = _origin.Hangs();
        _time.Advance(Seconds(15));
        await Expect("v1", Reason.Stale);
        await Eventually.True(() => _origin.Calls == 2);
        await _cache.InvalidateAsync(Invalidation.Tag("tag"));
        gate.SetResult("old");
        await Idle();
        Assert.False((await _cache.GetAsync<string>("k", allowStale: true)).Found);
        _origin.Heals();
        await Expect("v3", Reason.MissInvalidated);
    }

    [Fact]
    public async Task A_value_set_during_a_refresh_stays()
    {
        await Call();
        TaskCompletionSource<string?> gate = _origin.Hangs();
        _time.Advance(Seconds(15));
        await Call();
        await Eventually.True(() => _origin.Calls == 2);
        await _cache.SetAsync("k", "set");
        gate.SetResult("old");
        await Idle();
        await Expect("set", Reason.HitMemory);
    }

    [Fact]
    public async Task The_refresh_runs_in_its_callers_context_but_not_under_its_cancellation()
    {
        await Call();
        var seen = new TaskCompletionSource<(string?, Activity?, bool)>();
        using var leaving = new CancellationTokenSource();
        var left = new TaskCompletionSource();
        using Activity activity = new Activity("call").Start();
        Ambient.Value = "caller";
        _origin.Does = async (_, token) =>
        {
            await left.Task;
            seen.SetResult((Ambient.Value, Activity.Current, token.IsCancellationRequested));
            return "v2";
        };
        _time.Advance(Seconds(10));
        Assert.Equal("v1", (await Call(null, leaving.Token)).Value);
        await leaving.CancelAsync();
        left.SetResult();
        Assert.Equal(("caller", activity, false), await seen.Task);
        await Idle();
        await Expect("v2", Reason.HitMemory);
    }

    [Fact]
    public async Task A_refresh_that_hangs_is_given_up_after_its_limit_and_its_late_result_is_not_used()
    {
        await Call();
        CancellationToken inFactory = default;
        var gate = new TaskCompletionSource<string?>();
        _origin.Does = (_, token) =>
        {
            inFactory = token;
            return new(gate.Task);
        };
        _time.Advance(Seconds(10));
        await Call();
        await Eventually.True(() => _origin.Calls == 2);
        // No hard timeout is given: thirty seconds then, here after the windows are over.
        _time.Advance(Seconds(29.9));
        Assert.Equal((1, false), (_cache.FillsUnderWay, inFactory.IsCancellationRequested));
        _time.Advance(Seconds(0.2));
        Assert.Equal((0, true), (_cache.FillsUnderWay, inFactory.IsCancellationRequested));
        _origin.Heals();
        await Expect("v3", Reason.MissExpired);
        gate.SetResult("late");
        await Expect("v3", Reason.HitMemory);
    }

    [Fact]
    public async Task A_caller_after_the_window_waits_for_the_refresh_that_is_under_way()
    {
        await Call();
        TaskCompletionSource<string?> gate = _origin.Hangs();
        _time.Advance(Seconds(29));
        await Call();
        await Eventually.True(() => _origin.Calls == 2);
        _time.Advance(Seconds(1));
        Task<LookupResult<string?>> waiting = Call().AsTask();
        gate.SetResult("v2");
        Assert.Equal(("v2", Reason.Coalesced, ValueSource.Factory), ((await waiting).Value, (await waiting).Reason, (await waiting).Source));
    }

    [Fact]
    public async Task An_eager_refresh_keeps_hits_hits()
    {
        EntryOptions options = new() { Ttl = Seconds(10), EagerRefresh = 0.8 };
        await Expect("v1", Reason.MissCold, options);
        _time.Advance(Seconds(7.9));
        await Expect("v1", Reason.HitMemory, options);
        Assert.Equal((1, 0), (_origin.Calls, _cache.FillsUnderWay));
        TaskCompletionSource<string?> gate = _origin.Hangs();
        _time.Advance(Seconds(0.1));
        for (int i = 0; i < 10; i++)
        {
            LookupResult<string?> hit = await Call(options);
            Assert.Equal(("v1", Reason.HitMemory, Seconds(2)), (hit.Value, hit.Reason, hit.Remaining));
        }
        Assert.Equal((Reason.HitMemory, Seconds(2)), (_cache.GetLocal<string>("k").Reason, _cache.GetTimeToLive("k")));
        await Eventually.True(() => _origin.Calls == 2);
        gate.SetResult("v2");
        await Idle();
        Assert.Equal(Seconds(10), _cache.GetTimeToLive("k"));
        _time.Advance(Seconds(7));
        await Expect("v2", Reason.HitMemory, options);
    }

    [Fact]
    public async Task An_eager_refresh_that_fails_costs_nothing_and_is_not_repeated_at_once()
    {
        EntryOptions options = new() { Ttl = Seconds(100), EagerRefresh = 0.5, RetryAfter = Seconds(10) };
        await Call(options);
        _origin.Breaks();
        _time.Advance(Seconds(50));
        for (int i = 0; i < 10; i++)
        {
            await Expect("v1", Reason.HitMemory, options);
            await Idle();
        }
        Assert.Equal(2, _origin.Calls);
        _time.Advance(Seconds(50));
        await Assert.ThrowsAsync<FormatException>(async () => await Call(options));
    }

    [Fact]
    public async Task A_softly_ended_freshness_starts_the_windows_then_in_an_eager_refresh_too()
    {
        foreach (double? eager in new double?[] { null, 0.5 })
        {
            await _cache.SetAsync("k", "set", Options with { EagerRefresh = eager });
            _time.Advance(Seconds(8));
            Entry entry = StoreIntegrity.StoreOf(_cache).Find("k")!;
            entry.EndFreshness(8000 + (eager is null ? 0 : 28_000));
            Assert.False(_cache.Exists("k"));
            _origin.Hangs();
            _time.Advance(Seconds(19.9));
            await Expect("set", Reason.Stale);
            _time.Advance(Seconds(0.1));
            await _cache.RemoveAsync("k");
        }
    }

    [Fact]
    public async Task Jitter_shortens_lifetimes_by_chance_and_never_lengthens_them()
    {
        double chance = 0;
        using var cache = new LarderCache(new() { Chance = () => chance }, _time);
        EntryOptions options = new() { Ttl = Seconds(100), Jitter = 0.2 };
        foreach ((double drawn, double seconds) in new[] { (0, 100), (0.5, 90), (0.999_999, 80) })
        {
            chance = drawn;
            await cache.SetAsync("k", 1, options);
            Assert.Equal(seconds, cache.GetTimeToLive("k")!.Value.TotalSeconds, 2);
        }
        await cache.SetAsync("k", 1, options with { Ttl = TimeSpan.MaxValue });
        Assert.Equal(TimeSpan.MaxValue, cache.GetTimeToLive("k"));
        using var real = new LarderCache(new() { MaxEntries = 1000 }, _time);
        for (int i = 0; i < 100; i++) await real.SetAsync("k" + i, 1, options);
        TimeSpan[] lives = [.. Enumerable.Range(0, 100).Select(i => real.GetTimeToLive("k" + i)!.Value)];
        Assert.All(lives, life => Assert.InRange(life, Seconds(80), Seconds(100)));
        Assert.True(lives.Distinct().Count() > 10);
    }

    [Fact]
    public async Task The_template_holds_where_an_entry_says_nothing_and_never_for_faces_with_rules_of_their_own()
    {
        using var cache = new LarderCache(new() { DefaultTtl = Seconds(10), DefaultEntry = new() { StaleIfError = Seconds(30), EagerRefresh = 0.5 } }, _time);
        await cache.SetAsync("template", "v");
        await cache.SetAsync("own", "v", new() { StaleIfError = Seconds(5) });
        cache.Store("face", "v", new(), cache.BeginFill());
        _time.Advance(Seconds(6));
        Assert.Equal(Reason.HitMemory, Find(cache, "face"));
        _time.Advance(Seconds(10));
        Assert.True((await cache.GetAsync<string>("template", allowStale: true)).Found);
        Assert.False((await cache.GetAsync<string>("own", allowStale: true)).Found);
        Assert.False((await cache.GetAsync<string>("face", allowStale: true)).Found);

        static Reason Find(LarderCache cache, string key)
        {
            cache.FindKept<string>(key, out Reason reason, out _);
            return reason;
        }
    }
}
