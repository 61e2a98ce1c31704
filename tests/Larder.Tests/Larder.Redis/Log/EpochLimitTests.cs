using Larder.Redis;
using Larder.Tests.Support;

namespace Larder.Tests.RedisClient;

public sealed class EpochLimitTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    [Trait("clause", "R-4")]
    public void More_than_three_new_epochs_in_a_minute_are_too_many_and_then_it_begins_anew()
    {
        var limit = new EpochLimit(_time);
        // The first one is no change, and the same one again is none either.
        Assert.All(new ulong[] { 1, 1, 2, 2, 3, 4, 4 }, epoch => Assert.True(limit.Accepts(epoch)));
        Assert.False(limit.Accepts(5));
        Assert.All(new ulong[] { 5, 6, 7, 8 }, epoch => Assert.True(limit.Accepts(epoch)));
        Assert.False(limit.Accepts(9));
    }

    [Fact]
    [Trait("clause", "R-4")]
    public void Those_of_an_earlier_minute_do_not_count()
    {
        var limit = new EpochLimit(_time);
        for (ulong epoch = 1; epoch <= 50; epoch++)
        {
            Assert.True(limit.Accepts(epoch));
            _time.Advance(EpochLimit.Window / 3 + TimeSpan.FromSeconds(1));
        }
    }
}
