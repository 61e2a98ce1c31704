using Larder.IntegrationTests.RedisServers;

namespace Larder.IntegrationTests.RedisFaults;

/// <summary>The user loses rights in mid-run: an alarm, no error for callers, and it goes on when they are given back.</summary>
public sealed class RightsTests
{
    [Theory]
    [InlineData("writes", "-@write")]
    [InlineData("reads", "-@read")]
    [InlineData("all", "-@all")]
    [InlineData("the user", null)]
    [Trait("fault", "31"), Trait("clause", "R-24")]
    public async Task Rights_are_taken_away_and_given_back(string what, string? rule)
    {
        string[] user = ["--user", "app", "on", ">secret", "~*", "+@all"];
        await using Stage stage = await Stage.StartAsync(new() { Server = user, Options = static o => (o.User, o.Password) = ("app", "secret") });
        stage.Checker.Start();
        await stage.Checker.SomeMoreAsync();
        if (rule is null) await stage.Server.AskAsync("ACL", "DELUSER", "app");
        else await stage.Server.AskAsync("ACL", "SETUSER", "app", rule);
        string alarm = rule is null ? "HELLO was refused (WRONGPASS)" : "(NOPERM), which the cache needs";
        await LinkTests.Until(() => stage.Loggers.All(logger => logger.Lines.Any(line => line.Contains(alarm, StringComparison.Ordinal))));
        long pending = stage.Checker.Pending;
        await LinkTests.Until(() => stage.Checker.Pending > pending);
        await stage.Checker.SomeMoreAsync();
        await stage.Server.AskAsync("ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all");
        await stage.UntilAsync(RemoteTierState.InUse);
        await stage.Checker.SomeMoreAsync();
        await stage.Checker.EndAsync();
        // Said once, not with every command; and no secret in it.
        Assert.All(stage.Loggers, logger => Assert.True(logger.Lines.Count(line => line.Contains("denies its user", StringComparison.Ordinal)) <= 1, what));
        Assert.All(stage.Loggers, logger => Assert.DoesNotContain(logger.Lines, line => line.Contains("secret", StringComparison.Ordinal)));
    }

    [Fact]
    [Trait("fault", "31"), Trait("clause", "R-2"), Trait("clause", "R-24")]
    public async Task Rights_that_only_scripts_need_are_taken_away_and_others_are_not_disturbed()
    {
        string[] user = ["--user", "app", "on", ">secret", "~*", "+@all"];
        await using Stage stage = await Stage.StartAsync(new() { Server = user, Options = static o => (o.User, o.Password) = ("app", "secret") });
        using RedisNode other = await RedisNode.StartAsync(stage.Server.Options());
        ulong epoch = other.Tier.Follower.Epoch;
        stage.Checker.Start();
        await stage.Checker.SomeMoreAsync();
        // The server denies it as a plain error, within the script.
        await stage.Server.AskAsync("ACL", "SETUSER", "app", "-hset");
        long pending = stage.Checker.Pending;
        await LinkTests.Until(() => stage.Loggers.All(logger => logger.Lines.Any(line => line.Contains("(NOPERM), which the cache needs", StringComparison.Ordinal))));
        await LinkTests.Until(() => stage.Checker.Pending > pending);
        Assert.All(stage.Nodes, node => Assert.True(node.Cache.RemoteTier!.Pending > 0));
        Assert.Equal(InvalidationStatus.Acknowledged, (await other.Cache.InvalidateAsync(Invalidation.Tag("t0"), cancellationToken: TestContext.Current.CancellationToken)).Status);
        await stage.Server.AskAsync("ACL", "SETUSER", "app", "+hset");
        await stage.Checker.EndAsync();
        // It is one epoch all the time: nobody has had to doubt anything.
        Assert.All(stage.Nodes, node => Assert.Equal((epoch, 1), (node.Tier.Follower.Epoch, node.Cache.RemoteTier!.MemoryDoubted)));
        Assert.Equal((epoch, 1), (other.Tier.Follower.Epoch, other.Cache.RemoteTier!.MemoryDoubted));
    }
}
