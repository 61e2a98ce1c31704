using System.Runtime.CompilerServices;

namespace Larder.Tests.Monitoring;

public sealed class ThreadCountersTests
{
    [Fact]
    public void Nothing_is_lost_among_threads()
    {
        var counters = new ThreadCounters();
        Thread[] threads = [.. Enumerable.Range(0, 6).Select(t => new Thread(() =>
        {
            for (int i = 0; i < 100_000; i++) counters.Increment(t % 3);
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        Assert.Equal((200_000, 200_000, 200_000, 0), (counters[0], counters[1], counters[2], counters[3]));
    }

    [Fact]
    public void One_shared_counter_without_interlocking_would_lose_some()
    {
        long shared = 0;
        for (int attempt = 0; attempt < 10_000 && shared == attempt * 80_000L; attempt++)
        {
            using var start = new Barrier(4);
            Thread[] threads = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
            {
                start.SignalAndWait();
                for (int i = 0; i < 20_000; i++)
                {
                    long seen = Volatile.Read(ref shared);
                    if (i % 16 == 0) Thread.Yield();
                    Volatile.Write(ref shared, seen + 1);
                }
            }))];
            foreach (Thread thread in threads) thread.Start();
            foreach (Thread thread in threads) thread.Join();
            if (shared < (attempt + 1) * 80_000L) return;
        }
        Assert.Fail("nothing was lost: the test above is blind");
    }

    [Fact]
    public void Rows_of_ended_threads_are_used_again_and_keep_their_counts()
    {
        var counters = new ThreadCounters();
        for (int i = 0; i < 300; i++)
        {
            OnThread(() => counters.Increment(5));
            if (i % 20 != 0) continue;
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.Equal(300, counters[5]);
        Assert.InRange(counters.Rows, 1, 150);
    }

    [Fact]
    public void Counters_that_take_the_place_of_collected_ones_start_at_zero()
    {
        // This thread's table has rows of many owners that are gone.
        for (int round = 0; round < 20; round++)
        {
            Use(100);
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        var counters = new ThreadCounters();
        counters.Increment(1);
        Assert.Equal(1, counters[1]);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Use(int many)
        {
            for (int i = 0; i < many; i++)
            {
                var one = new ThreadCounters();
                one.Increment(1);
                one.Increment(1);
                Assert.Equal(2, one[1]);
            }
        }
    }

    [Fact]
    public void A_living_thread_keeps_no_counters_alive()
    {
        WeakReference[] made = Make(50);
        for (int i = 0; i < 20 && made.Any(one => one.IsAlive); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.DoesNotContain(made, one => one.IsAlive);
        int before = ThreadCounters.Places;
        Make(50);
        Assert.InRange(ThreadCounters.Places, before, before + 40);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference[] Make(int many) => [.. Enumerable.Range(0, many).Select(_ =>
        {
            var counters = new ThreadCounters();
            counters.Increment(0);
            return new WeakReference(counters);
        })];
    }

    [Fact]
    public void Every_reason_has_a_counter() => Assert.InRange(Enum.GetValues<Reason>().Length, 1, ThreadCounters.Length);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void OnThread(Action action)
    {
        var thread = new Thread(() => action());
        thread.Start();
        thread.Join();
    }
}
