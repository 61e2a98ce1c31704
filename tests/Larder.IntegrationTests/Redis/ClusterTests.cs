using System.Globalization;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>Slots and the log on a real cluster whose hash slots move (docs/invalidation.md, R-33).</summary>
[Trait("clause", "R-33")]
public sealed class ClusterTests : IAsyncLifetime
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);
    private static readonly RedisNames Names = new("larder:");
    /// <summary>Nothing is noticed by chance: the map is asked for only where something has shown that it is old.</summary>
    private static readonly TopologyBeats Quiet = new() { Refresh = TimeSpan.FromHours(1), Gap = TimeSpan.FromMilliseconds(20) };
    private static readonly EventField[] Fields = [new("kind", "tag"u8.ToArray()), new("text", "a"u8.ToArray())];

    private readonly LarderCache _cache = new();
    private readonly LogCommands _log = new(Names, Long);
    private TestCluster _cluster = null!;
    private RedisTopology _topology = null!;
    private RedisSlots _slots = null!;

    public async ValueTask InitializeAsync()
    {
        _cluster = await TestCluster.StartAsync();
        _topology = new(_cluster.Options(), Names, beats: Quiet);
        _slots = Slots(_topology.Routes);
        await _topology.LogLink.WhenConnectedAsync(new CancellationTokenSource(Long).Token);
        // A link is made when it is asked for, and nobody waits for it.
        for (int i = 0; i < 3; i++) await SentinelGroup.Until(async () => (await _slots.ReadAsync(KeyOn(_cluster.Nodes[i]))).Outcome == SlotOutcome.Done);
    }

    public async ValueTask DisposeAsync()
    {
        await _topology.DisposeAsync();
        await _cluster.DisposeAsync();
        _cache.Dispose();
    }

    private RedisSlots Slots(IRedisRoutes routes) => new(routes, Names, new(_cache.Clock, TimeProvider.System), Long, () => 7);

    private static SlotClaim ClaimOf(SlotRead read) => new(read.Identity, read.Server, new(7, 1));

    private static int SlotOf(string key) => HashSlot.Of((RedisArgument)Names.SlotOf(key));

    private string KeyOn(RedisServer node, int nth = 0) => Enumerable.Range(0, int.MaxValue).Select(i => "k" + i.ToString(CultureInfo.InvariantCulture)).Where(key => _cluster.OwnerOf(SlotOf(key)) == node).ElementAt(nth);

    private ClusterMap Map => ((ClusterRoutes)_topology.Routes).Map!;

    private static Task Until(Func<bool> condition) => SentinelGroup.Until(() => Task.FromResult(condition()));

    [Fact]
    public async Task Every_slot_is_on_the_server_that_the_cluster_has_for_it()
    {
        foreach (string key in Enumerable.Range(0, 100).Select(i => $"key {i}é").Append("{brace}").Append(new string('x', 2000)))
        {
            SlotRead claimed = await _slots.ClaimAsync(key, Long);
            Assert.Equal((SlotOutcome.Done, true), (claimed.Outcome, claimed.MayReplace));
            Assert.Equal(SlotOutcome.Done, await _slots.ReplaceAsync(key, ClaimOf(claimed), new byte[] { 1, 2 }, Long));
            Assert.Equal([1, 2], (await _slots.ReadAsync(key)).Stored.ToArray());
            string name = Names.SlotOf(key);
            Assert.True((await _cluster.Nodes[0].AskAsync("CLUSTER", "KEYSLOT", name)).TryGetInteger(out long slot) && slot == SlotOf(key));
            Assert.Equal(18, (await _cluster.OwnerOf((int)slot).AskAsync("GET", name)).Bytes!.Length);
        }
        Assert.All(_cluster.Nodes, node => Assert.Contains(node.Endpoint, Map.Nodes));
        Assert.Equal(HashSlot.Count, Map.Served);
        Assert.Equal(SlotOutcome.Done, await _slots.UnlinkAsync("key 1é"));
        Assert.Equal(default, (await _slots.ReadAsync("key 1é")).Identity);
        // Each is served by a server of its own, and says so.
        Assert.Equal(3, (await Task.WhenAll(_cluster.Nodes.Select(node => _slots.ReadAsync(KeyOn(node)).AsTask()))).Select(read => read.Server.Identity).Distinct().Count());
    }

    [Fact]
    public async Task Hash_slots_are_those_of_the_server_whatever_is_in_the_name()
    {
        await using Stream stream = await Transport.ConnectAsync(_cluster.Nodes[0].Endpoint, null, CancellationToken.None);
        await using var connection = new RedisConnection(stream, new(), TimeProvider.System);
        var random = new Random(7);
        byte[][] names = [.. Enumerable.Range(0, 3000).Select(_ =>
        {
            byte[] name = new byte[random.Next(40)];
            for (int i = 0; i < name.Length; i++) name[i] = random.Next(4) == 0 ? (byte)"{}"[random.Next(2)] : (byte)random.Next(256);
            return name;
        })];
        RedisReply[] replies = await Task.WhenAll(names.Select(name => connection.SendAsync(["CLUSTER", "KEYSLOT", name], Long).AsTask()));
        for (int i = 0; i < names.Length; i++) Assert.True(replies[i].Value.TryGetInteger(out long slot) && slot == HashSlot.Of(names[i]), Convert.ToHexString(names[i]));
        Assert.Contains(names, name => HashSlot.Of(name) != HashSlot.Of([.. name, (byte)'x']));
    }

    [Fact]
    public async Task A_slot_that_has_moved_is_followed_and_its_old_server_keeps_its_connection()
    {
        RedisServer from = _cluster.Nodes[1], to = _cluster.Nodes[2];
        string key = KeyOn(from);
        SlotRead before = await _slots.ClaimAsync(key, Long);
        await using var link = new RedisLink(_cluster.Options(), endpoints: new OneNode(from.Endpoint, (_, _) => { }, () => { }));
        await link.WhenConnectedAsync(new CancellationTokenSource(Long).Token);
        RedisConnection? connection = _topology.Routes.For(Names.SlotWordOf(key))!.Current;
        await _cluster.MoveAsync(SlotOf(key), from, to);
        // The control: who does not follow gets nothing.
        Assert.Equal(SlotOutcome.Refused, (await Slots(new SingleServer(link)).ReadAsync(key)).Outcome);

        SlotRead after = await _slots.ReadAsync(key);
        Assert.Equal((SlotOutcome.Done, before.Identity), (after.Outcome, after.Identity));
        Assert.NotEqual(before.Server.Identity, after.Server.Identity);
        await Until(() => Map.EndpointOf(SlotOf(key)) == to.Endpoint);
        // The claim was made on the other server, whatever has come along with the slot.
        Assert.Equal(SlotOutcome.Changed, await _slots.ReplaceAsync(key, ClaimOf(before), new byte[] { 9 }, Long));
        Assert.Equal(SlotOutcome.Done, await _slots.ReplaceAsync(key, ClaimOf(after), new byte[] { 9 }, Long));
        Assert.Equal(SlotOutcome.Done, (await _slots.ReadAsync(KeyOn(from, 1))).Outcome);
        Assert.False(connection!.Closed.IsCompleted);
    }

    [Fact]
    public async Task A_slot_that_is_on_its_way_is_claimed_and_removed_where_it_goes_and_read_where_it_is()
    {
        RedisServer from = _cluster.Nodes[0], to = _cluster.Nodes[1];
        string stays = KeyOn(from);
        int slot = SlotOf(stays);
        string comes = Enumerable.Range(0, int.MaxValue).Select(i => $"other{i}").First(key => SlotOf(key) == slot);
        SlotRead there = await _slots.ClaimAsync(stays, Long);
        await _cluster.BeginMoveAsync(slot, from, to);

        SlotRead claimed = await _slots.ClaimAsync(comes, Long);
        Assert.Equal((SlotOutcome.Done, true), (claimed.Outcome, claimed.MayReplace));
        Assert.NotEqual(there.Server.Identity, claimed.Server.Identity);
        // It is stored when the hash slot has arrived, not before: the server that is asked first is not the claimed one.
        Assert.Equal(SlotOutcome.Changed, await _slots.ReplaceAsync(comes, ClaimOf(claimed), new byte[] { 1 }, Long));
        Assert.Equal(claimed.Identity, (await _slots.ReadAsync(comes)).Identity);
        SlotRead still = await _slots.ReadAsync(stays);
        Assert.Equal((there.Identity, there.Server.Identity), (still.Identity, still.Server.Identity));
        // The control: without the permission the new server sends everybody back.
        Assert.True((await to.AskAsync("GET", Names.SlotOf(comes))).Error!.Is("MOVED"));
        // What one command is told says nothing about the next.
        Assert.Equal(from.Endpoint, Map.EndpointOf(slot));

        Assert.Equal(SlotOutcome.Done, await _slots.UnlinkAsync(comes));
        Assert.Equal(default, (await _slots.ReadAsync(comes)).Identity);
        SlotRead later = await _slots.ClaimAsync(comes, Long);
        await _cluster.MoveKeysAsync(slot, from, to);
        Assert.Equal(there.Identity, (await _slots.ReadAsync(stays)).Identity);
        Assert.Equal(SlotOutcome.Done, await _slots.UnlinkAsync(stays));
        await _cluster.EndMoveAsync(slot, from, to);
        Assert.Equal((later.Identity, default), ((await _slots.ReadAsync(comes)).Identity, (await _slots.ReadAsync(stays)).Identity));
        await Until(() => Map.EndpointOf(slot) == to.Endpoint);
        Assert.Equal(from.Endpoint, Map.EndpointOf(slot + 1));
        Assert.Equal(SlotOutcome.Done, await _slots.ReplaceAsync(comes, ClaimOf(later), new byte[] { 1 }, Long));
        Assert.Equal([1], (await _slots.ReadAsync(comes)).Stored.ToArray());
    }

    [Fact]
    public async Task A_node_without_hash_slots_is_asked_when_it_is_named()
    {
        RedisServer from = _cluster.Nodes[0], to = await _cluster.AddAsync();
        await _cluster.MeetAsync(to);
        string key = KeyOn(from);
        await _cluster.BeginMoveAsync(SlotOf(key), from, to);
        Assert.DoesNotContain(to.Endpoint, Map.Nodes);
        await SentinelGroup.Until(async () => (await _slots.ClaimAsync(key, Long)).Outcome == SlotOutcome.Done);
        // Maps that do not name it do not take its link away meanwhile.
        await ((ClusterRoutes)_topology.Routes).RefreshedAsync();
        Assert.Equal(SlotOutcome.Done, (await _slots.ClaimAsync(key, Long)).Outcome);
        await _cluster.EndMoveAsync(SlotOf(key), from, to);
        Assert.Equal(SlotOutcome.Done, (await _slots.ReadAsync(key)).Outcome);
        await Until(() => Map.EndpointOf(SlotOf(key)) == to.Endpoint);
    }

    [Fact]
    public async Task A_log_that_moves_is_refused_meanwhile_and_followed_then_with_a_new_epoch()
    {
        int slot = HashSlot.Of((RedisArgument)Names.State);
        RedisServer from = _cluster.OwnerOf(slot), to = _cluster.OtherThan(from);
        RedisConnection steps = _topology.LogSteps!.Current!, reader = _topology.LogLink.Current!;
        Assert.Equal((from.Endpoint, from.Endpoint), (steps.Endpoint, reader.Endpoint));
        (LogOutcome opened, RemoteState state) = await _log.OpenAsync(steps);
        Assert.Equal(LogOutcome.Done, opened);
        Assert.Equal(1, (await _log.AppendAsync(steps, RemoteStream.Groups, state.Epoch, Fields)).Ordinal);

        await _cluster.BeginMoveAsync(slot, from, to);
        await _cluster.MoveKeysAsync(slot, from, to, Names.State);
        Assert.True((await from.AskAsync("EVAL", "return 1", 2, Names.State, Names.Groups)).Error!.Is("TRYAGAIN"));
        Assert.Equal(LogOutcome.Refused, (await _log.AppendAsync(steps, RemoteStream.Groups, state.Epoch, Fields)).Outcome);
        Assert.Equal(LogOutcome.Refused, (await _log.AskAsync(steps)).Outcome);
        Assert.False(steps.Closed.IsCompleted);
        await _cluster.MoveKeysAsync(slot, from, to);
        await _cluster.EndMoveAsync(slot, from, to);

        Assert.Equal(LogOutcome.Refused, (await _log.AskAsync(steps)).Outcome);
        await Until(() => _topology.LogSteps?.Current?.Endpoint == to.Endpoint && _topology.LogLink.Current?.Endpoint == to.Endpoint);
        Assert.Contains("another node", await reader.Closed.WaitAsync(Long), StringComparison.Ordinal);
        // Slots of the old server are still served by the same connection.
        Assert.False(steps.Closed.IsCompleted);
        // The streams have come along, but not whom they belong to.
        Assert.Equal(LogOutcome.OtherEpoch, (await _log.AskAsync(_topology.LogSteps!.Current!)).Outcome);
        (LogOutcome again, RemoteState next) = await _log.OpenAsync(_topology.LogSteps!.Current!);
        Assert.Equal(LogOutcome.Done, again);
        Assert.NotEqual(state.Epoch, next.Epoch);
        Assert.Equal(1, (await _log.AppendAsync(_topology.LogSteps!.Current!, RemoteStream.Groups, next.Epoch, Fields)).Ordinal);
    }

    [Fact]
    public async Task A_connection_of_the_reader_that_is_sent_elsewhere_comes_back_there()
    {
        int slot = HashSlot.Of((RedisArgument)Names.State);
        RedisServer from = _cluster.OwnerOf(slot), to = _cluster.OtherThan(from);
        RedisConnection reader = _topology.LogLink.Current!;
        ValueTask<RedisReply> reading = reader.SendAsync(["XREAD", "BLOCK", 60_000, "STREAMS", Names.Groups, Names.Keys, "0", "0"], Long * 2);
        await _cluster.MoveAsync(slot, from, to);
        RedisReply reply = await reading;
        Assert.True(reply.Error!.Is("MOVED"));
        ServerWatch.Heed(reader, reply);
        Assert.Contains("MOVED", await reader.Closed.WaitAsync(Long), StringComparison.Ordinal);
        await Until(() => _topology.LogLink.Current?.Endpoint == to.Endpoint);
    }

    [Fact]
    public async Task A_cluster_is_not_taken_for_one_server()
    {
        await using var link = new RedisLink(_cluster.Options(o => o.Cluster = false));
        await Until(() => link.Status.Why == "the server is a node of a cluster: set cluster=true");
        Assert.Null(link.Current);
    }
}
