using Larder.IntegrationTests.RedisServers;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisFaults;

/// <summary>Three nodes under load on one server, and one fault after another, on one of them or on all.</summary>
public sealed class StormTests
{
    private const int Faults = 20;
    internal const int ServerDies = 8;
    private static readonly TimeSpan LongestFault = TimeSpan.FromMilliseconds(400);
    /// <summary>More events than so many do not come together while one fault lasts.</summary>
    private const int MostPending = 10_000;

    [Fact]
    [Trait("fault", "storm"), Trait("clause", "R-17"), Trait("clause", "R-24"), Trait("clause", "R-29")]
    public async Task Whatever_happens_nothing_stale_is_served_and_nothing_is_thrown()
    {
        await using Stage stage = await Stage.StartAsync(new() { Nodes = 3 });
        var random = new Random(stage.Seed);
        int most = 0;
        // From the fourth new epoch on a node leaves Redis alone for a second and more.
        int epochs = 4;
        stage.Checker.Start();
        for (int i = 0; i < Faults; i++)
        {
            FaultProxy[] struck = random.Next(3) == 0 ? stage.Ways : [stage.Ways[random.Next(stage.Ways.Length)]];
            int kind = random.Next(ServerDies + 1);
            if (kind == ServerDies && epochs-- <= 0) kind = 0;
            await StrikeAsync(stage.Server, struck, kind, VersionChecker.Name(random.Next(VersionChecker.Keys)), random);
            await Task.Delay(random.NextDouble() * LongestFault);
            stage.Set(Fault.None);
            await stage.Checker.SomeMoreAsync(reads: 20, writes: 2);
            most = Math.Max(most, stage.Nodes.Max(node => node.Cache.RemoteTier!.Pending));
        }
        await stage.UntilAsync(RemoteTierState.InUse);
        await stage.Checker.SomeMoreAsync();
        await stage.Checker.EndAsync();
        Assert.InRange(most, 0, MostPending);
        Assert.True(stage.Checker.RemoteHits > 0);
        Assert.All(stage.Nodes, node => Assert.Equal((0, true), (node.Cache.RemoteTier!.Pending, node.Tier.IsIdle)));
    }

    /// <summary>One of nine kinds of faults; most last until another one is set.</summary>
    /// <param name="struck">On whose ways it happens.</param>
    /// <param name="key">Whose slot is lost, where that is the fault.</param>
    internal static async Task StrikeAsync(RedisServer server, FaultProxy[] struck, int kind, string key, Random random)
    {
        switch (kind)
        {
            case 0:
                foreach (FaultProxy way in struck) way.ResetAll();
                break;
            case 7:
                await server.AskAsync("UNLINK", new RedisNames("larder:").SlotOf(key));
                break;
            case ServerDies:
                await server.KillAsync();
                await server.StartAgainAsync();
                break;
            default:
                Flow flow = kind switch
                {
                    1 => new() { Hangs = true },
                    2 => new() { Latency = TimeSpan.FromMilliseconds(random.Next(300)) },
                    3 => new() { CutAfter = random.Next(2000) },
                    4 => new() { BytesPerSecond = random.Next(1000, 20_000) },
                    _ => Flow.Free,
                };
                Fault fault = kind is 5 or 6 ? Fault.Reset : random.Next(3) switch { 0 => new(flow, Flow.Free), 1 => new(Flow.Free, flow), _ => Fault.Of(flow) };
                foreach (FaultProxy way in struck)
                    if (random.Next(3) == 0) way.Set(kind % 2 == 0 ? fault : Fault.None, kind % 2 == 0 ? Fault.None : fault);
                    else way.Set(fault);
                break;
        }
    }
}
