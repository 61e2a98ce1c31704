using System.Globalization;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>The leases of strict nodes on a real server (docs/invalidation.md, R-26).</summary>
public sealed class LeaseTests : IAsyncLifetime
{
    private const string Nodes = "larder:{log}:nodes";
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    private readonly LogCommands _log = new(new("larder:"), Long);
    private RedisServer _server = null!;
    private RedisLink _link = null!;
    private RedisLeases _leases = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await RedisServer.StartAsync();
        _link = new(_server.Options());
        await Connected();
        _leases = new(() => _link.Current, new("larder:"), Long);
    }

    public async ValueTask DisposeAsync()
    {
        await _link.DisposeAsync();
        await _server.DisposeAsync();
    }

    private Task<RedisConnection> Connected() => _link.WhenConnectedAsync(new CancellationTokenSource(Long).Token);

    private async Task<RemoteState> Open() => (await _log.OpenAsync(_link.Current!)).State;

    private async Task Append(ulong epoch) => await _log.AppendAsync(_link.Current!, RemoteStream.Groups, epoch, [new("kind", "all"u8.ToArray())]);

    private async Task<LeaseAnswer> Renew(ulong node, ulong epoch, long seen)
    {
        LeaseAnswer answer = await _leases.RenewAsync(node, epoch, seen);
        Assert.Equal(LogOutcome.Done, answer.Outcome);
        return answer;
    }

    private async Task<LeaseList> Unseen(long ordinal, params NodeLease[] givenUp)
    {
        LeaseList list = await _leases.UnseenAsync(ordinal, givenUp);
        Assert.Equal(LogOutcome.Done, list.Outcome);
        return list;
    }

    [Fact]
    public async Task A_lease_is_counted_on_and_names_what_its_node_has_seen()
    {
        RemoteState state = await Open();
        await Append(state.Epoch);
        LeaseAnswer first = await Renew(1, state.Epoch, 0);
        Assert.Equal(1, first.Joined);
        await Append(state.Epoch);
        Assert.Equal(first, await Renew(1, state.Epoch, 2));
        // One that was under way for long takes nothing back.
        Assert.Equal(first, await Renew(1, state.Epoch, 1));
        LeaseAnswer other = await Renew(ulong.MaxValue, state.Epoch, 1);
        Assert.Equal(2, other.Joined);
        Assert.NotEqual(first.Streak, other.Streak);
        LeaseList list = await Unseen(2);
        Assert.Equal(state.Epoch, list.Epoch);
        Assert.Equal([new NodeLease(ulong.MaxValue, other.Streak, 1, state.Epoch, 1)], list.Unseen);
        Assert.Empty((await Unseen(1)).Unseen);
        Assert.Equal(2, (await Unseen(long.MaxValue)).Unseen.Count);
        Assert.Equal(list.Registry, (await Unseen(1)).Registry);
        await _leases.ResignAsync(ulong.MaxValue);
        Assert.Empty((await Unseen(2)).Unseen);
    }

    [Fact]
    public async Task A_lease_is_given_up_only_as_it_was_seen()
    {
        RemoteState state = await Open();
        LeaseAnswer first = await Renew(7, state.Epoch, 0);
        NodeLease seen = Assert.Single((await Unseen(1)).Unseen);
        await Renew(7, state.Epoch, 0);
        NodeLease renewed = Assert.Single((await Unseen(1, seen, seen with { Streak = 5 }, seen with { Node = 8 })).Unseen);
        Assert.Equal((first.Streak, 2), (renewed.Streak, renewed.Renewals));
        Assert.Empty((await Unseen(1, renewed)).Unseen);
        // It begins anew, and is told how far the log is by now.
        await Append(state.Epoch);
        LeaseAnswer again = await Renew(7, state.Epoch, 0);
        Assert.NotEqual(first.Streak, again.Streak);
        Assert.Equal(1, again.Joined);
    }

    [Fact]
    public async Task No_clock_of_the_server_ends_a_lease()
    {
        RemoteState state = await Open();
        await Renew(7, state.Epoch, 0);
        RespValue stored = await _server.AskAsync("HGETALL", Nodes);
        Assert.Equal(4, stored.Items.Length);
        Assert.True((await _server.AskAsync("PTTL", Nodes)).TryGetInteger(out long life));
        Assert.Equal(-1, life);
    }

    [Theory]
    [InlineData("lost")]
    [InlineData("string")]
    [InlineData("field")]
    [InlineData("name")]
    [InlineData("registry")]
    [InlineData("many")]
    public async Task What_can_not_be_the_whole_begins_a_registry_of_another_name(string what)
    {
        RemoteState state = await Open();
        await Renew(7, state.Epoch, 0);
        ulong before = (await Unseen(1)).Registry;
        switch (what)
        {
            case "lost": await _server.AskAsync("DEL", Nodes); break;
            case "string":
                await _server.AskAsync("DEL", Nodes);
                await _server.AskAsync("SET", Nodes, "x");
                break;
            case "field": await _server.AskAsync("HSET", Nodes, "0000000000000009", "0000000000000009 1 garbage"); break;
            case "name": await _server.AskAsync("HSET", Nodes, "somebody", "0000000000000009 1 0000000000000009 1 1"); break;
            case "registry": await _server.AskAsync("HSET", Nodes, "registry", "x"); break;
            default:
                for (int i = 0; i < 1001; i++) await _server.AskAsync("HSET", Nodes, i.ToString("x16", CultureInfo.InvariantCulture), "x");
                break;
        }
        LeaseList list = await Unseen(1);
        Assert.NotEqual(before, list.Registry);
        Assert.DoesNotContain(list.Unseen, lease => lease.Node != 7);
        Assert.Equal(list.Registry, (await Unseen(1)).Registry);
        await Renew(7, state.Epoch, 0);
        Assert.Equal(list.Registry, (await Unseen(1)).Registry);
        Assert.Single((await Unseen(1)).Unseen);
    }

    [Fact]
    public async Task There_is_room_for_a_thousand()
    {
        RemoteState state = await Open();
        await Task.WhenAll(Enumerable.Range(1, 1000).Select(i => Renew((ulong)i, state.Epoch, 0)));
        Assert.Equal(LogOutcome.Refused, (await _leases.RenewAsync(1001, state.Epoch, 0)).Outcome);
        await Renew(1000, state.Epoch, 0);
        IReadOnlyList<NodeLease> all = (await Unseen(1)).Unseen;
        Assert.Equal(1000, all.Count);
        Assert.Equal(800, (await Unseen(1, [.. all.Take(200)])).Unseen.Count);
        await Renew(1001, state.Epoch, 0);
    }

    [Fact]
    public async Task In_another_epoch_a_lease_has_seen_nothing()
    {
        RemoteState state = await Open();
        await Renew(7, state.Epoch, 5);
        await _server.AskAsync("DEL", "larder:{log}:state");
        Assert.Equal(LogOutcome.OtherEpoch, (await _leases.RenewAsync(7, state.Epoch, 5)).Outcome);
        Assert.Equal(LogOutcome.OtherEpoch, (await _leases.UnseenAsync(1, [])).Outcome);
        RemoteState next = await Open();
        Assert.Equal(LogOutcome.OtherEpoch, (await _leases.RenewAsync(7, state.Epoch, 5)).Outcome);
        Assert.Equal(state.Epoch, Assert.Single((await Unseen(1)).Unseen).Epoch);
        await Renew(7, next.Epoch, 1);
        Assert.Empty((await Unseen(1)).Unseen);
    }

    [Fact]
    public async Task A_full_server_keeps_leases_and_a_replica_or_no_connection_grants_none()
    {
        RemoteState state = await Open();
        await _server.AskAsync("CONFIG", "SET", "maxmemory", 1);
        await Renew(7, state.Epoch, 0);
        await Unseen(1);
        await _server.AskAsync("CONFIG", "SET", "maxmemory", 0);
        RedisConnection connection = _link.Current!;
        var bound = new RedisLeases(() => connection, new("larder:"), Long);
        await _server.AskAsync("REPLICAOF", "127.0.0.1", 1);
        Assert.Equal(LogOutcome.Refused, (await bound.RenewAsync(7, state.Epoch, 0)).Outcome);
        var none = new RedisLeases(() => null, new("larder:"), Long);
        Assert.Equal(LogOutcome.Refused, (await none.RenewAsync(7, state.Epoch, 0)).Outcome);
        Assert.Equal(LogOutcome.Refused, (await none.UnseenAsync(1, [])).Outcome);
        await none.ResignAsync(7);
    }
}
