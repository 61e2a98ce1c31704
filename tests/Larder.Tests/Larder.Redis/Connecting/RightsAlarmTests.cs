using System.Text;
using Larder.Redis;
using Larder.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Larder.Tests.RedisClient;

public sealed class RightsAlarmTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly RecordingLogger<RightsAlarm> _logger = new();

    private static RedisError Error(string line) => RedisError.Parse(Encoding.UTF8.GetBytes(line));

    [Theory]
    [InlineData("NOPERM this user has no permissions to run the 'set' command", "the command set (NOPERM)")]
    [InlineData("NOPERM User larder has no permissions to run the 'XADD' command", "the command xadd (NOPERM)")]
    [InlineData("NOPERM this user has no permissions to run the 'script' command", "something (NOPERM)")]
    [InlineData("NOPERM this user has no permissions to access one of the keys used as arguments", "a key (the cache's begin with shop:) (NOPERM)")]
    [InlineData("ERR The user executing the script can't run this command or subcommand script: 44848f, on @user_script:1.", "something (NOPERM)")]
    [InlineData("ERR The user executing the script can't access at least one of the keys mentioned in the command arguments script: feaf73, on @user_script:1.", "a key (the cache's begin with shop:) (NOPERM)")]
    public void A_right_that_is_denied_is_told(string line, string what)
    {
        new RightsAlarm(_time, _logger, "shop:").Heed(Error(line));
        (int id, LogLevel level, string text) = Assert.Single(_logger.Lines);
        Assert.Equal((7, LogLevel.Error), (id, level));
        Assert.Contains($"denies its user {what}", text, StringComparison.Ordinal);
        Assert.Contains("ACL LOG", text, StringComparison.Ordinal);
        // What the server said may repeat what it was asked.
        Assert.DoesNotContain("script", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_password_that_is_wanted_is_told_as_such()
    {
        new RightsAlarm(_time, _logger).Heed(Error("NOAUTH Authentication required."));
        (int id, _, string text) = Assert.Single(_logger.Lines);
        Assert.Equal(12, id);
        Assert.Contains("wants a password (NOAUTH)", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("OOM command not allowed when used memory > 'maxmemory'.")]
    [InlineData("ERR unknown command 'x'")]
    [InlineData("ERR it said: ERR The user executing the script can't run this command")]
    [InlineData("WRONGTYPE The user executing the script holds the wrong kind of value")]
    [InlineData("MOVED 1 127.0.0.1:1")]
    public void Other_refusals_are_not(string line)
    {
        new RightsAlarm(_time, _logger).Heed(Error(line));
        Assert.Empty(_logger.Lines);
    }

    [Fact]
    public void It_is_told_once_a_minute()
    {
        var alarm = new RightsAlarm(_time, _logger);
        for (int minute = 1; minute <= 3; minute++)
        {
            for (int i = 0; i < 1000; i++) alarm.Heed(Error("NOPERM no"));
            Assert.Equal(minute, _logger.Lines.Count);
            _time.Advance(RightsAlarm.Interval - TimeSpan.FromTicks(1));
            alarm.Heed(Error("NOPERM no"));
            Assert.Equal(minute, _logger.Lines.Count);
            _time.Advance(TimeSpan.FromTicks(1));
        }
    }

    [Fact]
    public async Task However_many_are_refused_at_once_it_is_told_once()
    {
        var alarm = new RightsAlarm(_time, _logger);
        using var together = new Barrier(4);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(() =>
        {
            together.SignalAndWait(TestContext.Current.CancellationToken);
            for (int i = 0; i < 1000; i++) alarm.Heed(Error("NOPERM no"));
        }, TaskCreationOptions.LongRunning)));
        Assert.Single(_logger.Lines);
    }
}
