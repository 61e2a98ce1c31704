using Larder.Redis;
using Larder.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Larder.Tests.RedisClient;

public sealed class AwayReminderTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly RecordingLogger<AwayReminder> _logger = new();

    private static RemoteTierStatus Status(RemoteTierState state) => new() { State = state, Problem = "nobody is there", Pending = 3, Dropped = 0, MemoryDoubted = 0 };

    [Fact]
    public void That_it_is_away_is_told_every_five_minutes_and_that_it_is_back_once()
    {
        var reminder = new AwayReminder(_time, _logger);
        for (int minute = 0; minute < 11; minute++, _time.Advance(TimeSpan.FromMinutes(1))) reminder.Look(Status(minute % 2 == 0 ? RemoteTierState.Away : RemoteTierState.Behind));
        Assert.Equal([(8, "Redis has not been used for 5 minutes: nobody is there. Memory and the origin answer; 3 invalidations wait."), (8, "Redis has not been used for 10 minutes: nobody is there. Memory and the origin answer; 3 invalidations wait.")], Told());
        for (int i = 0; i < 2; i++) reminder.Look(Status(RemoteTierState.InUse));
        Assert.Equal((9, "Redis is used again, after 11 minutes."), Told()[^1]);
        Assert.Equal(3, _logger.Lines.Count);
    }

    [Fact]
    public void Who_is_back_before_nobody_hears_of()
    {
        var reminder = new AwayReminder(_time, _logger);
        for (int i = 0; i < 10; i++)
        {
            reminder.Look(Status(RemoteTierState.Away));
            _time.Advance(AwayReminder.Interval - TimeSpan.FromTicks(1));
            reminder.Look(Status(RemoteTierState.Away));
            reminder.Look(Status(RemoteTierState.InUse));
        }
        Assert.Empty(_logger.Lines);
    }

    private (int, string)[] Told() => [.. _logger.Lines.Select(line => (line.Id, line.Text))];
}
