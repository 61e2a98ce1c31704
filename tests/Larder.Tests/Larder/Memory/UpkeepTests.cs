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
        Exception? thrown = null;
        var counting = new Thread(() => thrown = Record.Exception(() => Result(cache.InvalidateAsync(Invalidation.Prefix("other"), count: true, cancellationToken: cancel.Token))));
        counting.Start();
        await Eventually.True(() => counting.ThreadState.HasFlag(ThreadState.WaitSleepJoin));
        cancel.Cancel();
        counting.Join();
        Assert.IsAssignableFrom<OperationCanceledException>(thrown);
        Assert.True(cache.Exists("other"));
        Assert.Equal(before, cache.InvalidationHistory.Totals.Events);
    }

    [Fact]
    public async Task Events_above_the_bound_ring_the_timer_once_while_a_sweep_is_under_way()
    {
        // More of them than are asked one by one, but fewer than whoever brings more would have to wait for.
        const int Events = 700;
        var time = new ManualTimeProvider();
        var rings = new RingCounter(time);
        using var cache = new LarderCache(null, rings);
        int before;
        await using (HeldSweep sweep = await HeldSweep.BeginAsync(cache, time))
        {
            before = rings.Count;
            for (int i = 0; i < Events; i++)
            {
                await cache.InvalidateAsync(Invalidation.Prefix("none" + i));
                time.Advance(TimeSpan.Zero);
            }
            Assert.Equal(before + 1, rings.Count);
        }
        // It has ended, and the next event rings.
        await cache.InvalidateAsync(Invalidation.Prefix("none"));
        Assert.Equal(before + 2, rings.Count);
        time.Advance(TimeSpan.Zero);
        await cache.InvalidateAsync(Invalidation.Prefix("none"));
        Assert.Equal(before + 2, rings.Count);
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

    /// <summary>A clock that counts how often somebody sets one of its timers anew.</summary>
    private sealed class RingCounter(ManualTimeProvider time) : TimeProvider
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public override long TimestampFrequency => time.TimestampFrequency;

        public override long GetTimestamp() => time.GetTimestamp();

        public override DateTimeOffset GetUtcNow() => time.GetUtcNow();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            new Bell(this, time.CreateTimer(callback, state, dueTime, period));

        private sealed class Bell(RingCounter counter, ITimer timer) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                Interlocked.Increment(ref counter._count);
                return timer.Change(dueTime, period);
            }

            public void Dispose() => timer.Dispose();

            public ValueTask DisposeAsync() => timer.DisposeAsync();
        }
    }
}
