using Larder.Tests.Support;

namespace Larder.Tests.Filling;

/// <summary>Factories that wait for each other learn of it; those that only seem to, or merely wait for others, do not.</summary>
public sealed class WaitingCircleTests : IDisposable
{
    private readonly LarderCache _cache = new();

    public void Dispose() => _cache.Dispose();

    private Task<string> Lead(string key, Func<ValueTask<string>> make, EntryOptions? options = null) =>
        _cache.GetOrCreateAsync(key, _ => make(), options).AsTask();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public async Task Factories_that_truly_wait_for_each_other_get_an_error_instead_of_waiting_for_ever(int keys)
    {
        // Each factory waits until all run, then asks for the key of the next one.
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int running = 0;
        async ValueTask<string> Make(int i)
        {
            if (Interlocked.Increment(ref running) == keys) all.SetResult();
            await all.Task;
            return await Lead("k" + (i + 1) % keys, () => Make((i + 1) % keys));
        }
        Task<string>[] calls = [.. Enumerable.Range(0, keys).Select(i => Lead("k" + i, () => Make(i)))];
        foreach (Task<string> call in calls)
        {
            var error = await Assert.ThrowsAsync<InvalidOperationException>(() => call);
            Assert.Contains("wait for each other", error.Message, StringComparison.Ordinal);
        }
        // Each on its own way and once more on a detour, at most.
        Assert.InRange(running, keys, keys * (keys + 1));
        Assert.Equal(0, _cache.FillsUnderWay);
        Assert.Equal("v", await Lead("k0", () => new("v")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Keys_that_are_too_long_make_no_endless_circles_either(int keys)
    {
        string[] names = [.. Enumerable.Range(0, keys).Select(i => new string((char)('a' + i), 1025))];
        int runs = 0;
        async ValueTask<string> Make(int i)
        {
            // Without an end of its own a circle would run until memory is full.
            if (Interlocked.Increment(ref runs) > 1000) return "endless";
            await Task.Yield();
            return await Lead(names[(i + 1) % keys], () => Make((i + 1) % keys));
        }
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => Lead(names[0], () => Make(0)));
        Assert.Contains("wait for each other", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, _cache.FillsUnderWay);
    }

    [Fact]
    public async Task Factories_that_all_ask_for_all_others_end_soon()
    {
        const int Keys = 6;
        int runs = 0;
        async ValueTask<string> Make(int i)
        {
            Interlocked.Increment(ref runs);
            await Task.Yield();
            return string.Concat(await Task.WhenAll(Enumerable.Range(0, Keys).Where(k => k != i).Select(k => Lead("k" + k, () => Make(k)))));
        }
        await Assert.ThrowsAsync<InvalidOperationException>(() => Lead("k0", () => Make(0)));
        await Eventually.True(() => _cache.FillsUnderWay == 0);
        Assert.InRange(runs, Keys, 1000);
    }

    [Fact]
    public async Task Who_would_close_a_circle_makes_the_value_for_itself_alone()
    {
        using var other = new LarderCache();
        var both = new Barrier(2);
        Task<string> here = Task.Run(() => Lead("a", async () =>
        {
            both.SignalAndWait();
            return "a of " + await other.GetOrCreateAsync("b", _ => new ValueTask<string>("own b"));
        }));
        Task<string> there = Task.Run(() => other.GetOrCreateAsync("b", async token =>
        {
            both.SignalAndWait(token);
            return "b of " + await Lead("a", () => new("own a"));
        }).AsTask());
        // Through two caches, and whoever comes second.
        string[] values = await Task.WhenAll(here, there);
        Assert.True(values is ["a of b of own a", "b of own a"] or ["a of own b", "b of a of own b"], string.Join(", ", values));
    }

    [Fact]
    public async Task A_call_that_a_factory_does_not_wait_for_closes_no_circle()
    {
        var go = new TaskCompletionSource();
        Task<string> warm = null!, own = null!;
        Task<string> k = Lead("k", async () =>
        {
            warm = Lead("x", async () => "x of " + await Lead("k", () => new("own k")));
            own = Task.Run(() => Lead("k", () => new("own k")));
            await go.Task;
            return "k";
        });
        Assert.Equal(["x of own k", "own k"], [await warm, await own]);
        go.SetResult();
        Assert.Equal("k", await k);
    }

    [Fact]
    public async Task A_batch_that_would_close_a_circle_makes_those_values_for_itself_alone()
    {
        string value = await Lead("a", async () =>
        {
            IReadOnlyDictionary<string, string> many = await _cache.GetOrCreateManyAsync<string>(
                ["x", "a", "y"], (keys, _) => new(keys.ToDictionary(key => key, key => "own " + key)));
            return string.Join(", ", many.Values.Order());
        });
        Assert.Equal("own a, own x, own y", value);
        Assert.Equal(0, _cache.FillsUnderWay);
    }

    [Fact]
    public async Task A_batch_that_truly_waits_for_itself_gets_an_error()
    {
        ValueTask<IReadOnlyDictionary<string, string>> Many() => _cache.GetOrCreateManyAsync<string>(["x", "a"], (_, _) => Many());
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => Many().AsTask());
        Assert.Contains("wait for each other", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, _cache.FillsUnderWay);
    }

    [Fact]
    public async Task A_factory_that_waits_for_several_at_once_is_found_by_each()
    {
        var gate = new TaskCompletionSource();
        Task<string> slow = Lead("slow", async () =>
        {
            await gate.Task;
            return "slow of " + await Lead("a", () => new("own a"));
        });
        Task<string> a = Lead("a", async () => string.Concat(await Task.WhenAll(Lead("x", () => new("x")), Lead("slow", () => new("never")), Lead("y", () => new("y")))));
        gate.SetResult();
        Assert.Equal(["slow of own a", "xslow of own ay"], [await slow, await a]);
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
