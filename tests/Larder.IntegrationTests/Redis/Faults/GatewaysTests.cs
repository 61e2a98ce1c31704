namespace Larder.IntegrationTests.RedisFaults;

/// <summary>Three processes of <c>larder serve</c> on one server under load, and one fault after another; the same with something broken.</summary>
public sealed class GatewaysTests
{
    private const int Faults = 25, MostDeaths = 4;
    private static readonly TimeSpan LongestFault = TimeSpan.FromMilliseconds(500), Patience = TimeSpan.FromSeconds(20);

    private static readonly int Seed = new Stage.Setting().Seed;

    [Fact]
    [Trait("fault", "storm"), Trait("clause", "R-5"), Trait("clause", "R-24"), Trait("clause", "R-29")]
    public async Task Whatever_happens_between_them_and_Redis_no_answer_is_stale_and_no_request_fails()
    {
        await using GatewayFleet fleet = await GatewayFleet.StartAsync(Seed);
        var random = new Random(Seed);
        int deaths = 0;
        List<string> done = [];
        fleet.Start();
        for (int i = 0; i < Faults; i++)
        {
            FaultProxy[] struck = random.Next(3) == 0 ? fleet.Ways : [fleet.Ways[random.Next(fleet.Ways.Length)]];
            int kind = random.Next(StormTests.ServerDies + 1);
            TimeSpan lasts = random.NextDouble() * LongestFault;
            done.Add($"kind {kind} on {string.Join('+', struck.Select(way => Array.IndexOf(fleet.Ways, way)))} for {lasts.TotalMilliseconds:0} ms");
            if (kind != StormTests.ServerDies) await StormTests.StrikeAsync(fleet.Server, struck, kind, GatewayFleet.UrlOf(0), random);
            else if (deaths++ < MostDeaths) await fleet.KillServerAsync();
            await Task.Delay(lasts, TestContext.Current.CancellationToken);
            foreach (FaultProxy way in fleet.Ways) way.Set(Fault.None);
            await fleet.SomeMoreAsync(reads: 10, writes: 2);
        }
        await fleet.SomeMoreAsync(reads: 50, writes: 10);
        await fleet.StopAsync();
        await fleet.AgreeAsync();
        Assert.True(fleet.Wrong.Length == 0, $"seed {Seed}: {string.Join("; ", done)}\n{string.Join('\n', fleet.Wrong)}");
        TestContext.Current.TestOutputHelper?.WriteLine($"{fleet.Answers} answers, {fleet.FromRedis} of them from Redis; {fleet.Heard} times a gateway had heard of another one's write");
        Assert.True(fleet.Heard > 0 && fleet.FromRedis > 0, $"{fleet.Heard} events were heard of by others, {fleet.FromRedis} answers came from Redis");
    }

    [Fact]
    public async Task A_write_that_passes_the_gateways_by_is_found_out()
    {
        await using GatewayFleet fleet = await GatewayFleet.StartAsync(Seed, passesGatewaysBy: true);
        await AssertStaleAsync(fleet);
    }

    [Fact]
    public async Task A_gateway_that_does_not_hear_of_the_others_is_found_out()
    {
        await using GatewayFleet fleet = await GatewayFleet.StartAsync(Seed, takesAllAsHeard: true);
        foreach (FaultProxy way in fleet.Ways) way.Set(Fault.None, new(Flow.Free, new() { Latency = TimeSpan.FromMilliseconds(200) }));
        await AssertStaleAsync(fleet);
    }

    /// <summary>Something stale is found, and nothing else is wrong.</summary>
    private static async Task AssertStaleAsync(GatewayFleet fleet)
    {
        fleet.Start();
        using var limit = new CancellationTokenSource(Patience);
        while (fleet.Wrong.Length == 0) await Task.Delay(5, limit.Token);
        await fleet.StopAsync();
        Assert.All(fleet.Wrong, wrong => Assert.Contains("instead of", wrong, StringComparison.Ordinal));
    }
}
