using Larder.Tests.Support;

namespace Larder.Tests.Invalidations;

/// <summary>
/// Real threads: once a soft invalidation is acknowledged nobody finds the entry fresh, although hits judge by a clock that
/// lags, several readers find out at once, and the entry stays where it is.
/// </summary>
[Collection(Alone.Name)]
public sealed class SoftStressTests
{
    private const int Rounds = 60_000;

    /// <summary>How a reader finds out whether an entry may be served as fresh.</summary>
    private delegate bool IsFresh(LarderCache cache, InvalidationIndex index, Entry entry);

    [Fact]
    [Trait("clause", "I-8"), Trait("clause", "I-18"), Trait("clause", "I-19")]
    public void Nobody_finds_fresh_what_was_softened() =>
        Assert.Equal(0, Stress((cache, _, entry) => cache.GetLocal<string>(entry.Key) is { Reason: Reason.HitMemory }));

    [Fact]
    public void A_reader_that_asks_in_the_wrong_order_is_convicted() =>
        Assert.NotEqual(0, Stress((_, index, entry) => entry.IsFresh(0) && index.IsCurrent(entry)));

    private static long Stress(IsFresh isFresh)
    {
        using var cache = new LarderCache(new() { InvalidationHistory = 0 });
        MemoryStore store = StoreIntegrity.StoreOf(cache);
        var index = (InvalidationIndex)StoreIntegrity.Field(cache, "_index");
        // Published when its softening was acknowledged; readers look at what they find here.
        Entry? softened = null;
        long wrong = 0, looks = 0;
        bool done = false;
        Thread[] readers = [.. Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            while (!Volatile.Read(ref done))
            {
                if (Volatile.Read(ref softened) is not { } entry) continue;
                // The key may have been taken by a new entry meanwhile: each has a key of its own.
                if (isFresh(cache, index, entry)) Interlocked.Increment(ref wrong);
                Interlocked.Increment(ref looks);
            }
        }))];
        foreach (Thread reader in readers) reader.Start();
        for (int round = 0; round < Rounds; round++)
        {
            var entry = new DetailedEntry
            {
                Key = "k" + round, Value = "v", Cost = 100, CreatedAt = 0, FreshUntil = long.MaxValue, Hash = KeyComparer.Hash("k" + round),
                TagList = ["t:" + round % 8], UserName = "u", StaleWhileRevalidate = 3_600_000,
            };
            store.Set(entry);
            Invalidation what = (round % 5) switch
            {
                0 => Invalidation.Key(entry.Key),
                1 => Invalidation.Tag("t"),
                2 => Invalidation.User("u"),
                3 => Invalidation.Prefix("k"),
                _ => Invalidation.All,
            };
            cache.InvalidateAsync(what.Soft()).AsTask().GetAwaiter().GetResult();
            Volatile.Write(ref softened, entry);
        }
        Volatile.Write(ref done, true);
        foreach (Thread reader in readers) reader.Join();
        Assert.True(looks > Rounds / 10, $"only {looks} looks");
        return wrong;
    }
}
