using Larder.Gateway.Origins;
using Larder.Tests.Support;

namespace Larder.Tests.Gateway.Origins;

public sealed class ServerHealthTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void Failures_in_a_row_begin_a_pause_and_others_do_not()
    {
        ServerHealth health = Health();
        Assert.Null(health.Failed());
        Assert.Null(health.Failed());
        Assert.False(health.Answered());
        Assert.Null(health.Failed());
        Assert.Null(health.Failed());
        Assert.True(health.Takes());

        Assert.Equal(TimeSpan.FromSeconds(1), health.Failed());

        Assert.False(health.Takes());
    }

    [Fact]
    public void After_a_pause_one_request_tries_and_its_end_decides()
    {
        ServerHealth health = Paused(Health());
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(health.Takes());
        Assert.False(health.Takes());

        Assert.True(health.Answered());

        Assert.True(health.Takes());
        Assert.True(health.Takes());
        Assert.False(health.Answered());
    }

    [Fact]
    public void Pauses_grow_to_a_minute()
    {
        ServerHealth health = Paused(Health());
        var pauses = new List<double>();
        for (int i = 0; i < 8; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(60));
            Assert.True(health.Takes());
            pauses.Add(health.Failed()!.Value.TotalSeconds);
        }
        Assert.Equal([2, 4, 8, 16, 32, 60, 60, 60], pauses);
    }

    [Fact]
    public void Failures_of_requests_that_were_under_way_do_not_prolong_it()
    {
        ServerHealth health = Paused(Health());
        Assert.Null(health.Failed());
        Assert.Null(health.Failed());
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(health.Takes());
        Assert.Equal(TimeSpan.FromSeconds(2), health.Failed());
    }

    [Fact]
    public void A_trial_that_never_ends_is_followed_by_another()
    {
        ServerHealth health = Paused(Health());
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(health.Takes());
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(health.Takes());
    }

    [Theory]
    [InlineData(0, 0.75)]
    [InlineData(1, 1.25)]
    public void Pauses_differ_by_chance(double chance, double seconds)
    {
        var health = new ServerHealth(_time, () => chance);
        health.Failed();
        health.Failed();
        Assert.Equal(seconds, health.Failed()!.Value.TotalSeconds);
    }

    [Fact]
    public void A_failed_check_takes_it_out_until_one_passes()
    {
        ServerHealth health = Health();
        Assert.False(health.Checked(passed: true));
        Assert.True(health.Checked(passed: false));
        Assert.False(health.Checked(passed: false));
        Assert.False(health.Takes());
        Assert.False(health.Answered());
        Assert.False(health.Takes());

        Assert.True(health.Checked(passed: true));

        Assert.True(health.Takes());
    }

    [Fact]
    public void A_check_that_passes_ends_a_pause()
    {
        ServerHealth health = Paused(Health());
        Assert.True(health.Checked(passed: true));
        Assert.True(health.Takes());
    }

    private ServerHealth Health() => new(_time, () => 0.5);

    private static ServerHealth Paused(ServerHealth health)
    {
        for (int i = 0; i < ServerHealth.Tolerated; i++) health.Failed();
        Assert.False(health.Takes());
        return health;
    }
}
