using Larder.Tests.Support;

namespace Larder.Tests.Memory;

/// <summary>Which entry goes, seen from outside.</summary>
public sealed class EvictionPolicyTests
{
    private static readonly EntryOptions Kept = new() { Priority = EntryPriority.NeverEvict };

    private static LarderCache Of(int entries, long bytes = 100L << 20) => new(new() { MaxEntries = entries, MaxBytes = bytes }, new ManualTimeProvider());

    [Fact]
    public async Task The_fourth_of_three_evicts_one()
    {
        using LarderCache cache = Of(3);
        for (int i = 1; i <= 4; i++) await cache.SetAsync("k" + i, i);
        Assert.Equal(3, cache.Statistics.Entries);
        Assert.Equal(1, cache.Statistics.Evictions);
    }

    [Fact]
    public async Task What_is_read_often_stays()
    {
        using LarderCache cache = Of(3);
        for (int i = 1; i <= 3; i++) await cache.SetAsync("k" + i, i);
        for (int i = 0; i < 5; i++) await cache.GetAsync<int>("k1");
        await cache.SetAsync("k4", 4);
        Assert.True(cache.Exists("k1"));
        Assert.False(cache.Exists("k2"));
    }

    [Fact]
    public async Task A_hot_key_survives_a_scan()
    {
        using LarderCache cache = Of(100);
        for (int i = 0; i < 100; i++) await cache.SetAsync("old" + i, i);
        await cache.SetAsync("hot", 1);
        cache.GetLocal<int>("hot");
        for (int i = 0; i < 10_000; i++)
        {
            await cache.SetAsync("scan" + i, i);
            if (i % 50 == 0) Assert.True(cache.GetLocal<int>("hot").Found);
        }
        StoreIntegrity.Check(cache);
    }

    [Fact]
    public async Task A_key_that_comes_back_soon_goes_to_the_main_queue()
    {
        using LarderCache cache = Of(20);
        for (int i = 0; i < 25; i++) await cache.SetAsync("k" + i, i);
        MemoryStore store = StoreIntegrity.StoreOf(cache);
        await cache.SetAsync("one", 1);
        Assert.Equal(EvictionQueue.Small, store.Find("one")!.Queue);
        for (int i = 0; cache.Exists("one"); i++) await cache.SetAsync("wonder" + i, i);
        await cache.SetAsync("one", 1);
        Assert.Equal(EvictionQueue.Main, store.Find("one")!.Queue);
    }

    [Fact]
    public async Task A_replaced_value_keeps_its_uses_and_its_place()
    {
        using LarderCache cache = Of(3);
        for (int i = 1; i <= 3; i++) await cache.SetAsync("k" + i, i);
        for (int i = 0; i < 3; i++) cache.GetLocal<int>("k1");
        await cache.SetAsync("k1", 10);
        Assert.Equal(3, StoreIntegrity.StoreOf(cache).Find("k1")!.Uses);
        await cache.SetAsync("k2", 20); // written again, but never read: still the next to go
        await cache.SetAsync("k4", 4);
        Assert.Equal(10, cache.GetLocal<int>("k1").Value);
        Assert.False(cache.Exists("k2"));
        StoreIntegrity.Check(cache);
    }

    [Fact]
    public async Task A_replacement_that_grows_makes_others_go()
    {
        using LarderCache cache = Of(1000, 20_000);
        for (int i = 0; i < 40; i++) await cache.SetAsync("k" + i, "");
        // In turn each of them, also the one that is next to go itself.
        for (int i = 0; i < 40; i++)
        {
            await cache.SetAsync("k" + i, new string('x', 4_000));
            Assert.Equal(4_000, cache.GetLocal<string>("k" + i).Value!.Length);
            Assert.InRange(cache.Statistics.Bytes, 8_000, 20_000);
            StoreIntegrity.Check(cache);
        }
    }

    [Fact]
    public async Task What_is_never_to_be_evicted_stays_while_anything_else_can_go()
    {
        using LarderCache cache = Of(50);
        await cache.SetAsync("kept", 1, Kept);
        await cache.SetAsync("tagged", 1, Kept with { Tags = ["t"] });
        await cache.SetAsync("normal", 1);
        for (int i = 0; i < 5_000; i++)
        {
            await cache.SetAsync("k" + i, i);
            cache.GetLocal<int>("k" + i / 2);
        }
        Assert.True(cache.Exists("kept") && cache.Exists("tagged"));
        Assert.False(cache.Exists("normal")); // without the priority it goes
        await cache.SetAsync("kept", 1);
        for (int i = 0; i < 200; i++) await cache.SetAsync("more" + i, i);
        Assert.False(cache.Exists("kept")); // the priority is the value's, not the key's
        StoreIntegrity.Check(cache);
    }

    [Fact]
    public async Task Where_only_such_are_left_the_oldest_go_and_the_bounds_hold()
    {
        using LarderCache cache = Of(10, 10_000);
        for (int i = 0; i < 30; i++)
        {
            await cache.SetAsync("k" + i, i, Kept);
            Assert.InRange(cache.Statistics.Entries, 1, 10);
        }
        for (int i = 0; i < 30; i++) Assert.Equal(i >= 20, cache.Exists("k" + i));
        for (int i = 0; i < 5; i++) await cache.SetAsync("normal" + i, i);
        Assert.True(cache.Exists("normal4") && cache.Exists("k21") && !cache.Exists("k20"));
        await cache.SetAsync("large", new string('x', 4_500), Kept);
        Assert.True(cache.Exists("large"));
        Assert.InRange(cache.Statistics.Bytes, 9_000, 10_000);
        StoreIntegrity.Check(cache);
    }

    [Fact]
    public void A_read_of_the_sample_is_reported_once_until_the_next_addition()
    {
        var entry = new Entry { Key = "k", Value = 1, Cost = 1, CreatedAt = 0, FreshUntil = 1, Hash = 7 };
        Assert.False(entry.Touch()); // not part of a sample yet
        var policy = new EvictionPolicy(10, 1000);
        policy.Add_NeedsGate(entry);
        Assert.True(entry.Touch());
        if (entry.Touch()) policy.Report(entry);
        Assert.False(entry.Touch());
        policy.Add_NeedsGate(new() { Key = "other", Value = 1, Cost = 1, CreatedAt = 0, FreshUntil = 1, Hash = 8 });
        Assert.True(entry.Touch());
        Assert.Equal(3, entry.Uses);
    }
}
