using Larder.Redis;
using Larder.Tests.Support;

namespace Larder.Tests.RedisClient;

public sealed class BreakerTests
{
    private readonly ManualTimeProvider _time = new();

    private Breaker Make(Action<RedisBreakerOptions>? change = null)
    {
        var options = new RedisBreakerOptions();
        change?.Invoke(options);
        return new(options, _time);
    }

    private static void Fail(Breaker breaker, int times)
    {
        for (int i = 0; i < times; i++) breaker.Failed();
    }

    [Fact]
    public void Failures_in_a_row_open_it_and_an_answer_in_between_does_not_let_them()
    {
        Breaker breaker = Make();
        Fail(breaker, 4);
        breaker.Answered();
        Fail(breaker, 4);
        Assert.True(breaker.TryPass() && !breaker.IsOpen);
        Fail(breaker, 1);
        Assert.False(breaker.TryPass());
    }

    [Fact]
    public void After_a_while_one_at_a_time_may_try()
    {
        Breaker breaker = Make();
        Fail(breaker, 5);
        _time.Advance(TimeSpan.FromSeconds(1) - TimeSpan.FromTicks(1));
        Assert.False(breaker.TryPass());
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal([true, false, false], [breaker.TryPass(), breaker.TryPass(), breaker.TryPass()]);
        breaker.Failed();
        Assert.False(breaker.TryPass());
        // One that was let through and was never heard of again does not hold the others up.
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([true, false], [breaker.TryPass(), breaker.TryPass()]);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(breaker.TryPass());
        breaker.Answered();
        Assert.Equal([true, true, false], [breaker.TryPass(), breaker.TryPass(), breaker.IsOpen]);
    }

    [Fact]
    public void Of_many_threads_one_may_try()
    {
        Breaker breaker = Make();
        for (int round = 0; round < 200; round++)
        {
            Fail(breaker, 5);
            _time.Advance(TimeSpan.FromSeconds(1));
            int passed = 0;
            Parallel.For(0, 8, _ => { if (breaker.TryPass()) Interlocked.Increment(ref passed); });
            Assert.Equal(1, passed);
        }
    }

    [Fact]
    public void A_share_of_failures_within_the_window_opens_it()
    {
        Breaker breaker = Make(options => options.FailuresInRow = 1000);
        Mix(breaker, 19, 1);
        Assert.False(breaker.IsOpen);
        Mix(breaker, 1, 0);
        Assert.True(breaker.IsOpen);

        Breaker often = Make(options => options.FailuresInRow = 1000);
        Mix(often, 100, 2);
        Assert.False(often.IsOpen);

        Breaker slowly = Make(options => options.FailuresInRow = 1000);
        for (int i = 0; i < 100; i++)
        {
            slowly.Failed();
            _time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.False(slowly.IsOpen);

        static void Mix(Breaker breaker, int failures, int answers)
        {
            for (int i = 0; i < failures; i++)
            {
                breaker.Failed();
                for (int j = 0; j < answers; j++) breaker.Answered();
            }
        }
    }

    [Fact]
    public void Switched_off_it_never_opens()
    {
        Breaker breaker = Make(options => options.Enabled = false);
        Fail(breaker, 10_000);
        Assert.True(breaker.TryPass());
    }
}
