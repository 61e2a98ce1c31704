using System.Runtime.CompilerServices;
using Larder.Tests.Support;

namespace Larder.Tests.Memory;

public sealed class RetentionTests
{
    [Fact]
    public async Task What_was_removed_is_not_kept_by_the_sample_of_reads()
    {
        using var cache = new LarderCache(null, new ManualTimeProvider());
        WeakReference[] values = await Fill(cache);
        await cache.ClearAsync();
        // A read that came too late to be let go of with its entry is so by the upkeep.
        cache.RemoveExpired();
        for (int i = 0; i < 20 && values.Any(value => value.IsAlive); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.DoesNotContain(values, value => value.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static async Task<WeakReference[]> Fill(LarderCache cache)
        {
            var values = new WeakReference[40];
            for (int i = 0; i < values.Length; i++)
            {
                string value = new('x', 100 + i);
                values[i] = new(value);
                await cache.SetAsync("k" + i, value);
            }
            for (int i = 0; i < values.Length; i++) Assert.True(cache.GetLocal<string>("k" + i).Found);
            return values;
        }
    }

    [Fact]
    public async Task Nobody_waits_for_ever_for_a_sweep_that_a_listener_holds_up_and_the_events_stay_bounded()
    {
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(null, time);
        await cache.SetAsync("a", "1", new() { Tags = ["t"] });
        await cache.SetAsync("kept", "1");
        using var held = new SemaphoreSlim(0);
        using var release = new SemaphoreSlim(0);
        using IDisposable _ = cache.Events.Subscribe(e =>
        {
            if (e.Kind != CacheEventKind.Invalidate) return;
            held.Release();
            release.Wait();
        });
        await cache.InvalidateAsync(Invalidation.Tag("t"));
        Task sweep = Task.Run(() => time.Advance(TimeSpan.FromSeconds(1)));
        await held.WaitAsync();
        for (int i = 0; i < 1500; i++) await cache.InvalidateAsync(Invalidation.Prefix("p" + i));
        Assert.False(cache.Exists("a"));
        // Whatever was forgotten counts as covered: misses, never an old value.
        await cache.SetAsync("new", "2");
        Assert.Equal("2", cache.GetLocal<string>("new").Value);
        var index = (InvalidationIndex)typeof(LarderCache).GetField("_index", System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Instance)!.GetValue(cache)!;
        Assert.False(index.MustForget);
        release.Release(1000);
        await sweep;
    }
}
