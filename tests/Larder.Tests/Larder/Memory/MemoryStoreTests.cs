using Larder.Tests.Support;

namespace Larder.Tests.Memory;

[Collection(Alone.Name)]
public sealed class MemoryStoreTests
{
    private static LarderCache Of(int entries, long bytes = 100L << 20) => new(new() { MaxEntries = entries, MaxBytes = bytes }, new ManualTimeProvider());

    [Fact]
    public async Task Bytes_are_bounded_and_many_small_make_room_for_one_large()
    {
        using LarderCache cache = Of(1000, 20_000);
        for (int i = 0; i < 200; i++) await cache.SetAsync("k" + i, new string('x', i));
        Assert.InRange(cache.Statistics.Bytes, 10_000, 20_000);
        await cache.SetAsync("large", new string('x', 9_000));
        Assert.True(cache.Exists("large"));
        Assert.InRange(cache.Statistics.Bytes, 18_000, 20_000);
        StoreIntegrity.Check(cache);
    }

    [Fact]
    public async Task A_value_beyond_the_limit_is_refused_and_takes_the_old_one_along()
    {
        using LarderCache cache = Of(1000, 2_000);
        await cache.SetAsync("k", "small");
        Assert.Equal(Reason.UnstoredTooLarge, await cache.SetAsync("k", new string('x', 2_000)));
        Assert.False(cache.Exists("k"));
        Assert.Equal(Reason.UnstoredTooLarge, cache.TryStore("k", new string('x', 2_000), new(), cache.BeginFill()));

        using var narrow = new LarderCache(new() { MaxEntryBytes = 100 });
        await narrow.SetAsync("k", "small");
        Assert.Equal(Reason.UnstoredTooLarge, await narrow.SetAsync("k", new string('x', 100)));
        Assert.False(narrow.Exists("k"));
    }

    [Fact]
    public async Task A_cache_of_no_entries_stores_nothing()
    {
        using LarderCache cache = Of(0);
        Assert.Equal(Reason.UnstoredTooLarge, await cache.SetAsync("k", 1));
        Assert.Equal(2, await cache.GetOrCreateAsync("k", _ => new ValueTask<int>(2)));
        Assert.Equal(0, cache.Statistics.Entries);
        Assert.Equal(0, cache.Statistics.Utilisation);
    }

    [Fact]
    public void The_bound_holds_at_every_moment_and_everything_agrees_in_the_end()
    {
        const int MaxEntries = 50;
        const long MaxBytes = 30_000;
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(new() { MaxEntries = MaxEntries, MaxBytes = MaxBytes }, time);
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        long broken = 0, wrong = 0, operations = 0;
        Thread[] workers = [.. Enumerable.Range(0, 4).Select(seed => new Thread(() =>
        {
            var random = new Random(seed);
            while (!end.IsCancellationRequested)
            {
                string key = "k" + random.Next(200);
                var options = new EntryOptions { Tags = ["t:" + random.Next(5)], Ttl = TimeSpan.FromMilliseconds(random.Next(1, 20_000)) };
                switch (random.Next(16))
                {
                    case 0: cache.SetAsync(key, key + new string('x', random.Next(400)), options).AsTask().Wait(); break;
                    case 1: cache.RemoveAsync(key).AsTask().Wait(); break;
                    case 2 when random.Next(8) == 0: cache.InvalidateAsync(Invalidation.Tag("t:" + random.Next(5)), count: random.Next(2) == 0).AsTask().Wait(); break;
                    case 3 when random.Next(8) == 0: cache.InvalidateAsync(Invalidation.Glob("k1*" + random.Next(9))).AsTask().Wait(); break;
                    case 4: time.Advance(TimeSpan.FromMilliseconds(random.Next(200))); break;
                    case 5: cache.RemoveExpired(); break;
                    case 6 or 7 or 8:
                        if (cache.GetLocal<string>(key) is { Found: true } found && !IsOf(found.Value, key)) Interlocked.Increment(ref wrong);
                        break;
                    default:
                        if (!IsOf(cache.GetOrCreateAsync(key, key, static (k, _) => new ValueTask<string>(k), options).AsTask().Result, key)) Interlocked.Increment(ref wrong);
                        break;
                }
                MemoryStore store = StoreIntegrity.StoreOf(cache);
                if (store.Count > MaxEntries || store.Bytes > MaxBytes) Interlocked.Increment(ref broken);
                Interlocked.Increment(ref operations);
            }
        }))];
        foreach (Thread worker in workers) worker.Start();
        foreach (Thread worker in workers) worker.Join();
        Assert.True(operations > 1000);
        Assert.Equal(0, broken);
        Assert.Equal(0, wrong);
        StoreIntegrity.Check(cache);

        static bool IsOf(string value, string key) => value.TrimEnd('x') == key;
    }

    [Fact]
    public async Task Replacing_a_value_leaves_no_moment_without_one()
    {
        using LarderCache cache = Of(10);
        await cache.SetAsync("k", 0);
        using var end = new CancellationTokenSource();
        long holes = 0;
        var reader = new Thread(() =>
        {
            while (!end.IsCancellationRequested)
                if (!cache.GetLocal<int>("k").Found) Interlocked.Increment(ref holes);
        });
        reader.Start();
        for (int i = 0; i < 200_000; i++) await cache.SetAsync("k", i);
        await end.CancelAsync();
        reader.Join();
        Assert.Equal(0, holes);
    }
}
