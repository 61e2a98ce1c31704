using System.Collections.Concurrent;
using FsCheck;
using FsCheck.Fluent;
using Larder.Tests.Support;
using static Larder.Tests.Support.KeyAction;
using History = System.Collections.Generic.List<Larder.Tests.Support.Recorded<Larder.Tests.Support.KeyOperation>>;

namespace Larder.Tests.Engine;

/// <summary>What threads saw of a key could have been seen by one after the other.</summary>
[Collection(Alone.Name)]
public sealed class LinearizabilityTests
{
    private const int Threads = 4;
    private const int OperationsPerThread = 12;

    [Fact]
    [Trait("clause", "I-1"), Trait("clause", "I-3"), Trait("clause", "I-4"), Trait("clause", "I-13"), Trait("clause", "I-15"), Trait("clause", "I-17"), Trait("clause", "I-18")]
    public void Histories_of_a_key_are_linearizable()
    {
        using var cache = new LarderCache(new() { MaxEntries = 8, InvalidationHistory = 0 });
        Assert.Null(FirstWrong(round => new OnLarder(cache, "k" + round % 12), rounds: 4_000));
    }

    [Fact]
    public void A_cache_that_stores_what_was_overtaken_is_convicted()
    {
        Assert.NotNull(FirstWrong(_ => new Naive(), rounds: 100_000));
    }

    [Fact]
    public void Hand_made_histories_are_judged_right()
    {
        // Each operation: called, returned, what.
        Assert.True(Holds((0, 1, Set, 1), (2, 3, Found, 1), (4, 5, End, 0), (6, 7, Missed, 0)));
        Assert.True(Holds((0, 1, Set, 1), (2, 3, Missed, 0), (4, 5, Found, 1)));
        Assert.False(Holds((0, 1, Set, 1), (2, 3, End, 0), (4, 5, Found, 1)));
        Assert.False(Holds((0, 1, Set, 1), (2, 3, Set, 2), (4, 5, Found, 1)));
        Assert.False(Holds((0, 1, Found, 1)));
        // While two are under way either may have been first, but both readers must agree.
        Assert.True(Holds((0, 5, Set, 1), (1, 4, Set, 2), (6, 7, Found, 1)));
        Assert.True(Holds((0, 5, Set, 1), (1, 4, Set, 2), (6, 7, Found, 2)));
        Assert.False(Holds((0, 5, Set, 1), (1, 4, Set, 2), (6, 7, Found, 1), (8, 9, Found, 2)));
        // A fill that read the origin before a change may return what it read, but not leave it behind.
        Assert.True(Holds((0, 1, Change, 1), (2, 9, GotOrCreated, 1), (3, 4, Change, 2), (5, 6, End, 0)));
        Assert.False(Holds((0, 1, Change, 1), (2, 9, GotOrCreated, 1), (3, 4, Change, 2), (5, 6, End, 0), (10, 11, Found, 1)));
        Assert.False(Holds((0, 1, Change, 1), (2, 3, Change, 2), (4, 5, End, 0), (6, 7, GotOrCreated, 1)));
        Assert.True(Holds((0, 1, Change, 1), (2, 9, GotOrCreated, 1), (3, 4, Change, 2), (5, 6, End, 0), (7, 8, GotOrCreated, 2), (10, 11, Found, 2)));
        Assert.True(Holds());
    }

    [Fact]
    public void A_sequential_run_stays_linearizable_when_its_operations_take_longer()
    {
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            History history = Run(random, 20);
            bool holds = Holds(history);
            // What nobody wrote can't have been read.
            history.Add(new(0, 1000, new(Found, 99)));
            return holds && !Holds(history);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

        static History Run(Random random, int operations)
        {
            var history = new History();
            KeyState state = default;
            for (int i = 0; i < operations; i++)
            {
                KeyOperation operation = random.Next(5) switch
                {
                    0 => new(Change, i + 1),
                    1 => new(End),
                    2 => new(Set, i + 1),
                    3 => new(state.Cached == 0 ? Missed : Found, state.Cached),
                    _ => new(GotOrCreated, state.Cached != 0 ? state.Cached : state.Origin),
                };
                state = KeyState.Step(state, operation)!.Value;
                history.Add(new(i * 10 - random.Next(30), i * 10 + 1 + random.Next(30), operation));
            }
            return history;
        }
    }

    [Fact]
    public void The_search_remembers_where_it_was()
    {
        // Twenty misses at once can be put in 20! orders, which are 2^20 sets; a hundred in a row of tens are few.
        var history = new History();
        for (int i = 0; i < 100; i++) history.Add(new(i / 10 * 100 + i % 10, i / 10 * 100 + 50 + i % 10, new(Missed)));
        history.Add(new(10_000, 10_001, new(Found, 1)));
        Assert.False(Linearizability.Holds<KeyState, KeyOperation>(history, default, KeyState.Step, out int visited));
        Assert.InRange(visited, 1_000, 10 * 1024 + 1);
    }

    private static bool Holds(History history) => Linearizability.Holds<KeyState, KeyOperation>(history, default, KeyState.Step, out _);

    private static bool Holds(params (long Called, long Returned, KeyAction Action, long Value)[] operations) =>
        Holds([.. operations.Select(o => new Recorded<KeyOperation>(o.Called, o.Returned, new(o.Action, o.Value)))]);

    /// <summary>A key under test; <see cref="Origin"/> is what its factory reads.</summary>
    private interface IKey
    {
        KeyOperation Do(KeyAction action, long value, Func<long> readOrigin, int way);
    }

    private sealed class OnLarder(LarderCache cache, string key) : IKey
    {
        private readonly EntryOptions _options = new() { Tags = ["t:" + key, "all"], User = key };

        public KeyOperation Do(KeyAction action, long value, Func<long> readOrigin, int way)
        {
            switch (action)
            {
                case Set:
                    cache.SetAsync(key, value, _options).AsTask().Wait();
                    return new(Set, value);
                case End when way % 8 == 0:
                    cache.RemoveAsync(key).AsTask().Wait();
                    return new(End);
                case End:
                    Invalidation what = (way % 8) switch
                    {
                        1 => Invalidation.Key(key), 2 => Invalidation.Tag("t"), 3 => Invalidation.AnyTag("x", "t:" + key), 4 => Invalidation.AllTags("all", "t"),
                        5 => Invalidation.Prefix(key), 6 => Invalidation.User(key), _ => Invalidation.All,
                    };
                    cache.InvalidateAsync(way % 3 == 0 ? what.Soft() : what).AsTask().Wait();
                    return new(End);
                case Found:
                    return cache.GetLocal<long>(key) is { Found: true, Value: var found } ? new(Found, found) : new(Missed);
                default:
                    return new(GotOrCreated, cache.GetOrCreateAsync(key, readOrigin, static (read, _) => new ValueTask<long>(read()), _options).AsTask().Result);
            }
        }
    }

    /// <summary>Looks, makes, stores; what ended the key meanwhile is not noticed.</summary>
    private sealed class Naive : IKey
    {
        private readonly ConcurrentDictionary<int, long> _values = new();

        public KeyOperation Do(KeyAction action, long value, Func<long> readOrigin, int way)
        {
            switch (action)
            {
                case Set:
                    _values[0] = value;
                    return new(Set, value);
                case End:
                    _values.TryRemove(0, out _);
                    return new(End);
                case Found:
                    return _values.TryGetValue(0, out long found) ? new(Found, found) : new(Missed);
                default:
                    return new(GotOrCreated, _values.TryGetValue(0, out long old) ? old : _values[0] = readOrigin());
            }
        }
    }

    /// <summary>Lets threads loose on one key after the other; returns the first history that is wrong.</summary>
    private static string? FirstWrong(Func<int, IKey> keyOf, int rounds)
    {
        long clock = 0, origin = 0, values = 0;
        int round = -1;
        IKey key = null!;
        var recorded = new ConcurrentQueue<Recorded<KeyOperation>>();
        string? wrong = null;
        using var barrier = new Barrier(Threads, _ =>
        {
            // Between two rounds nobody else runs.
            History history = [.. recorded];
            if (history.Count > 0 && !Holds(history)) wrong = $"round {round}: {string.Join(" ", history.OrderBy(o => o.Called))}";
            recorded.Clear();
            Interlocked.Increment(ref round);
            origin = ++values;
            key = keyOf(round);
            // What an earlier round left under the key is none of this one's.
            key.Do(End, 0, () => 0, 0);
            recorded.Enqueue(new(-2, -1, new(Change, origin)));
        });
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(t => new Thread(() =>
        {
            for (barrier.SignalAndWait(); wrong is null && round < rounds; barrier.SignalAndWait())
            {
                var random = new Random(round * Threads + t);
                for (int i = 0; i < OperationsPerThread; i++)
                {
                    // Only one thread changes the origin, and ends the key each time: so it is what a program does.
                    KeyAction action = t == 0 ? i % 2 == 0 ? Change : End : random.Next(10) switch { < 6 => GotOrCreated, < 9 => Found, _ => Set };
                    long value = action is Change or Set ? Interlocked.Increment(ref values) : 0;
                    int way = random.Next(24), spin = random.Next(60);
                    long called = Interlocked.Increment(ref clock);
                    KeyOperation done;
                    if (action == Change)
                    {
                        Volatile.Write(ref origin, value);
                        done = new(Change, value);
                    }
                    else
                    {
                        done = key.Do(action, value, () =>
                        {
                            long read = Volatile.Read(ref origin);
                            if (spin < 8) Thread.Yield();
                            else Thread.SpinWait(spin * 4);
                            return read;
                        }, way);
                    }
                    recorded.Enqueue(new(called, Interlocked.Increment(ref clock), done));
                }
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        return wrong;
    }
}
