using Larder.Tests.Support;

namespace Larder.Tests.Memory;

/// <summary>Sweeps that are held up, asked for from within, or cancelled.</summary>
public sealed class UpkeepTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_listener_invalidates_within_a_sweep_begins_no_other(bool count)
    {
        // More than the index remembers of such events: the last ones come while whoever brings more has to wait for the sweep.
        const int Entries = 3_000, TooDeep = 100;
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(new() { MaxEntries = Entries, InvalidationHistory = 2 * Entries }, time);
        for (int i = 0; i < Entries; i++) await cache.SetAsync("k" + i, i, new() { Tags = ["t"] });
        int depth = 0, deepest = 0, told = 0, counted = 0;
        using IDisposable listening = cache.Events.Subscribe(e =>
        {
            if (e.Kind != CacheEventKind.Invalidate) return;
            told++;
            deepest = Math.Max(deepest, ++depth);
            // A cache that goes deeper shows it before the stack is full.
            if (depth < TooDeep && Result(cache.InvalidateAsync(Invalidation.Prefix(e.Key + "/"), count: count)).Removed is not null) counted++;
            depth--;
        });
        await cache.InvalidateAsync(Invalidation.Tag("t"));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((Entries, 1, 0), (told, deepest, counted));
        // Each holds all the same.
        Assert.Equal(Entries + 1, cache.InvalidationHistory.Totals.Events);
        await cache.SetAsync("k", 1);
        Assert.Equal(1, await cache.ClearAsync());
    }

    [Fact]
    public async Task A_listener_that_counts_within_a_count_gets_none()
    {
        using var cache = new LarderCache(null, new ManualTimeProvider());
        foreach (string key in new[] { "a", "b", "c" }) await cache.SetAsync(key, key, new() { Tags = ["t"] });
        var within = new List<int?>();
        using IDisposable listening = cache.Events.Subscribe(e =>
        {
            if (e is { Kind: CacheEventKind.Invalidate, Key: not "c" }) within.Add(Result(cache.InvalidateAsync(Invalidation.Glob("c"), count: true)).Removed);
        });
        int? removed = (await cache.InvalidateAsync(Invalidation.Tag("t"), count: true)).Removed;
        Assert.Equal([null, null], within);
        Assert.Equal(3, removed);
        Assert.Equal(0, cache.Statistics.Entries);
    }

    [Fact]
    public async Task A_count_that_waits_for_a_sweep_can_be_cancelled_and_has_done_nothing()
    {
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(null, time);
        await cache.SetAsync("other", 1);
        await using HeldSweep sweep = await HeldSweep.BeginAsync(cache, time);
        using var cancel = new CancellationTokenSource();
        long before = cache.InvalidationHistory.Totals.Events;
        Task counting = Task.Run(async () => await cache.InvalidateAsync(Invalidation.Prefix("other"), count: true, cancellationToken: cancel.Token));
        cancel.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => counting);
        Assert.True(cache.Exists("other"));
        Assert.Equal(before, cache.InvalidationHistory.Totals.Events);
    }

    private static T Result<T>(ValueTask<T> task) => task.AsTask().GetAwaiter().GetResult();

    /// <summary>A sweep that stands in a listener on a thread of its own until it is disposed of.</summary>
    private sealed class HeldSweep : IAsyncDisposable
    {
        private readonly TaskCompletionSource _stands = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim _released = new();
        private Task _sweep = Task.CompletedTask;

        public static async Task<HeldSweep> BeginAsync(LarderCache cache, ManualTimeProvider time)
        {
            var held = new HeldSweep();
            await cache.SetAsync("held", 1, new() { Tags = ["held"] });
            cache.Events.Subscribe(e =>
            {
                if (e is not { Kind: CacheEventKind.Invalidate, Key: "held" }) return;
                held._stands.TrySetResult();
                held._released.Wait();
            });
            await cache.InvalidateAsync(Invalidation.Tag("held"));
            held._sweep = Task.Factory.StartNew(() => time.Advance(TimeSpan.FromSeconds(1)), TaskCreationOptions.LongRunning);
            await held._stands.Task;
            return held;
        }

        public async ValueTask DisposeAsync()
        {
            _released.Set();
            await _sweep;
            _released.Dispose();
        }
    }
}
