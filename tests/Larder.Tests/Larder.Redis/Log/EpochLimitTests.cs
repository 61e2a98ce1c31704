using Larder.Redis;
using Larder.Tests.Support;

namespace Larder.Tests.RedisClient;

[Trait("clause", "R-4")]
public sealed class EpochLimitTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly ManualTimeProvider _time = new();
    private ulong _epoch;

    private EpochLimit Begun()
    {
        var limit = new EpochLimit(_time);
        Assert.Equal(TimeSpan.Zero, limit.PauseBefore(++_epoch));
        return limit;
    }

    /// <summary>Another epoch, and the pause that it costs is waited for.</summary>
    private double Next(EpochLimit limit)
    {
        TimeSpan pause = limit.PauseBefore(++_epoch);
        _time.Advance(pause);
        // After the pause it is looked at again, and followed.
        Assert.Equal(TimeSpan.Zero, limit.PauseBefore(_epoch));
        return pause.TotalSeconds;
    }

    [Fact]
    public void Three_new_epochs_are_free_and_each_more_costs_twice_the_one_before()
    {
        EpochLimit limit = Begun();
        Assert.Equal([0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60], Enumerable.Range(0, 12).Select(_ => Next(limit)));
        for (int i = 0; i < 100_000; i++) Assert.Equal(60, Next(limit));
    }

    [Fact]
    public void After_a_quiet_minute_it_begins_anew()
    {
        EpochLimit limit = Begun();
        for (int round = 0; round < 3; round++)
        {
            Assert.Equal([0, 0, 0, 1, 2], Enumerable.Range(0, 5).Select(_ => Next(limit)));
            _time.Advance(Minute + TimeSpan.FromTicks(1));
        }
    }

    [Fact]
    public void A_minute_that_was_spent_with_a_pause_was_not_quiet()
    {
        EpochLimit limit = Begun();
        for (int i = 0; i < 9; i++) Next(limit);
        for (int i = 0; i < 10; i++)
        {
            Assert.Equal(60, Next(limit));
            _time.Advance(Minute - TimeSpan.FromTicks(1));
        }
    }

    [Fact]
    public void Those_that_are_more_than_a_minute_apart_cost_nothing()
    {
        EpochLimit limit = Begun();
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal(0, Next(limit));
            _time.Advance(Minute + TimeSpan.FromSeconds(1));
        }
    }
}
