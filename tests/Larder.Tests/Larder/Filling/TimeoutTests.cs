using Larder.Tests.Support;

namespace Larder.Tests.Filling;

public sealed class TimeoutTests : IDisposable
{
    private static readonly EntryOptions Options = new()
    {
        Ttl = Seconds(10), StaleIfError = Seconds(60), SoftTimeout = Seconds(1), HardTimeout = Seconds(5), RetryAfter = Seconds(2),
    };

    private readonly ManualTimeProvider _time = new();
    private readonly Origin _origin = new();
    private readonly LarderCache _cache;

    public TimeoutTests() => _cache = new(null, _time);

    public void Dispose() => _cache.Dispose();

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    private Task<LookupResult<string?>> Call(EntryOptions? options = null, CancellationToken cancellationToken = default) =>
        _cache.GetOrCreateResultAsync("k", _origin, static (origin, token) => origin.Ask(token), options ?? Options, cancellationToken).AsTask();

    private async Task Expire()
    {
        await Call();
        _time.Advance(Seconds(10));
    }

    [Fact]
    public async Task After_the_soft_timeout_the_caller_has_the_stale_value_and_the_result_is_stored_when_it_comes()
    {
        await Expire();
        TaskCompletionSource<string?> gate = _origin.Hangs();
        Task<LookupResult<string?>> leader = Call(), follower = Call();
        _time.Advance(Seconds(0.9));
        Assert.False(leader.IsCompleted || follower.IsCompleted);
        _time.Advance(Seconds(0.1));
        foreach (LookupResult<string?> stale in await Task.WhenAll(leader, follower)) Assert.Equal(("v1", Reason.Stale), (stale.Value, stale.Reason));
        Assert.Equal((2, 1), (_origin.Calls, _cache.FillsUnderWay));
        gate.SetResult("v2");
        await Eventually.True(() => _cache.FillsUnderWay == 0);
        Assert.Equal(("v2", Reason.HitMemory), ((await Call()).Value, (await Call()).Reason));
    }

    [Fact]
    public async Task Without_a_stale_value_the_soft_timeout_changes_nothing()
    {
        TaskCompletionSource<string?> gate = _origin.Hangs();
        Task<LookupResult<string?>> call = Call();
        _time.Advance(Seconds(4));
        Assert.False(call.IsCompleted);
        gate.SetResult("v1");
        Assert.Equal(("v1", Reason.MissCold), ((await call).Value, (await call).Reason));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_key_that_is_too_long_has_the_limits_of_any_other(bool hybrid)
    {
        string key = new('k', 1025);
        using var cache = new LarderCache(new() { DefaultEntry = new() { HardTimeout = Seconds(5) } }, _time);
        var never = new TaskCompletionSource<int>();
        CancellationToken seen = default;
        ValueTask<int> Make(CancellationToken token)
        {
            seen = token;
            return new(never.Task);
        }
        Task<int> call = hybrid ? new LarderHybridCache(cache).GetOrCreateAsync(key, Make).AsTask() : cache.GetOrCreateAsync(key, Make).AsTask();
        Assert.False(call.IsCompleted);
        _time.Advance(Seconds(5));
        await Assert.ThrowsAsync<TimeoutException>(() => call);
        Assert.True(seen.IsCancellationRequested);
        Assert.Equal((1L, 0), (cache.ReasonCounts["error-timeout"], cache.FillsUnderWay));
    }

    [Fact]
    public async Task After_the_hard_timeout_every_caller_has_an_error_that_says_so_and_the_flight_is_free()
    {
        CancellationToken inFactory = default;
        var gate = new TaskCompletionSource<string?>();
        _origin.Does = (_, token) =>
        {
            inFactory = token;
            return new(gate.Task);
        };
        Task<LookupResult<string?>> leader = Call();
        _time.Advance(Seconds(3));
        Task<LookupResult<string?>> follower = Call();
        _time.Advance(Seconds(1.9));
        Assert.False(leader.IsCompleted || inFactory.IsCancellationRequested);
        _time.Advance(Seconds(0.1));
        foreach (Task<LookupResult<string?>> call in new[] { leader, follower })
        {
            var error = await Assert.ThrowsAsync<TimeoutException>(() => call);
            Assert.Contains("did not return within 00:00:05 (HardTimeout)", error.Message, StringComparison.Ordinal);
        }
        Assert.Equal((true, 0, 2L), (inFactory.IsCancellationRequested, _cache.FillsUnderWay, _cache.ReasonCounts["error-timeout"]));
        // The factory ignores its token: nobody waits for it any more, and what it makes late is not used.
        _origin.Heals();
        Assert.Equal("v2", (await Call()).Value);
        gate.SetResult("late");
        Assert.Equal(("v2", Reason.HitMemory), ((await Call()).Value, (await Call()).Reason));
    }

    [Fact]
    public async Task After_the_hard_timeout_a_stale_value_stands_in_and_the_next_run_waits_for_the_retry()
    {
        await Expire();
        _origin.Hangs();
        EntryOptions options = Options with { SoftTimeout = null };
        Task<LookupResult<string?>> call = Call(options);
        _time.Advance(Seconds(5));
        Assert.Equal(("v1", Reason.StaleError), ((await call).Value, (await call).Reason));
        Assert.Equal(Reason.StaleError, (await Call(options)).Reason);
        Assert.Equal(2, _origin.Calls);
        _time.Advance(Seconds(2));
        _origin.Heals();
        Assert.Equal("v3", (await Call(options)).Value);
    }

    [Fact]
    public async Task A_follower_keeps_its_own_hard_timeout_and_harms_nobody()
    {
        TaskCompletionSource<string?> gate = _origin.Hangs();
        Task<LookupResult<string?>> leader = Call(new());
        Task<LookupResult<string?>> follower = Call(new() { HardTimeout = Seconds(1) });
        _time.Advance(Seconds(1));
        await Assert.ThrowsAsync<TimeoutException>(() => follower);
        Assert.False(leader.IsCompleted);
        gate.SetResult("v1");
        Assert.Equal("v1", (await leader).Value);
    }

    [Fact]
    public async Task Whoever_takes_the_stale_value_leaves_a_run_without_a_limit_to_the_others()
    {
        await Expire();
        var gate = new TaskCompletionSource<string?>();
        CancellationToken inFactory = default;
        _origin.Does = (_, token) =>
        {
            inFactory = token;
            return new(gate.Task);
        };
        using var leaving = new CancellationTokenSource();
        Task<LookupResult<string?>> leader = Call(new(), leaving.Token);
        Task<LookupResult<string?>> follower = Call(Options);
        _time.Advance(Seconds(1));
        Assert.Equal(Reason.Stale, (await follower).Reason);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leader);
        Assert.Equal((true, 0), (inFactory.IsCancellationRequested, _cache.FillsUnderWay));
    }

    [Fact]
    public async Task A_run_that_some_left_with_a_stale_value_goes_on_when_the_others_give_up()
    {
        await Expire();
        TaskCompletionSource<string?> gate = _origin.Hangs();
        using var leaving = new CancellationTokenSource();
        Task<LookupResult<string?>> leader = Call();
        Task<LookupResult<string?>> follower = Call(Options with { SoftTimeout = null }, leaving.Token);
        _time.Advance(Seconds(1));
        Assert.Equal(Reason.Stale, (await leader).Reason);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => follower);
        gate.SetResult("v2");
        await Eventually.True(() => _cache.FillsUnderWay == 0);
        Assert.Equal("v2", (await Call()).Value);
    }

    [Fact]
    public async Task A_soft_timeout_alone_brings_no_limit_as_long_as_somebody_waits()
    {
        EntryOptions options = new() { SoftTimeout = Seconds(60) };
        TaskCompletionSource<string?> gate = _origin.Hangs();
        Task<LookupResult<string?>> call = Call(options);
        _time.Advance(Seconds(59));
        _time.Advance(Seconds(59));
        gate.SetResult("v1");
        Assert.Equal("v1", (await call).Value);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_run_whose_last_caller_took_the_stale_value_has_thirty_seconds_from_then_on(bool batch)
    {
        EntryOptions options = Options with { HardTimeout = null, Ttl = Seconds(10), StaleIfError = Seconds(1000) };
        await Call(options);
        _time.Advance(Seconds(10));
        int timers = _time.Timers;
        CancellationToken inFactory = default;
        var gate = new TaskCompletionSource<string?>();
        _origin.Does = (_, token) =>
        {
            inFactory = token;
            return new(gate.Task);
        };
        Task first = batch ? Many() : Call(options);
        _time.Advance(Seconds(0.5));
        Task second = Call(options);
        _time.Advance(Seconds(0.5));
        await first;
        _time.Advance(Seconds(0.5));
        await second;
        _time.Advance(Seconds(29.9));
        Assert.Equal((1, false), (_cache.FillsUnderWay, inFactory.IsCancellationRequested));
        _time.Advance(Seconds(0.1));
        Assert.Equal((0, true, timers), (_cache.FillsUnderWay, inFactory.IsCancellationRequested, _time.Timers));
        gate.SetResult("late");
        Assert.Equal("v1", (await _cache.GetAsync<string?>("k", allowStale: true)).Value);

        async Task Many() => await _cache.GetOrCreateManyAsync<string?>(["k"], async (_, token) => new Dictionary<string, string?> { ["k"] = await _origin.Ask(token) }, options);
    }

    [Fact]
    public async Task A_factory_that_honours_its_token_ends_with_the_timeout_too()
    {
        _origin.Does = async (_, token) =>
        {
            await Task.Delay(Timeout.Infinite, token);
            return null;
        };
        Task<LookupResult<string?>> call = Call();
        _time.Advance(Seconds(5));
        await Assert.ThrowsAsync<TimeoutException>(() => call);
    }

    [Fact]
    public async Task Limits_that_are_not_reached_leave_no_timer()
    {
        int before = _time.Timers;
        for (int i = 0; i < 10; i++)
        {
            await Call();
            await _cache.RemoveAsync("k");
        }
        Assert.Equal(before, _time.Timers);
    }
}
