using System.Diagnostics;
using Larder.Tests.Support;

namespace Larder.Tests.Filling;

public sealed class FillerTests
{
    private static readonly AsyncLocal<string?> Ambient = new();

    [Fact]
    public async Task A_thousand_callers_run_the_factory_once()
    {
        using var cache = new LarderCache();
        int calls = 0;
        var gate = new TaskCompletionSource<string>();
        Task<string>[] callers = [.. Enumerable.Range(0, 1000).Select(_ => cache.GetOrCreateAsync("k", _ =>
        {
            Interlocked.Increment(ref calls);
            return new ValueTask<string>(gate.Task);
        }).AsTask())];
        gate.SetResult("v");
        Assert.All(await Task.WhenAll(callers), v => Assert.Equal("v", v));
        Assert.Equal(1, calls);
    }

    [Fact]
    public async Task A_factory_may_be_of_any_shape_that_a_method_has()
    {
        using var cache = new LarderCache();
        static Task<string> Load(CancellationToken _) => Task.FromResult("task");
        static ValueTask<string> Value(CancellationToken _) => new("value");
        Assert.Equal("task", await cache.GetOrCreateAsync("1", Load));
        Assert.Equal("task", await cache.GetOrCreateAsync("2", token => Load(token)));
        Assert.Equal("task", await cache.GetOrCreateAsync("3", async token => await Load(token)));
        Assert.Equal("value", await cache.GetOrCreateAsync("4", Value));
        Assert.Equal("value", await cache.GetOrCreateAsync("5", token => Value(token)));
        Assert.Equal("state", await cache.GetOrCreateAsync("6", "state", static async (state, _) => { await Task.Yield(); return state; }));
        Assert.Equal(6, cache.Statistics.Entries);
    }

    [Fact]
    public async Task A_caller_that_missed_before_a_flight_landed_takes_what_it_stored()
    {
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(null, time);
        cache.Dispose();
        int calls = 0;
        Task<int>? other = null;
        ValueTask<int> Call() => cache.GetOrCreateAsync("k", _ => new ValueTask<int>(++calls));
        await cache.SetAsync("k", 0, new() { Ttl = TimeSpan.FromSeconds(1) });
        time.Advance(TimeSpan.FromSeconds(2));
        var told = new List<CacheEvent>();
        // What has expired is dropped between the look into memory and the flight: just then another caller comes and goes.
        using IDisposable _ = cache.Events.Subscribe(e =>
        {
            told.Add(e);
            if (e.Kind == CacheEventKind.Expire) other = Call().AsTask();
        });
        Assert.Equal(1, await Call());
        Assert.Equal(1, await other!);
        Assert.Equal(1, calls);
        Assert.Equal([CacheEventKind.Expire, CacheEventKind.Miss, CacheEventKind.Set, CacheEventKind.Hit], told.Select(e => e.Kind));
        Assert.Equal((1L, 1L), (cache.Statistics.Hits, cache.Statistics.Misses));
    }

    [Fact]
    public async Task The_leaders_cancellation_leaves_the_followers_unharmed()
    {
        using var cache = new LarderCache();
        using var leaving = new CancellationTokenSource();
        var gate = new TaskCompletionSource<string>();
        CancellationToken inFactory = default;
        Task<string> leader = cache.GetOrCreateAsync("k", token =>
        {
            inFactory = token;
            return new ValueTask<string>(gate.Task);
        }, null, leaving.Token).AsTask();
        Task<string> follower = cache.GetOrCreateAsync("k", _ => new ValueTask<string>("never")).AsTask();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leader);
        Assert.False(inFactory.IsCancellationRequested);
        gate.SetResult("v");
        Assert.Equal("v", await follower);
        Assert.Equal("v", cache.GetLocal<string>("k").Value);
    }

    [Fact]
    public async Task The_last_callers_leaving_cancels_the_factory_and_nobody_joins_it_any_more()
    {
        using var cache = new LarderCache();
        using var first = new CancellationTokenSource();
        using var second = new CancellationTokenSource();
        var gate = new TaskCompletionSource<string>();
        CancellationToken inFactory = default;
        Task<string> leader = cache.GetOrCreateAsync("k", token =>
        {
            inFactory = token;
            token.Register(() => throw new InvalidOperationException("must not reach the caller"));
            return new ValueTask<string>(gate.Task);
        }, null, first.Token).AsTask();
        Task<string> follower = cache.GetOrCreateAsync("k", _ => new ValueTask<string>("never"), null, second.Token).AsTask();
        await first.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leader);
        await second.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => follower);
        Assert.True(inFactory.IsCancellationRequested);
        Assert.Equal("new", await cache.GetOrCreateAsync("k", _ => new ValueTask<string>("new")));
        gate.SetResult("late");
    }

    [Fact]
    public async Task A_cancelled_caller_starts_nothing()
    {
        using var cache = new LarderCache();
        var cancelled = new CancellationToken(true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
            await cache.GetOrCreateAsync<string>("k", _ => throw new InvalidOperationException("ran"), null, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await cache.GetAsync<string>("k", cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await cache.SetAsync("k", "v", null, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await cache.RemoveAsync("k", cancelled));
    }

    [Fact]
    public async Task Exceptions_reach_every_waiter_and_are_not_kept()
    {
        using var cache = new LarderCache();
        var gate = new TaskCompletionSource<string>();
        Task<string>[] callers = [.. Enumerable.Range(0, 5).Select(_ => cache.GetOrCreateAsync("k", _ => new ValueTask<string>(gate.Task)).AsTask())];
        gate.SetException(new FormatException("broken"));
        foreach (Task<string> caller in callers) await Assert.ThrowsAsync<FormatException>(() => caller);
        Assert.Equal("v", await cache.GetOrCreateAsync("k", _ => new ValueTask<string>("v")));
        await Assert.ThrowsAsync<FormatException>(async () => await cache.GetOrCreateAsync<string>("sync", _ => throw new FormatException()));
    }

    [Fact]
    public async Task The_callers_ambient_state_flows_into_the_factory_and_not_back()
    {
        using var cache = new LarderCache();
        using var activity = new Activity("call").Start();
        Ambient.Value = "caller";
        string? seen = null;
        Activity? current = null;
        await cache.GetOrCreateAsync("k", async _ =>
        {
            await Task.Yield();
            (seen, current) = (Ambient.Value, Activity.Current);
            Ambient.Value = "factory";
            return "v";
        });
        Assert.Equal("caller", seen);
        Assert.Same(activity, current);
        Assert.Equal("caller", Ambient.Value);
    }

    [Fact]
    public async Task Calls_of_one_key_with_two_types_both_get_their_own()
    {
        using var cache = new LarderCache();
        var gate = new TaskCompletionSource<string>();
        Task<string> text = cache.GetOrCreateAsync("k", _ => new ValueTask<string>(gate.Task)).AsTask();
        Assert.Equal(7, await cache.GetOrCreateAsync("k", _ => new ValueTask<int>(7)));
        gate.SetResult("seven");
        Assert.Equal("seven", await text);
        Assert.Equal("seven", cache.GetLocal<string>("k").Value);
        Assert.Equal(Reason.MissIncompatible, cache.GetLocal<int>("k").Reason);
        Assert.Equal(8, await cache.GetOrCreateAsync("k", _ => new ValueTask<int>(8)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_factory_that_asks_for_its_own_key_throws_instead_of_waiting_for_itself(int depth)
    {
        using var cache = new LarderCache();
        async ValueTask<string> Ask(int level)
        {
            await Task.Yield();
            return await cache.GetOrCreateAsync("k" + level % depth, _ => Ask(level + 1));
        }
        var error = await Assert.ThrowsAsync<InvalidOperationException>(async () => await Ask(0));
        Assert.Contains("or for its own key", error.Message, StringComparison.Ordinal);
        Assert.Equal("v", await cache.GetOrCreateAsync("k0", _ => new ValueTask<string>("v")));
    }

    [Fact]
    public async Task A_factory_may_wait_for_another_callers_flight()
    {
        using var cache = new LarderCache();
        var gate = new TaskCompletionSource<string>();
        Task<string> inner = cache.GetOrCreateAsync("inner", _ => new ValueTask<string>(gate.Task)).AsTask();
        Task<string> outer = cache.GetOrCreateAsync("outer", token => cache.GetOrCreateAsync("inner", _ => new ValueTask<string>("never"), null, token)).AsTask();
        gate.SetResult("v");
        Assert.Equal(["v", "v"], await Task.WhenAll(inner, outer));
    }

    [Fact]
    public async Task Work_that_a_factory_leaves_behind_may_ask_for_the_key()
    {
        using var cache = new LarderCache();
        var landed = new TaskCompletionSource();
        Task<string>? left = null;
        await cache.GetOrCreateAsync("k", _ =>
        {
            left = Task.Run(async () =>
            {
                await landed.Task;
                await cache.RemoveAsync("k");
                return await cache.GetOrCreateAsync("k", _ => new ValueTask<string>("again"));
            });
            return new ValueTask<string>("first");
        });
        landed.SetResult();
        Assert.Equal("again", await left!);
    }

    [Fact]
    public async Task Mutable_results_are_never_shared_between_callers_of_a_flight()
    {
        using var cache = new LarderCache(new() { MaxEntryBytes = 100 });
        foreach (int size in new[] { 1, 1000 })
        {
            var gate = new TaskCompletionSource<List<int>>();
            int calls = 0;
            Task<List<int>>[] callers = [.. Enumerable.Range(0, 4).Select(_ => cache.GetOrCreateAsync("k" + size, _ =>
            {
                calls++;
                return new ValueTask<List<int>>(gate.Task);
            }).AsTask())];
            gate.SetResult([.. Enumerable.Range(0, size)]);
            List<int>[] results = await Task.WhenAll(callers);
            Assert.Equal(4, results.Distinct<object>(ReferenceEqualityComparer.Instance).Count());
            Assert.All(results, r => Assert.Equal(size, r.Count));
            Assert.Equal(1, calls);
        }
    }

    [Fact]
    public async Task A_result_that_cannot_be_copied_is_made_for_each_caller()
    {
        using var cache = new LarderCache();
        var gate = new TaskCompletionSource();
        async ValueTask<Action> Make(CancellationToken token)
        {
            await gate.Task;
            object own = new();
            return () => own.ToString();
        }
        Task<Action>[] callers = [.. Enumerable.Range(0, 3).Select(_ => cache.GetOrCreateAsync("k", Make).AsTask())];
        gate.SetResult();
        Assert.Equal(3, (await Task.WhenAll(callers)).Select(a => a.Target).Distinct().Count());
        Assert.False(cache.Exists("k"));
    }
}
