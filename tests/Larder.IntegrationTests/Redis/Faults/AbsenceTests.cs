using Larder.IntegrationTests.RedisServers;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisFaults;

/// <summary>Servers that are not there, die, hang, are slow or can't be reached: nobody waits long, nobody is given what was ended, and it is as before soon after.</summary>
public sealed class AbsenceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The nodes read and write before, while and after something happens.</summary>
    /// <param name="isFelt">Whether the fault has reached the nodes: a test in which nothing happens proves nothing.</param>
    private static async Task SurviveAsync(Stage stage, Func<Task> begin, Func<bool> isFelt, Func<Task> end)
    {
        stage.Checker.Start();
        await stage.Checker.SomeMoreAsync();
        await begin();
        await LinkTests.Until(isFelt);
        await stage.Checker.SomeMoreAsync();
        await end();
        await stage.UntilAsync(RemoteTierState.InUse);
        await stage.Checker.SomeMoreAsync();
        await stage.Checker.EndAsync();
        Assert.True(stage.Checker.RemoteHits > 0);
    }

    private static bool IsAway(Stage stage) => Array.TrueForAll(stage.Nodes, node => node.Cache.RemoteTier!.State == RemoteTierState.Away);

    [Fact]
    [Trait("fault", "1"), Trait("clause", "R-24")]
    public async Task Absent_at_the_start()
    {
        await using Stage stage = await Stage.StartWithoutServerAsync();
        Assert.True(IsAway(stage));
        stage.Checker.Start();
        await stage.Checker.SomeMoreAsync();
        Assert.True(stage.Checker.Pending > 0);
        Assert.Equal(0, stage.Checker.RemoteHits);
        await LinkTests.Until(() => stage.A.Cache.RemoteTier!.Problem is not null);
        await stage.Server.StartAgainAsync();
        await stage.UntilAsync(RemoteTierState.InUse);
        await stage.Checker.SomeMoreAsync();
        await stage.Checker.EndAsync();
        Assert.Null(stage.A.Cache.RemoteTier!.Problem);
        Assert.True(stage.Checker.RemoteHits > 0);
    }

    [Fact]
    [Trait("fault", "2"), Trait("clause", "R-4"), Trait("clause", "R-22"), Trait("clause", "R-25")]
    public async Task It_dies_and_comes_back_empty()
    {
        await using Stage stage = await Stage.StartAsync();
        ulong epoch = stage.A.Tier.Follower.Epoch;
        await SurviveAsync(stage, stage.Server.KillAsync, () => IsAway(stage), () => stage.Server.StartAgainAsync());
        Assert.All(stage.Nodes, node => Assert.NotEqual(epoch, node.Tier.Follower.Epoch));
        Assert.All(stage.Nodes, node => Assert.True(node.Cache.RemoteTier!.MemoryDoubted >= 2));
        Assert.True(stage.Checker.Pending > 0);
    }

    [Theory]
    [InlineData("latency")]
    [InlineData("throttle")]
    [Trait("fault", "3")]
    public async Task It_is_slow(string how)
    {
        await using Stage stage = await Stage.StartAsync();
        var slow = Fault.Of(how == "latency" ? new() { Latency = TimeSpan.FromSeconds(5) } : new() { BytesPerSecond = 20 });
        await SurviveAsync(stage, () => Now(() => stage.Set(slow)), () => NoAnswers(stage) > 0 && stage.Checker.Pending > 0, () => Now(() => stage.Set(Fault.None)));
    }

    [Theory]
    [InlineData("stopped")]
    [InlineData("paused")]
    [InlineData("black hole")]
    [Trait("fault", "4"), Trait("fault", "5")]
    public async Task It_hangs_and_half_open_connections_are_found(string how)
    {
        await using Stage stage = await Stage.StartAsync();
        await SurviveAsync(stage, () => how switch
        {
            "stopped" => Now(stage.Server.Pause),
            "paused" => stage.Server.AskAsync("CLIENT", "PAUSE", 5000, "ALL"),
            _ => Now(() => stage.Set(Fault.Hang)),
        }, () => IsAway(stage) && NoAnswers(stage) > 0, () => how switch
        {
            "stopped" => Now(stage.Server.Continue),
            // It ends by itself.
            "paused" => Task.CompletedTask,
            _ => Now(() => stage.Set(Fault.None)),
        });
    }

    [Fact]
    [Trait("fault", "4")]
    public async Task Calls_end_while_it_still_hangs_and_then_nobody_waits()
    {
        await using Stage stage = await Stage.StartAsync();
        stage.Set(Fault.Hang);
        // Each of these ends though no answer has come: nothing is let through before the last one has.
        for (int i = 0; i < 5; i++) Assert.Equal("made", (await stage.A.GetOrMakeAsync($"hung{i}", "made")).Value);
        InvalidationResult ended = await stage.A.Cache.InvalidateAsync(Invalidation.Tag("t"), cancellationToken: Token);
        Assert.Equal(InvalidationStatus.Pending, ended.Status);
        await LinkTests.Until(() => stage.A.Cache.RemoteTier!.State == RemoteTierState.Away);
        // Now they do not even ask.
        long asked = NoAnswers(stage);
        Assert.Equal(Reason.MissCold, (await stage.A.GetOrMakeAsync("away", "made")).Reason);
        Assert.Equal(asked, NoAnswers(stage));
        stage.Set(Fault.None);
        await stage.UntilAsync(RemoteTierState.InUse);
        await stage.Checker.UntilSettledAsync();
    }

    [Theory]
    [InlineData("once")]
    [InlineData("always")]
    [InlineData("in the middle of an answer")]
    [InlineData("in the middle of a command")]
    [Trait("fault", "5")]
    public async Task Connections_are_reset(string when)
    {
        await using Stage stage = await Stage.StartAsync();
        long doubted = stage.Nodes.Sum(node => node.Cache.RemoteTier!.MemoryDoubted);
        var cut = new Flow { CutAfter = 777 };
        await SurviveAsync(stage, () => Now(() =>
        {
            if (when == "once") foreach (FaultProxy way in stage.Ways) way.ResetAll();
            else stage.Set(when switch { "always" => Fault.Reset, "in the middle of an answer" => new(Flow.Free, cut), _ => new(cut, Flow.Free) });
        }), () => stage.Loggers.All(logger => logger.Lines.Any(line => line.StartsWith("No connection to", StringComparison.Ordinal))), () => Now(() => stage.Set(Fault.None)));
        // The log goes on where it was: nothing has to be doubted because a connection was lost.
        if (when == "once") Assert.Equal(doubted, stage.Nodes.Sum(node => node.Cache.RemoteTier!.MemoryDoubted));
    }

    [Fact]
    [Trait("fault", "11"), Trait("clause", "R-5")]
    public async Task The_connection_of_the_log_is_lost_and_what_came_meanwhile_is_replayed()
    {
        await using Stage stage = await Stage.StartAsync(new() { Options = Patient });
        await Share(stage, "k", "old");
        // Its commands go on: only the log is not to be reached.
        stage.Ways[1].Set(Fault.None, Fault.Hang);
        foreach (string client in (await stage.Server.AskAsync("CLIENT", "LIST")).Text!.Split('\n').Where(client => client.Contains(" name=node1 ", StringComparison.Ordinal) && client.Contains(" cmd=xread ", StringComparison.Ordinal)))
            await stage.Server.AskAsync("CLIENT", "KILL", "ID", client.Split(' ')[0]["id=".Length..]);
        InvalidationResult ended = await Acknowledged(stage, Invalidation.Tag("t"));
        Assert.NotEqual(ended.Position.Ordinal, stage.B.Tier.Follower.Usable?.SeenUpTo);
        stage.Ways[1].Set(Fault.None);
        await stage.B.UntilAsync(RemoteTierState.InUse);
        await LinkTests.Until(() => stage.B.Tier.Follower.Usable?.SeenUpTo >= ended.Position.Ordinal);
        Assert.Equal(("new", Reason.MissInvalidated), await stage.B.GetOrMakeAsync("k", "new"));
        // Once, as it was first connected: a replay is no gap.
        Assert.Equal(1, stage.B.Cache.RemoteTier!.MemoryDoubted);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("fault", "30")]
    public async Task One_of_the_two_is_up_and_the_other_one_down_and_they_change_places(bool isHang)
    {
        await using Stage stage = await Stage.StartAsync();
        Fault down = isHang ? Fault.Hang : Fault.Reset;
        bool logWasDown = false, commandsWereDown = false;
        stage.Checker.Start();
        await stage.Checker.SomeMoreAsync();
        for (int turn = 0; turn < 3; turn++)
        {
            stage.Set(Fault.None, down);
            await LinkTests.Until(() => logWasDown |= IsAway(stage));
            await stage.Checker.SomeMoreAsync(reads: 50, writes: 5);
            long pending = stage.Checker.Pending, unanswered = NoAnswers(stage);
            stage.Set(down, Fault.None);
            await LinkTests.Until(() => commandsWereDown |= stage.Checker.Pending > pending && NoAnswers(stage) > unanswered);
            await stage.Checker.SomeMoreAsync(reads: 50, writes: 5);
        }
        stage.Set(Fault.None);
        await stage.UntilAsync(RemoteTierState.InUse);
        await stage.Checker.SomeMoreAsync();
        await stage.Checker.EndAsync();
        Assert.True(logWasDown && commandsWereDown);
    }

    /// <summary>Waits that nothing on a busy machine exceeds, for tests that must have their answers.</summary>
    internal static void Patient(RedisOptions options) => (options.Timeout, options.ConnectTimeout, options.Silence) = (TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(1));

    internal static async Task Share(Stage stage, string key, string value)
    {
        var kept = new EntryOptions { Ttl = TimeSpan.FromMinutes(10), Tags = ["t"] };
        Assert.Equal((value, Reason.MissCold), await stage.A.GetOrMakeAsync(key, value, kept));
        await stage.A.UntilIdleAsync();
        Assert.Equal((value, Reason.HitRedis), await stage.B.GetOrMakeAsync(key, "not made", kept));
    }

    internal static async Task<InvalidationResult> Acknowledged(Stage stage, Invalidation what)
    {
        InvalidationResult result = await stage.A.Cache.InvalidateAsync(what, cancellationToken: Token);
        Assert.Equal(InvalidationStatus.Acknowledged, result.Status);
        return result;
    }

    private static long NoAnswers(Stage stage) => stage.Nodes.Sum(node => node.Tier.Reads.CountOf(RemoteOutcome.NoAnswer));

    private static Task Now(Action action)
    {
        action();
        return Task.CompletedTask;
    }
}
