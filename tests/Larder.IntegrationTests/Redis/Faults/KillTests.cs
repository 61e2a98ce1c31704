using Larder.IntegrationTests.RedisServers;

namespace Larder.IntegrationTests.RedisFaults;

/// <summary>Nodes and their server are killed in the middle of what they do, again and again: what is read is old or new, never half, and never older than what was acknowledged.</summary>
public sealed class KillTests
{
    private const int Kills = 100;

    private static string[] Persistent => ["--appendonly", "yes", "--appendfsync", "no"];

    [Fact]
    [Trait("fault", "24"), Trait("clause", "R-4"), Trait("clause", "R-22"), Trait("clause", "R-25")]
    public async Task A_hundred_kills_of_nodes_and_of_the_server()
    {
        await using Stage stage = await Stage.StartAsync(new() { Nodes = 3, Server = Persistent });
        var random = new Random(stage.Seed);
        stage.Checker.IsFollowed(stage.A.Tier.Follower.Epoch);
        stage.Checker.Start();
        for (int i = 0; i < Kills; i++)
        {
            if (i % 4 == 0)
            {
                await stage.KillServerAsync(losesData: random.Next(2) == 0);
            }
            else
            {
                int node = random.Next(stage.Nodes.Length);
                // It dies in the middle of a command, or of an answer, as well as between two.
                var cut = new Flow { CutAfter = random.Next(1500) };
                if (random.Next(2) == 0) stage.Ways[node].Set(random.Next(2) == 0 ? new(cut, Flow.Free) : new(Flow.Free, cut));
                await stage.Checker.SomeMoreAsync(reads: 5, writes: 0);
                await stage.KillNodeAsync(node);
            }
            await stage.Checker.SomeMoreAsync(reads: 10, writes: 1);
            Assert.Empty(stage.Checker.Wrong);
        }
        await stage.UntilAsync(RemoteTierState.InUse);
        await stage.Checker.SomeMoreAsync();
        await stage.Checker.EndAsync();
        Assert.True(stage.Checker.RemoteHits > 0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("fault", "24"), Trait("clause", "R-14")]
    public async Task A_server_comes_back_with_what_was_ended_and_nobody_is_given_it(bool isBroken)
    {
        LogFollower? follower = null;
        await using Stage stage = await Stage.StartAsync(new()
        {
            Nodes = 1, Server = ["--appendonly", "yes", "--appendfsync", "always"], Options = AbsenceTests.Patient,
            Seams = seams => isBroken ? seams with { Store = new TimelessStore(seams.Store, () => follower!.Epoch) } : seams,
        });
        follower = stage.A.Tier.Follower;
        stage.Checker.IsFollowed(follower.Epoch);
        // Ordinals are larger here than they will be in the next epoch, which begins with an event on everything.
        for (int i = 0; i < 10; i++) await stage.Checker.EndAllAsync(0);
        // What an event covers that the node has not read in the log itself is not asked for.
        await stage.Checker.UntilSettledAsync();
        await stage.Checker.ReadAllAsync();
        await stage.A.UntilIdleAsync();
        for (int key = 0; key < VersionChecker.Keys; key++) Assert.True(await stage.SlotAsync(VersionChecker.Name(key)) is { Length: > EntryTests.FormAt });
        await stage.Checker.EndAllAsync(0);
        await stage.KillServerAsync(losesData: false);
        // The connection of the commands is there again, too.
        await stage.Checker.UntilSettledAsync();
        await stage.Checker.CheckAllAsync();
        // The control: what has neither epoch nor server is served, and found out.
        Assert.Equal(isBroken ? VersionChecker.Keys : 0, stage.Checker.Wrong.Count(wrong => wrong.Contains("(HitRedis) instead of", StringComparison.Ordinal)));
    }
}
