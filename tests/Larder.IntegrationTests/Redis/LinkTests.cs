using System.Text;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>What the client says to a real server, and hears from it.</summary>
public sealed class LinkTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    private static CancellationToken Soon => new CancellationTokenSource(Long).Token;

    [Fact]
    public async Task Commands_are_answered_and_the_server_says_who_it_is()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var link = new RedisLink(server.Options(o => o.ClientName = "tester"));
        RedisConnection connection = await link.WhenConnectedAsync(Soon);

        Assert.Equal(RedisLinkState.Connected, link.Status.State);
        Assert.Equal(3, connection.Server.Protocol);
        Assert.Equal(40, connection.Server.RunId!.Length);
        Assert.Equal(40, connection.Server.ReplicationId!.Length);
        Assert.Equal(("master", "standalone"), (connection.Server.Role, connection.Server.Mode));
        Assert.True(connection.Server.Version >= new Version(6, 0));
        Assert.InRange(connection.Server.Time!.Value, DateTimeOffset.UtcNow.AddMinutes(-1), DateTimeOffset.UtcNow.AddMinutes(1));

        byte[] value = new byte[3_000_000];
        new Random(1).NextBytes(value);
        Assert.Equal("OK", (await link.SendAsync(["SET", "k", value, "PX", 60_000], Long)).Value.Text);
        RedisReply read = await link.SendAsync(["GET", "k"], Long);
        Assert.True(value.AsSpan().SequenceEqual(read.Value.Bytes));
        Assert.True((await link.SendAsync(["GET", "none"], Long)).Value.IsNull);
        Assert.True((await link.SendAsync(["INCR", "n"], Long)).Value.TryGetInteger(out long n) && n == 1);
        Assert.Equal("tester", (await link.SendAsync(["CLIENT", "GETNAME"], Long)).Value.Text);
        RedisReply error = await link.SendAsync(["LPUSH", "k", "x"], Long);
        Assert.True(error.Error!.Is("WRONGTYPE") && !error.IsOk && !error.IsUncertain);
        Assert.True((await link.SendAsync(["EVALSHA", new string('0', 40), 0], Long)).Error!.Is("NOSCRIPT"));
        Assert.Equal(RespKind.Map, (await link.SendAsync(["CONFIG", "GET", "maxmemory*"], Long)).Value.Kind);
        await link.SendAsync(["CONFIG", "SET", "maxmemory", 1], Long);
        Assert.True((await link.SendAsync(["SET", "k", "v"], Long)).Error!.Is("OOM"));
    }

    [Fact]
    public async Task Ten_thousand_commands_of_eight_threads_get_each_their_own_answer()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var link = new RedisLink(server.Options());
        await link.WhenConnectedAsync(Soon);
        const int Threads = 8, Commands = 1250;
        RedisReply[][] replies = await Task.WhenAll(Enumerable.Range(0, Threads).Select(t => Task.Run(async () =>
        {
            // Without waiting in between: all of them are under way together.
            var sent = new Task<RedisReply>[Commands];
            for (int i = 0; i < Commands; i++) sent[i] = link.SendAsync(["ECHO", $"{t}:{i}:{new string('x', i % 300)}"], Long).AsTask();
            return await Task.WhenAll(sent);
        })));
        for (int t = 0; t < Threads; t++)
            for (int i = 0; i < Commands; i++)
                Assert.Equal($"{t}:{i}:{new string('x', i % 300)}", replies[t][i].Value.Text);
    }

    [Fact]
    public async Task A_command_that_blocks_waits_for_as_long_as_its_caller_says()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using var link = new RedisLink(server.Options(o => (o.Silence, o.Heartbeat) = (TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(100))));
        RedisConnection connection = await link.WhenConnectedAsync(Soon);
        ValueTask<RedisReply> blocked = link.SendAsync(["XREAD", "BLOCK", 1500, "STREAMS", "s", "$"], Long);
        RedisReply nothing = await blocked;
        Assert.True(nothing.IsOk && nothing.Value.IsNull, nothing.ToString());
        ValueTask<RedisReply> waiting = link.SendAsync(["XREAD", "BLOCK", 15_000, "STREAMS", "s", "0"], Long);
        await server.AskAsync("XADD", "s", "1-0", "f", "v");
        RedisReply events = await waiting;
        Assert.Equal(RespKind.Map, events.Value.Kind);
        Assert.Same(connection, link.Current);
    }

    [Fact]
    public async Task Users_and_databases()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await server.AskAsync("ACL", "SETUSER", "reader", "on", ">s3cret", "~larder:*", "-@all", "+get", "+select");
        await server.AskAsync("CONFIG", "SET", "requirepass", "main");
        await using (var link = new RedisLink(server.Options(o => (o.Password, o.Database) = ("main", 3))))
        {
            await link.WhenConnectedAsync(Soon);
            await link.SendAsync(["SET", "larder:a", "3"], Long);
            Assert.Contains("db=3", (await link.SendAsync(["CLIENT", "INFO"], Long)).Value.Text, StringComparison.Ordinal);
        }
        // The least rights: neither INFO nor TIME nor PING.
        await using (var link = new RedisLink(server.Options(o => (o.User, o.Password, o.Database) = ("reader", "s3cret", 3))))
        {
            RedisConnection connection = await link.WhenConnectedAsync(Soon);
            Assert.Equal((null, null), (connection.Server.RunId, connection.Server.Time));
            Assert.Equal("3", (await link.SendAsync(["GET", "larder:a"], Long)).Value.Text);
            Assert.True((await link.SendAsync(["GET", "other"], Long)).Error!.Is("NOPERM"));
            Assert.True((await link.SendAsync(["SET", "larder:a", "4"], Long)).Error!.Is("NOPERM"));
        }
    }

    [Theory]
    [InlineData("Ca9ary-wrong", null, 0, "HELLO was refused (WRONGPASS): the server knows no such user with this password")]
    [InlineData("Ca9ary-wrong", "Ca9ary-user", 0, "HELLO was refused (WRONGPASS): the server knows no such user with this password")]
    [InlineData(null, null, 0, "HELLO was refused (NOAUTH): the server wants a password")]
    [InlineData("Ca9ary-right", null, 999, "SELECT was refused (ERR)")]
    public async Task Who_is_not_let_in_is_told_why_without_secrets(string? password, string? user, int database, string why)
    {
        await using RedisServer server = await RedisServer.StartAsync("--requirepass", "Ca9ary-right");
        await using var link = new RedisLink(server.Options(o => (o.Password, o.User, o.Database) = (password, user, database)));
        await Until(() => link.Status.Why is not null);
        Assert.Equal(why, link.Status.Why);
        Assert.Equal(RedisOutcome.NotConnected, (await link.SendAsync(["GET", "k"], Long)).Outcome);
        // The control: it is let in when the server's mind changes.
        await using var good = new RedisLink(server.Options(o => o.Password = "Ca9ary-right"));
        await good.WhenConnectedAsync(Soon);
        Assert.DoesNotContain("Ca9ary", $"{link.Status}{good.Status}{good.Current!.Server}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_prepares_a_connection_comes_before_everybody_else()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        int prepared = 0, connected = 0;
        RedisLink? link = null;
        link = new(server.Options(), new()
        {
            Prepare = async (connection, token) =>
            {
                if (Interlocked.Increment(ref prepared) == 1) throw new RedisHandshakeException("not yet");
                await connection.SendAsync(["SET", "prepared", prepared], Long, token);
                Assert.Null(Volatile.Read(ref link)?.Current);
            },
            Connected = connection =>
            {
                Interlocked.Increment(ref connected);
                throw new InvalidOperationException("a listener's failure is its own");
            },
        });
        await using (link)
        {
            await link.WhenConnectedAsync(Soon);
            // Whoever waits for the connection and the listener are told of it side by side.
            await Until(() => Volatile.Read(ref connected) > 0);
            Assert.Equal((2, 1), (prepared, connected));
            Assert.Equal("2", (await link.SendAsync(["GET", "prepared"], Long)).Value.Text);
        }
        Assert.Equal(RedisOutcome.NotConnected, (await link.SendAsync(["GET", "prepared"], Long)).Outcome);
    }

    [Fact]
    public async Task A_Unix_socket_will_do()
    {
        await using RedisServer server = await RedisServer.StartAsync("--unixsocket", "s.sock");
        var options = RedisOptions.Parse(Path.Combine(server.Folder, "s.sock"));
        await using var link = new RedisLink(options);
        await link.WhenConnectedAsync(Soon);
        Assert.True((await link.SendAsync(["SET", "k", "v"], Long)).IsOk);
    }

    internal static async Task Until(Func<bool> condition)
    {
        for (CancellationToken soon = Soon; !condition(); await Task.Delay(5)) Assert.False(soon.IsCancellationRequested, "it never happened");
    }
}
