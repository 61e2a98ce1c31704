using Larder.Tests.Support;

namespace Larder.Tests.Remote;

/// <summary>While a process did not run others may have invalidated what is in its snapshot.</summary>
[Trait("clause", "R-22"), Trait("clause", "R-23")]
public sealed class SnapshotDoubtTests
{
    private static readonly EntryOptions Plain = new() { Ttl = TimeSpan.FromHours(1) }, Windowed = Plain with { StaleWhileRevalidate = TimeSpan.FromHours(1) };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_loaded_is_unproven_whether_the_connection_was_there_before(bool connectedBefore)
    {
        var time = new ManualTimeProvider();
        using var file = new MemoryStream();
        using (var before = new LarderCache(time: time))
        {
            await before.SetAsync("plain", "1", Plain);
            await before.SetAsync("windowed", "1", Windowed);
            await before.Snapshots.WriteAsync(file, default);
        }
        file.Position = 0;
        var redis = new ModelRedis();
        using var node = new ModelNode(redis, time: time);
        if (connectedBefore) Connect(node);
        await node.Cache.Snapshots.ReadAsync(file, null, default);
        if (!connectedBefore)
        {
            // The control: nothing was doubted so far.
            Assert.Equal("1", node.Cache.GetLocal<string>("plain").Value);
            Connect(node);
        }
        Assert.False(node.Cache.GetLocal<string>("plain").Found);
        Assert.False(node.Cache.GetLocal<string>("windowed").Found);
        Assert.Equal(("1", Reason.Stale), await Lenient(node));
        time.Advance(TimeSpan.FromSeconds(5));
        await Eventually.True(() => Lenient(node).GetAwaiter().GetResult().Value is null);

        static void Connect(ModelNode node)
        {
            node.Connect();
            node.ReadLog();
        }

        static async Task<(string? Value, Reason)> Lenient(ModelNode node) =>
            await node.Cache.GetAsync<string>("windowed", allowStale: true) is var found && found.Found ? (found.Value, found.Reason) : (null, Reason.None);
    }
}
