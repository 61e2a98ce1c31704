using Larder.Tests.Support;

namespace Larder.Tests.Expiry;

public sealed class ClockTests
{
    [Fact]
    public void The_coarse_time_follows_the_exact_one_and_is_never_ahead()
    {
        for (int look = 0; look < 1000; look++)
        {
            long coarse = CoarseTime.Milliseconds;
            Assert.True(coarse <= Environment.TickCount64);
        }
        long target = CoarseTime.Milliseconds + 50;
        Assert.True(SpinWait.SpinUntil(() => CoarseTime.Milliseconds >= target, TimeSpan.FromMinutes(1)), "it stands still");
    }

    [Fact]
    public void It_is_right_again_after_nobody_read_it_for_a_while()
    {
        // It stops by itself some time after the last look; whether it has is not asked, only that the next look is right.
        _ = CoarseTime.Milliseconds;
        long before = Environment.TickCount64;
        Thread.Sleep(1500);
        Assert.InRange(CoarseTime.Milliseconds, before + 1, long.MaxValue);
    }

    [Fact]
    public void With_a_clock_of_ones_own_hits_are_judged_exactly()
    {
        var time = new ManualTimeProvider();
        var clock = new CacheClock(time);
        time.Advance(TimeSpan.FromMilliseconds(3));
        Assert.Equal((3, 3), (clock.Now, clock.Coarse));
    }

    [Theory]
    [InlineData(0, 0), InlineData(9, 0), InlineData(10, 10), InlineData(123_456_789, 123_456_780), InlineData(21_474_836_479, 21_474_836_470)]
    [InlineData(21_474_836_480, 21_474_836_000), InlineData(1_000_000_000_999, 1_000_000_000_000), InlineData(long.MaxValue, 1_073_741_823_000)]
    [InlineData(-1, -1_000), InlineData(-600_000, -600_000), InlineData(-1_999, -2_000), InlineData(long.MinValue, -1_073_741_824_000)]
    public void An_instant_is_packed_to_ten_milliseconds_and_later_to_seconds(long ms, long kept) =>
        Assert.Equal(kept, PackedInstant.Unpack(PackedInstant.Pack(ms)));
}
