using System.Diagnostics;
using System.Text;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>Servers that lie: memory stays bounded, the connection is closed, callers hear of it.</summary>
[Collection(Measured)]
public sealed class HostileTests
{
    public const string Measured = "measures memory";
    private const long MostGrowth = 32 << 20;
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    private static RedisOptions Options(HostileServer server, Action<RedisOptions>? change = null)
    {
        var options = new RedisOptions { ConnectTimeout = TimeSpan.FromSeconds(10), LongestBackoff = TimeSpan.FromSeconds(1) };
        options.Endpoints.Add(server.Endpoint);
        change?.Invoke(options);
        return options;
    }

    public static TheoryData<string, string, int> Lies => new()
    {
        { "$2147483647\r\n", "A reply has more than 134217728 bytes.", 1 },
        { "$134217728\r\n", "", 1 },
        { "*2147483647\r\n", "A reply has more than 262144 values.", 1 },
        { "*-7\r\n", "A value has a negative number of items.", 1 },
        { "$-2147483648\r\n", "A string has a negative length.", 1 },
        { "*1\r\n", "A reply is nested deeper than 16.", 1_000_000 },
        { "*200000\r\n", "A reply is nested deeper than 16.", 1_000_000 },
        { "|1\r\n+a\r\n:1\r\n", "A reply has more than 262144 values.", 1_000_000 },
        { "+xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "A line is longer than 65536 bytes.", 1_000_000 },
        { "*0\r\n", "HELLO was answered, but not as Redis does", 1 },
        { "%1\r\n+proto\r\n:3\r\n", "A reply came that answers no command.", 1_000_000 },
        { "HTTP/1.1 400 Bad Request\r\n\r\n", "A value is of no known type, or not as its type says.", 1 },
        { "\0\u0001\u0002\r\n", "A value is of no known type, or not as its type says.", 100 },
    };

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task Whatever_it_says_instead_of_an_answer(string said, string why, int times)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat(said, Math.Min(times, 1000))));
        await using var server = new HostileServer(async (stream, token) =>
        {
            await stream.ReadAtLeastAsync(new byte[1024], 1, cancellationToken: token);
            for (int i = 0; i < Math.Max(1, times / 1000); i++) await stream.WriteAsync(bytes, token);
            await Task.Delay(Timeout.Infinite, token);
        });
        // What only claims to come has to be waited for until somebody loses patience.
        bool isEndless = why.Length == 0;
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await using var link = new RedisLink(Options(server, o => o.ConnectTimeout = isEndless ? TimeSpan.FromMilliseconds(300) : o.ConnectTimeout));
        await LinkTests.Until(() => link.Status.Why is not null);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: false) - before, long.MinValue, MostGrowth);
        if (isEndless) Assert.NotNull(link.Status.Why);
        else Assert.Contains(why, link.Status.Why, StringComparison.Ordinal);
        await LinkTests.Until(() => server.Connections >= 2 && link.Current is null);
    }

    [Fact]
    public async Task A_string_that_comes_by_the_byte_takes_memory_by_the_step()
    {
        await using var server = new HostileServer(async (stream, token) =>
        {
            await stream.ReadAtLeastAsync(new byte[1024], 1, cancellationToken: token);
            await stream.WriteAsync("$134217728\r\n"u8.ToArray(), token);
            while (true)
            {
                await stream.WriteAsync(new byte[] { 1 }, token);
                await Task.Delay(10, token);
            }
        });
        long before = GC.GetTotalMemory(forceFullCollection: true);
        await using var link = new RedisLink(Options(server, o => o.ConnectTimeout = TimeSpan.FromMilliseconds(400)));
        await LinkTests.Until(() => server.Connections >= 2);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: false) - before, long.MinValue, MostGrowth);
    }

    [Fact]
    public async Task An_answer_costs_its_bytes_and_little_more()
    {
        await using RedisServer real = await RedisServer.StartAsync();
        await using var link = new RedisLink(real.Options());
        await link.WhenConnectedAsync(new CancellationTokenSource(Long).Token);
        const int Bytes = 1024, Times = 20_000, MostBeside = 200;
        await link.SendAsync(["SET", "k", new byte[Bytes]], Long);
        await AskAsync();
        long began = Stopwatch.GetTimestamp(), before = GC.GetTotalAllocatedBytes(precise: true);
        await AskAsync();
        TimeSpan took = Stopwatch.GetElapsedTime(began);
        long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        // What the process does besides, in as much time.
        before = GC.GetTotalAllocatedBytes(precise: true);
        await Task.Delay(took, TestContext.Current.CancellationToken);
        long besides = GC.GetTotalAllocatedBytes(precise: true) - before;
        Assert.InRange((allocated - besides) / Times, Bytes - 1, Bytes + MostBeside);

        async Task AskAsync()
        {
            for (int i = 0; i < Times; i++) Assert.True((await link.SendAsync(["GET", "k"], Long)).IsOk);
        }
    }

    [Fact]
    public async Task An_answer_too_many_closes_the_connection_before_it_can_reach_the_wrong_caller()
    {
        await using var server = HostileServer.Answering(command => command[0] == "GET" ? "$3\r\nfoo\r\n$3\r\nbar\r\n" : HostileServer.Usual(command));
        await using var link = new RedisLink(Options(server));
        RedisConnection connection = await link.WhenConnectedAsync(new CancellationTokenSource(Long).Token);
        Assert.Equal("foo", (await link.SendAsync(["GET", "a"], Long)).Value.Text);
        Assert.Equal("A reply came that answers no command.", await connection.Closed.WaitAsync(Long));
    }

    [Fact]
    public async Task Pushes_and_attributes_between_answers_disturb_nobody()
    {
        await using var server = HostileServer.Answering(command => ">2\r\n+invalidate\r\n*1\r\n+k\r\n|1\r\n+ttl\r\n:1\r\n" + HostileServer.Usual(command));
        int pushes = 0;
        await using var link = new RedisLink(Options(server), new() { Pushed = push => pushes += push.Items.Span[0].Text == "invalidate" ? 1 : 0 });
        await link.WhenConnectedAsync(new CancellationTokenSource(Long).Token);
        Assert.Equal("OK", (await link.SendAsync(["SET", "a", "b"], Long)).Value.Text);
        Assert.Equal(6, pushes);
    }

    [Fact]
    public async Task A_server_before_6_0_and_what_it_repeats_of_the_password()
    {
        var said = new List<string>();
        await using var server = HostileServer.Answering(command =>
        {
            lock (said) said.Add(string.Join(' ', command));
            return command switch
            {
                ["HELLO", ..] => $"-ERR unknown command `HELLO`, with args beginning with: {string.Join(", ", command[1..])}\r\n",
                ["INFO", "server"] => "$34\r\nredis_version:5.0.7\r\nrun_id:abcdef\r\n",
                ["INFO", ..] => "$13\r\nrole:\u001b[31mbad\r\n",
                _ => HostileServer.Usual(command),
            };
        });
        await using var link = new RedisLink(Options(server, o => o.Password = "Ca9ary"));
        RedisConnection connection = await link.WhenConnectedAsync(new CancellationTokenSource(Long).Token);
        Assert.Equal(["HELLO 3 AUTH default Ca9ary SETNAME larder", "AUTH Ca9ary", "CLIENT SETNAME larder"], said[..3]);
        Assert.Equal((2, "abcdef", new Version(5, 0, 7), null), (connection.Server.Protocol, connection.Server.RunId, connection.Server.Version, connection.Server.Role));
    }

    [Fact]
    public async Task No_secret_is_in_what_is_said_about_a_server_that_repeats_it()
    {
        var logger = new ListLogger();
        await using var server = HostileServer.Answering(command => $"-CA9ARY {string.Join(' ', command)}\r\n");
        await using var link = new RedisLink(Options(server, o => (o.User, o.Password) = ("CA9ARY-user", "CA9ARY")), logger: logger);
        await LinkTests.Until(() => link.Status.Why is not null && logger.Lines.Length > 0);
        Assert.Equal("HELLO was refused (ERR)", link.Status.Why);
        string all = string.Join('\n', [.. logger.Lines, link.Status.ToString()]);
        Assert.DoesNotContain("CA9ARY", all, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("HELLO was refused", all, StringComparison.Ordinal);
    }
}

[CollectionDefinition(HostileTests.Measured, DisableParallelization = true)]
public sealed class MeasuredCollection;
