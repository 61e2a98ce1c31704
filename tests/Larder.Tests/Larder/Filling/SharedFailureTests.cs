using System.Collections.Concurrent;
using Larder.Tests.Support;

namespace Larder.Tests.Filling;

/// <summary>What those who wait for another one's run get when it fails or is cancelled.</summary>
public sealed class SharedFailureTests : IDisposable
{
    private static readonly EntryOptions Remembering = new() { FailureTtl = TimeSpan.FromSeconds(30) };

    private readonly ManualTimeProvider _time = new();
    private readonly LarderCache _cache;

    public SharedFailureTests() => _cache = new(null, _time);

    public void Dispose() => _cache.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_exception_does_not_grow_with_those_who_get_it(bool remembered)
    {
        EntryOptions? options = remembered ? Remembering : null;
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        async Task<int> Length()
        {
            try
            {
                await _cache.GetOrCreateAsync<int>("k", async _ =>
                {
                    await gate.Task;
                    throw new FormatException("broken");
                }, options);
                return 0;
            }
            catch (FormatException e)
            {
                return e.ToString().Length;
            }
        }
        if (remembered)
        {
            gate.SetResult();
            await Length();
        }
        Task<int>[] calls = [.. Enumerable.Range(0, 500).Select(_ => Length())];
        if (!remembered) gate.SetResult();
        int[] lengths = await Task.WhenAll(calls);
        // A trace of some frames; one that grew with each of them would have some hundred thousand characters.
        Assert.All(lengths, length => Assert.InRange(length, 1, 20_000));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Who_aborts_the_run_that_he_leads_breaks_nobody_else(bool batch)
    {
        using var abort = new CancellationTokenSource();
        Task<int> leader = _cache.GetOrCreateAsync("k", async _ =>
        {
            // A token of the request, captured.
            await Task.Delay(Timeout.Infinite, abort.Token);
            return 1;
        }, Remembering, abort.Token).AsTask();
        Task<int> follower = batch ? Many() : _cache.GetOrCreateAsync("k", _ => new ValueTask<int>(2), Remembering).AsTask();
        await abort.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leader);
        Assert.Equal(2, await follower);
        Assert.Equal(2, await _cache.GetOrCreateAsync("k", _ => new ValueTask<int>(3), Remembering));

        async Task<int> Many() => (await _cache.GetOrCreateManyAsync<int>(["k"], (_, _) => new(new Dictionary<string, int> { ["k"] = 2 }), Remembering))["k"];
    }

    [Fact]
    public async Task A_cancellation_is_not_remembered_but_a_clients_timeout_is()
    {
        Task Call(Exception failure) => _cache.GetOrCreateAsync<int>("k", _ => ValueTask.FromException<int>(failure), Remembering).AsTask();
        await Assert.ThrowsAsync<TaskCanceledException>(() => Call(new TaskCanceledException()));
        await Assert.ThrowsAsync<TaskCanceledException>(() => Call(new TaskCanceledException("slow", new TimeoutException())));
        await Assert.ThrowsAsync<TaskCanceledException>(() => Call(new FormatException()));
    }

    [Fact]
    public async Task A_source_that_cancels_every_call_is_not_asked_by_all_callers()
    {
        const int Callers = 200;
        var time = new TimersCounted();
        using var cache = new LarderCache(null, time);
        int before = time.Timers, calls = 0;
        var runs = new ConcurrentQueue<TaskCompletionSource>();
        Task<int>[] callers = [.. Enumerable.Range(0, Callers).Select(_ => cache.GetOrCreateAsync<int>("k", async _ =>
        {
            var run = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Interlocked.Increment(ref calls);
            runs.Enqueue(run);
            await run.Task;
            throw new OperationCanceledException();
        }, new() { HardTimeout = TimeSpan.FromHours(1) }).AsTask())];
        for (int round = 1, timers = before; round <= Filler.MaxJoins; round++)
        {
            // The run's limit and, for each caller that waits for it, the caller's own: nobody comes later than the run's end.
            timers += 1 + Callers - round;
            await Eventually.True(() => runs.Count == round && time.Timers == timers);
            runs.Last().SetResult();
        }
        foreach (Task<int> caller in callers) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => caller);
        // Followers start anew, together; a caller that lost three runs of others takes the last one's end for its own.
        Assert.Equal((Filler.MaxJoins, 0), (calls, cache.FillsUnderWay));
    }

    /// <summary>How many timers were ever made: so many have begun to wait.</summary>
    private sealed class TimersCounted : TimeProvider
    {
        private int _timers;

        public int Timers => Volatile.Read(ref _timers);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            ITimer timer = base.CreateTimer(callback, state, dueTime, period);
            Interlocked.Increment(ref _timers);
            return timer;
        }
    }

    [Fact]
    public async Task A_run_that_an_event_overtook_does_not_hold_up_refreshes()
    {
        EntryOptions options = new() { Ttl = TimeSpan.FromMinutes(1), StaleWhileRevalidate = TimeSpan.FromMinutes(5) };
        var never = new TaskCompletionSource<string>();
        Task<string> hanging = _cache.GetOrCreateAsync("k", _ => new ValueTask<string>(never.Task), options).AsTask();
        await _cache.SetAsync("k", "old", options);
        await _cache.InvalidateAsync(Invalidation.Key("k").Soft());
        await Eventually.True(() => _cache.GetOrCreateAsync("k", _ => new ValueTask<string>("new"), options) is { IsCompletedSuccessfully: true, Result: "new" });
        never.SetResult("late");
        Assert.Equal("late", await hanging);
        Assert.Equal("new", _cache.GetLocal<string>("k").Value);
    }
}
