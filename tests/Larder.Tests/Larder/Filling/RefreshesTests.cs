using Larder.Tests.Support;

namespace Larder.Tests.Filling;

/// <summary>What a cache has under way in the background is bounded, costs hits nothing, and ends with it.</summary>
public sealed class RefreshesTests
{
    private static readonly EntryOptions Options = new() { StaleWhileRevalidate = TimeSpan.FromMinutes(5), Tags = ["t"] };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Many_entries_that_become_due_at_once_are_refreshed_some_at_a_time(bool batch)
    {
        const int Entries = 300;
        using var cache = new LarderCache();
        for (int i = 0; i < Entries; i++) await cache.SetAsync("k" + i, 1, Options);
        await cache.InvalidateAsync(Invalidation.Tag("t").Soft());
        var gate = new TaskCompletionSource();
        int begun = 0, running = 0, most = 0;
        var counting = new Lock();
        async ValueTask<int> Make()
        {
            lock (counting) (begun, running, most) = (begun + 1, running + 1, Math.Max(most, running + 1));
            await gate.Task;
            lock (counting) running--;
            return 2;
        }
        async Task AskAll()
        {
            for (int i = 0; i < Entries; i++)
                if (batch)
                    await cache.GetOrCreateManyAsync<int>(["k" + i], async (keys, _) => new Dictionary<string, int> { [keys[0]] = await Make() }, Options);
                else await cache.GetOrCreateAsync("k" + i, _ => Make(), Options);
        }
        await AskAll();
        await Eventually.True(() => Volatile.Read(ref begun) == Refreshes.Most);
        await AskAll();
        Assert.Equal((Refreshes.Most, Refreshes.Most), (begun, cache.FillsUnderWay));
        gate.SetResult();
        // Each place that becomes free is taken by a later hit: in the end everything is new.
        while (begun < Entries)
        {
            await AskAll();
            await Task.Yield();
        }
        await Eventually.True(() => cache.FillsUnderWay == 0);
        Assert.InRange(most, 1, Refreshes.Most);
        for (int i = 0; i < Entries; i++) Assert.Equal(2, cache.GetLocal<int>("k" + i).Value);
    }

    [Fact]
    public async Task A_refresh_that_exceeds_its_limit_gives_its_place_back()
    {
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(null, time);
        EntryOptions options = Options with { Ttl = TimeSpan.FromHours(1), HardTimeout = TimeSpan.FromSeconds(5) };
        for (int i = 0; i <= Refreshes.Most; i++) await cache.SetAsync("k" + i, 1, options);
        await cache.InvalidateAsync(Invalidation.Tag("t").Soft());
        int begun = 0;
        var never = new TaskCompletionSource<int>();
        for (int i = 0; i < Refreshes.Most; i++)
            await cache.GetOrCreateAsync("k" + i, _ =>
            {
                Interlocked.Increment(ref begun);
                return new ValueTask<int>(never.Task);
            }, options);
        await Eventually.True(() => begun == Refreshes.Most);
        string last = "k" + Refreshes.Most;
        Assert.Equal(Reason.Stale, (await cache.GetOrCreateResultAsync(last, _ => new ValueTask<int>(2), options)).Reason);
        Assert.Equal(1, (await cache.GetAsync<int>(last, allowStale: true)).Value);
        time.Advance(TimeSpan.FromSeconds(5));
        await Eventually.True(() => cache.GetOrCreateAsync(last, _ => new ValueTask<int>(2), options).AsTask() is { IsCompletedSuccessfully: true, Result: 2 });
    }

    [Theory]
    [InlineData()]
    [InlineData("prices", "price:5", "tenant:7:prices")]
    public async Task Hits_allocate_nothing_while_a_refresh_is_under_way(params string[] tags)
    {
        using var cache = new LarderCache();
        EntryOptions options = new() { StaleWhileRevalidate = TimeSpan.FromMinutes(5), Tags = tags };
        await cache.SetAsync("k", "old", options);
        await cache.InvalidateAsync(Invalidation.Key("k").Soft());
        var gate = new TaskCompletionSource<string>();
        static ValueTask<string> Make(TaskCompletionSource<string> gate, CancellationToken token) => new(gate.Task);
        await cache.GetOrCreateAsync("k", gate, Make, options);
        for (int i = 0; i < 1000; i++) await cache.GetOrCreateAsync("k", gate, Make, options);
        long least = long.MaxValue;
        // The runtime itself may allocate on this thread while it tiers code up: the best of five is the code's own.
        for (int round = 0; round < 5; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            bool completed = true;
            for (int i = 0; i < 1000; i++) completed &= cache.GetOrCreateAsync("k", gate, Make, options).IsCompletedSuccessfully;
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.True(completed);
        }
        Assert.Equal(0, least);
        gate.SetResult("new");
    }

    [Fact]
    public async Task A_disposed_cache_begins_none_and_cancels_those_under_way()
    {
        var cache = new LarderCache();
        await cache.SetAsync("k", 1, Options);
        await cache.SetAsync("other", 1, Options);
        await cache.InvalidateAsync(Invalidation.Tag("t").Soft());
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await cache.GetOrCreateAsync("k", async token =>
        {
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, token);
            return 2;
        }, Options);
        await begun.Task;
        cache.Dispose();
        await Eventually.True(() => cache.FillsUnderWay == 0);
        int later = 0;
        for (int i = 0; i < 100; i++)
            Assert.Equal(1, await cache.GetOrCreateAsync("other", _ => new ValueTask<int>(Interlocked.Increment(ref later)), Options));
        Assert.Equal((0, 0), (later, cache.FillsUnderWay));
        Assert.Equal(3, await cache.GetOrCreateAsync("new", _ => new ValueTask<int>(3)));
    }
}
