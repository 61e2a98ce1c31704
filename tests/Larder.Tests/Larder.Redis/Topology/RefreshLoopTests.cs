using Larder.Redis;
using Larder.Tests.Support;

namespace Larder.Tests.RedisClient;

public sealed class RefreshLoopTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly SemaphoreSlim _permits = new(0);
    private int _runs, _atOnce, _most;

    private RefreshLoop Loop() => new(async token =>
    {
        _most = Math.Max(_most, Interlocked.Increment(ref _atOnce));
        Interlocked.Increment(ref _runs);
        await _permits.WaitAsync(token);
        Interlocked.Decrement(ref _atOnce);
    }, _time, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(1));

    /// <summary>Time passes until something is so: timers are made on other threads.</summary>
    private Task Passing(Func<bool> condition) => Eventually.True(() =>
    {
        if (condition()) return true;
        _time.Advance(TimeSpan.FromSeconds(1));
        return condition();
    });

    [Fact]
    public async Task Whoever_asks_during_a_run_waits_for_the_next_one_and_all_of_them_for_one()
    {
        await using RefreshLoop loop = Loop();
        await Eventually.True(() => Volatile.Read(ref _runs) == 1);
        Task joined = loop.Join();
        Task[] asked = [.. Enumerable.Range(0, 50).Select(_ => loop.Ask())];
        _permits.Release();
        await joined;
        Assert.DoesNotContain(asked, task => task.IsCompleted);
        await Passing(() => Volatile.Read(ref _runs) == 2);
        Assert.DoesNotContain(asked, task => task.IsCompleted);
        _permits.Release();
        await Task.WhenAll(asked);
        Assert.Equal((2, 1), (_runs, _most));
    }

    [Fact]
    public async Task It_runs_from_time_to_time_and_its_end_leaves_nobody_waiting()
    {
        RefreshLoop loop = Loop();
        _permits.Release(100);
        await Passing(() => Volatile.Read(ref _runs) >= 3);
        Task asked = loop.Ask();
        await loop.DisposeAsync();
        await Eventually.True(() => asked.IsCompleted);
        Assert.True(loop.Ask().IsCompleted);
    }

    [Fact]
    public async Task Nobody_who_asks_makes_it_run_without_a_pause()
    {
        await using RefreshLoop loop = Loop();
        _permits.Release(100);
        await Eventually.True(() => _time.Timers > 0 && Volatile.Read(ref _runs) == 1);
        for (int i = 0; i < 20; i++) _ = loop.Ask();
        Assert.False(await Eventually.Happens(() => Volatile.Read(ref _runs) > 1, TimeSpan.FromMilliseconds(50)));
        await Passing(() => Volatile.Read(ref _runs) > 1);
    }
}
