namespace Larder.IntegrationTests.RedisServers;

/// <summary>One fill for all nodes of a real server (docs/invalidation.md, R-35).</summary>
public sealed class OneFillTests : IAsyncLifetime
{
    private static readonly EntryOptions Waiting = new() { WaitForOtherNodes = TimeSpan.FromMinutes(1) };

    private RedisServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await RedisServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_other_nodes_wait_for_the_first_and_one_follows_where_that_fails(bool fails)
    {
        await using PolledNode a = await PolledNode.StartAsync(_server), b = await PolledNode.StartAsync(_server), c = await PolledNode.StartAsync(_server);
        int runs = 0;
        var made = new TaskCompletionSource<string>();
        Task<string> Fill(PolledNode node, Task<string> value) => node.Cache.GetOrCreateAsync("k", async _ =>
        {
            Interlocked.Increment(ref runs);
            return await value;
        }, Waiting).AsTask();
        Task<string> leading = Fill(a, made.Task);
        while (Volatile.Read(ref runs) == 0) await Task.Delay(1);
        Task<string>[] others = [Fill(b, Task.FromResult("other")), Fill(c, Task.FromResult("other"))];
        foreach (PolledNode node in (PolledNode[])[b, c])
            while (node.Cache.PartialFills[EntryAccess.Whole].Remote!.Waits == 0) await Task.Delay(1);
        Assert.Equal(1, runs);
        if (fails) made.SetException(new InvalidDataException("the source"));
        else made.SetResult("first");
        Assert.All(await Task.WhenAll(others), value => Assert.Equal(fails ? "other" : "first", value));
        Assert.Equal(fails ? 2 : 1, runs);
        if (fails) await Assert.ThrowsAsync<InvalidDataException>(() => leading);
        else Assert.Equal("first", await leading);
    }
}
