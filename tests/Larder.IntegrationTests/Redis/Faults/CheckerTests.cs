using Larder.IntegrationTests.RedisServers;

namespace Larder.IntegrationTests.RedisFaults;

/// <summary>The checker finds what is broken: what it says of the others would mean nothing else.</summary>
public sealed class CheckerTests
{
    [Fact]
    [Trait("clause", "R-16")]
    public async Task It_finds_a_store_that_compares_no_claims()
    {
        await using Stage stage = await Stage.StartAsync(new() { Options = AbsenceTests.Patient, Seams = static seams => seams with { Store = new ClaimlessStore(seams.Store) } });
        // Nodes hear late, so that fills are stored that were overtaken.
        stage.Set(Fault.None, new(Flow.Free, new() { Latency = TimeSpan.FromMilliseconds(30) }));
        stage.Checker.Start();
        await LinkTests.Until(() => stage.Checker.Wrong.Length > 0);
        await stage.Checker.StopAsync();
        Assert.All(stage.Checker.Wrong, wrong => Assert.Contains("instead of", wrong, StringComparison.Ordinal));
    }

    [Fact]
    public async Task It_finds_nodes_that_do_not_hear_of_each_other()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        // Under another prefix is another log.
        using RedisNode a = await RedisNode.StartAsync(server.Options(o => o.Prefix = "a:"), VersionChecker.Options);
        using RedisNode b = await RedisNode.StartAsync(server.Options(o => o.Prefix = "b:"), VersionChecker.Options);
        var checker = new VersionChecker([a, b]);
        checker.Start();
        await checker.SomeMoreAsync();
        await checker.StopAsync();
        await checker.CheckAllAsync();
        Assert.NotEmpty(checker.Wrong);
    }

    [Fact]
    public void It_knows_half_a_value()
    {
        string written = VersionChecker.Written(123);
        Assert.Equal(123, VersionChecker.VersionOf(written));
        for (int length = 1; length < written.Length; length++) Assert.ThrowsAny<Exception>(() => VersionChecker.VersionOf(written[..length]));
        Assert.Throws<FormatException>(() => VersionChecker.VersionOf(VersionChecker.Written(124)[..^3] + "123"));
    }
}
