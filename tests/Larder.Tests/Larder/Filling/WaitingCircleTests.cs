using Larder.Tests.Support;

namespace Larder.Tests.Filling;

/// <summary>Factories that wait for each other learn of it; those that merely wait for others do not.</summary>
public sealed class WaitingCircleTests : IDisposable
{
    private readonly LarderCache _cache = new();

    public void Dispose() => _cache.Dispose();

    private Task<string> Lead(string key, Func<ValueTask<string>> make, EntryOptions? options = null) =>
        _cache.GetOrCreateAsync(key, _ => make(), options).AsTask();

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public async Task Callers_whose_factories_cross_get_an_error_instead_of_waiting_for_ever(int callers)
    {
        // Each factory waits until all run, then asks for the key of the next one.
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int running = 0;
        Task<string>[] calls = [.. Enumerable.Range(0, callers).Select(i => Lead("k" + i, async () =>
        {
            if (Interlocked.Increment(ref running) == callers) all.SetResult();
            await all.Task;
            return await Lead("k" + (i + 1) % callers, () => new("never"));
        }))];
        foreach (Task<string> call in calls)
        {
            var error = await Assert.ThrowsAsync<InvalidOperationException>(() => call);
            Assert.Contains("wait for each other", error.Message, StringComparison.Ordinal);
        }
        Assert.Equal(0, _cache.FillsUnderWay);
        Assert.Equal("v", await Lead("k0", () => new("v")));
    }

    [Fact]
    public async Task Crossing_through_several_caches_is_found_too()
    {
        using var other = new LarderCache();
        var both = new Barrier(2);
        Task<string> here = Task.Run(() => Lead("a", async () =>
        {
            both.SignalAndWait();
            return await other.GetOrCreateAsync("b", _ => new ValueTask<string>("never"));
        }));
        Task<string> there = Task.Run(() => other.GetOrCreateAsync("b", async token =>
        {
            both.SignalAndWait(token);
            return await Lead("a", () => new("never"));
        }).AsTask());
        await Assert.ThrowsAsync<InvalidOperationException>(() => here);
        await Assert.ThrowsAsync<InvalidOperationException>(() => there);
    }

    [Fact]
    public async Task A_factory_that_waits_for_several_at_once_is_found_by_each()
    {
        var gate = new TaskCompletionSource();
        Task<string> slow = Lead("slow", async () =>
        {
            await gate.Task;
            return await Lead("a", () => new("never"));
        });
        Task<string> a = Lead("a", async () => string.Concat(await Task.WhenAll(Lead("x", () => new("x")), Lead("slow", () => new("never")), Lead("y", () => new("y")))));
        gate.SetResult();
        await Assert.ThrowsAsync<InvalidOperationException>(() => slow);
        await Assert.ThrowsAsync<InvalidOperationException>(() => a);
    }

    [Fact]
    public async Task Waiting_that_has_ended_is_forgotten()
    {
        var inA = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        // The factory of a has waited for b and is still running when b is made anew by a factory that waits for a.
        Task<string> a = Lead("a", async () =>
        {
            string b = await Lead("b", () => new("b1"));
            inA.SetResult();
            await go.Task;
            return "a of " + b;
        });
        await inA.Task;
        await _cache.RemoveAsync("b");
        Task<string> second = Lead("b", async () => "b of " + await Lead("a", () => new("never")));
        go.SetResult();
        Assert.Equal(["a of b1", "b of a of b1"], [await a, await second]);
    }

    [Fact]
    public async Task A_caller_that_gives_up_waits_no_more()
    {
        var inA = new TaskCompletionSource();
        using var leaving = new CancellationTokenSource();
        var gate = new TaskCompletionSource<string>();
        Task<string> b = Lead("b", () => new(gate.Task));
        Task<string> a = Lead("a", async () =>
        {
            try
            {
                return await _cache.GetOrCreateAsync("b", _ => new ValueTask<string>("never"), null, leaving.Token);
            }
            catch (OperationCanceledException)
            {
                inA.SetResult();
                await gate.Task;
                return "alone";
            }
        });
        await leaving.CancelAsync();
        await inA.Task;
        await _cache.RemoveAsync("b");
        Task<string> second = Lead("b", async () => "b of " + await Lead("a", () => new("never")));
        gate.SetResult("b1");
        Assert.Equal(["b1", "alone", "b of alone"], [await b, await a, await second]);
    }

    [Fact]
    public async Task A_refresh_in_the_background_may_ask_for_what_its_caller_makes()
    {
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(null, time);
        EntryOptions options = new() { Ttl = TimeSpan.FromSeconds(1), StaleWhileRevalidate = TimeSpan.FromHours(1) };
        await cache.SetAsync("b", "old", options);
        time.Advance(TimeSpan.FromSeconds(2));
        var asked = new TaskCompletionSource();
        Task<string> refreshed = null!;
        // The factory of a takes b stale; the refresh of b waits for a, but a does not wait for it.
        string a = await cache.GetOrCreateAsync("a", async token =>
        {
            string stale = await cache.GetOrCreateAsync("b", async token =>
            {
                refreshed = cache.GetOrCreateAsync("a", _ => new ValueTask<string>("never"), null, token).AsTask();
                asked.SetResult();
                return "new, " + await refreshed;
            }, options, token);
            await asked.Task;
            return "a of " + stale;
        });
        Assert.Equal("a of old", a);
        await Eventually.True(() => cache.FillsUnderWay == 0);
        Assert.Equal("new, a of old", await cache.GetOrCreateAsync("b", _ => new ValueTask<string>("never"), options));
    }

    [Fact]
    public async Task Diamonds_are_no_circles()
    {
        Task<string> D() => Lead("d", async () =>
        {
            await Task.Yield();
            return "d";
        });
        Task<string> b = Lead("b", async () => "b" + await D()), c = Lead("c", async () => "c" + await D());
        Task<string> a = Lead("a", async () => string.Concat(await Task.WhenAll(Lead("b", () => new("never")), Lead("c", () => new("never")), D())));
        Assert.Equal("bdcdd", await a);
        Assert.Equal(["bd", "cd"], [await b, await c]);
    }
}
