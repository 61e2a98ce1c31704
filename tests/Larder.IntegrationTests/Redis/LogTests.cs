using System.Globalization;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>The steps on the log against a real server (docs/invalidation.md, R-1 to R-6).</summary>
public sealed class LogTests : IAsyncLifetime
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);
    private static readonly EventField[] Fields = [new("kind", "tag"u8.ToArray()), new("text", "a"u8.ToArray()), new("text", "b"u8.ToArray())];

    private readonly LogCommands _log = new(new("larder:"), Long, keptGroups: 1000, keptKeys: 100);
    private RedisServer _server = null!;
    private RedisLink _link = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await RedisServer.StartAsync();
        _link = new(_server.Options());
        await Connected();
    }

    public async ValueTask DisposeAsync()
    {
        await _link.DisposeAsync();
        await _server.DisposeAsync();
    }

    private RedisConnection Connection => _link.Current!;

    private Task<RedisConnection> Connected() => _link.WhenConnectedAsync(new CancellationTokenSource(Long).Token);

    private async Task<RemoteState> Open()
    {
        (LogOutcome outcome, RemoteState state) = await _log.OpenAsync(Connection);
        Assert.Equal(LogOutcome.Done, outcome);
        return state;
    }

    private async Task<long> Append(RemoteStream stream, ulong epoch)
    {
        (LogOutcome outcome, long ordinal) = await _log.AppendAsync(Connection, stream, epoch, Fields);
        Assert.Equal(LogOutcome.Done, outcome);
        return ordinal;
    }

    private async Task<Dictionary<string, string>[]> Read(string stream)
    {
        RespValue entries = await _server.AskAsync("XRANGE", "larder:{log}:" + stream, "-", "+");
        return [.. entries.Items.ToArray().Select(entry =>
        {
            RespValue[] words = entry.Items.Span[1].Items.ToArray();
            var fields = new Dictionary<string, string> { ["id"] = entry.Items.Span[0].Text! };
            for (int i = 0; i < words.Length; i += 2) fields[words[i].Text!] = fields.TryGetValue(words[i].Text!, out string? before) ? before + "," + words[i + 1].Text : words[i + 1].Text!;
            return fields;
        })];
    }

    [Fact]
    public async Task Events_of_both_streams_have_one_order_and_name_what_was_before_them()
    {
        RemoteState state = await Open();
        Assert.Equal((0, 0, 0), (state.Last, state.Groups, state.Keys));
        Assert.Equal(1, await Append(RemoteStream.Groups, state.Epoch));
        Assert.Equal(2, await Append(RemoteStream.Keys, state.Epoch));
        Assert.Equal(3, await Append(RemoteStream.Groups, state.Epoch));
        Assert.Equal(new(LogOutcome.Done, new RemoteState(state.Epoch, 3, 3, 2)), await _log.AskAsync(Connection));
        Assert.Equal(new(state.Epoch, 3, 3, 2), await Open());
        Dictionary<string, string>[] groups = await Read("groups");
        Assert.Equal(("1-0", "0", "0"), (groups[0]["id"], groups[0]["groups"], groups[0]["keys"]));
        Assert.Equal(("3-0", "1", "2"), (groups[1]["id"], groups[1]["groups"], groups[1]["keys"]));
        Assert.Equal((state.Epoch.ToString("x16", CultureInfo.InvariantCulture), "tag", "a,b"), (groups[1]["epoch"], groups[1]["kind"], groups[1]["text"]));
        Assert.InRange(long.Parse(groups[1]["at"], CultureInfo.InvariantCulture), DateTimeOffset.UtcNow.AddMinutes(-1).ToUnixTimeMilliseconds(), DateTimeOffset.UtcNow.AddMinutes(1).ToUnixTimeMilliseconds());
    }

    public static TheoryData<string> Losses => ["state", "groups", "keys", "all", "restart", "dump", "torn", "failback"];

    [Theory]
    [MemberData(nameof(Losses))]
    public async Task What_was_lost_ends_the_epoch_and_nothing_is_appended_to_it(string what)
    {
        RemoteState state = await Open();
        await Append(RemoteStream.Groups, state.Epoch);
        await Append(RemoteStream.Keys, state.Epoch);
        switch (what)
        {
            case "all": await _server.AskAsync("FLUSHALL"); break;
            case "restart":
            case "dump":
                await _server.AskAsync("SAVE");
                // The dump has less than was acknowledged.
                if (what == "dump") await Append(RemoteStream.Groups, state.Epoch);
                RedisConnection before = Connection;
                await _server.KillAsync();
                await _server.StartAgainAsync();
                while (_link.Current is null || _link.Current == before) await Task.Delay(1);
                break;
            case "torn": await _server.AskAsync("XDEL", "larder:{log}:keys", "2-0"); break;
            case "failback":
                // A master for a while under another one: run id and data stay, the replication id does not.
                await _server.AskAsync("REPLICAOF", "127.0.0.1", 1);
                await _server.AskAsync("REPLICAOF", "NO", "ONE");
                break;
            default: await _server.AskAsync("DEL", "larder:{log}:" + what); break;
        }
        Assert.Equal(LogOutcome.OtherEpoch, (await _log.AskAsync(Connection)).Outcome);
        Assert.Equal(new AppendResult(LogOutcome.OtherEpoch, 0), await _log.AppendAsync(Connection, RemoteStream.Groups, state.Epoch, Fields));
        RemoteState next = await Open();
        Assert.NotEqual(state.Epoch, next.Epoch);
        Assert.Equal((0, 0, 0), (next.Last, next.Groups, next.Keys));
        Assert.Equal(next, await Open());
        Assert.Equal(1, await Append(RemoteStream.Keys, next.Epoch));
        Assert.Equal(new AppendResult(LogOutcome.OtherEpoch, 0), await _log.AppendAsync(Connection, RemoteStream.Groups, state.Epoch, Fields));
        Assert.Empty(await Read("groups"));
    }

    [Fact]
    public async Task Many_who_open_a_lost_log_begin_one_epoch()
    {
        StateAnswer[] states = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => _log.OpenAsync(Connection).AsTask()));
        Assert.Single(states.Distinct());
        Assert.Equal(LogOutcome.Done, states[0].Outcome);
    }

    [Theory]
    [InlineData("hset")]
    [InlineData("xadd")]
    [InlineData("time")]
    [Trait("clause", "R-2")]
    public async Task Whoever_lacks_a_right_to_append_changes_nothing(string right)
    {
        RemoteState state = await Open();
        foreach (RemoteStream stream in (RemoteStream[])[RemoteStream.Groups, RemoteStream.Keys]) await Append(stream, state.Epoch);
        (_, RemoteState before) = await _log.AskAsync(Connection);
        await _server.AskAsync("ACL", "SETUSER", "poor", "on", ">secret", "~*", "+@all", "-" + right);
        await using var poor = new RedisLink(_server.Options(o => (o.User, o.Password) = ("poor", "secret")));
        RedisConnection connection = await poor.WhenConnectedAsync(new CancellationTokenSource(Long).Token);
        foreach (RemoteStream stream in (RemoteStream[])[RemoteStream.Groups, RemoteStream.Keys])
        {
            Assert.Equal(new AppendResult(LogOutcome.Refused, 0), await _log.AppendAsync(connection, stream, state.Epoch, Fields));
            // A stream that does not end where the state says would end the epoch for everybody.
            Assert.Equal(new(LogOutcome.Done, before), await _log.AskAsync(Connection));
        }
        Assert.Equal(before.Last + 1, await Append(RemoteStream.Groups, state.Epoch));
    }

    [Fact]
    public async Task Many_who_append_get_each_an_ordinal_of_its_own_without_gaps()
    {
        RemoteState state = await Open();
        AppendResult[] appended = await Task.WhenAll(
            Enumerable.Range(0, 500).Select(i => _log.AppendAsync(Connection, (RemoteStream)(i % 2), state.Epoch, Fields).AsTask()));
        Assert.Equal(Enumerable.Range(1, 500).Select(i => (long)i), appended.Select(a => a.Ordinal).Order());
        long before = 0;
        foreach (Dictionary<string, string> entry in await Read("groups"))
        {
            Assert.Equal(before.ToString(CultureInfo.InvariantCulture), entry["groups"]);
            before = long.Parse(entry["id"].Split('-')[0], CultureInfo.InvariantCulture);
        }
    }

    [Fact]
    public async Task Streams_are_trimmed_and_the_log_goes_on()
    {
        RemoteState state = await Open();
        await Task.WhenAll(Enumerable.Range(0, 2000).Select(_ => _log.AppendAsync(Connection, RemoteStream.Keys, state.Epoch, Fields).AsTask()));
        Assert.True((await _server.AskAsync("XLEN", "larder:{log}:keys")).TryGetInteger(out long kept));
        Assert.InRange(kept, 100, 300);
        Assert.Equal(2001, await Append(RemoteStream.Keys, state.Epoch));
    }

    [Fact]
    public async Task A_full_server_appends_all_the_same_and_a_replica_refuses()
    {
        RemoteState state = await Open();
        await _server.AskAsync("CONFIG", "SET", "maxmemory", 1);
        Assert.Equal(1, await Append(RemoteStream.Groups, state.Epoch));
        await _server.AskAsync("CONFIG", "SET", "maxmemory", 0);
        // The refusal ends the connection: there may be none when the next is asked for.
        RedisConnection connection = Connection;
        await _server.AskAsync("REPLICAOF", "127.0.0.1", 1);
        Assert.Equal(LogOutcome.Refused, (await _log.AppendAsync(connection, RemoteStream.Groups, state.Epoch, Fields)).Outcome);
        Assert.Equal(LogOutcome.Refused, (await _log.OpenAsync(connection)).Outcome);
        Assert.Contains("READONLY", await connection.Closed.WaitAsync(Long), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ordinals_beyond_what_a_short_number_holds_are_written_in_full()
    {
        RemoteState state = await Open();
        await _server.AskAsync("HSET", "larder:{log}:state", "last", "123456789012345", "groups", "123456789012345");
        await _server.AskAsync("XADD", "larder:{log}:groups", "123456789012345-0", "x", "y");
        Assert.Equal(123456789012346, await Append(RemoteStream.Groups, state.Epoch));
        Assert.Equal(123456789012347, await Append(RemoteStream.Keys, state.Epoch));
        Assert.Equal("123456789012346", Assert.Single(await Read("keys"))["groups"]);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_leaves_the_outcome_open()
    {
        RemoteState state = await Open();
        var hasty = new LogCommands(new("larder:"), TimeSpan.FromMilliseconds(50));
        _server.Pause();
        try
        {
            Assert.Equal(new AppendResult(LogOutcome.Unknown, 0), await hasty.AppendAsync(Connection, RemoteStream.Groups, state.Epoch, Fields));
        }
        finally
        {
            _server.Continue();
        }
    }
}
