using Larder.Redis;
using Larder.Tests.Support;

namespace Larder.Tests.RedisClient;

/// <summary>A permission to ask and what is asked are one (docs/invalidation.md, R-33).</summary>
public sealed class AskingTests : IAsyncDisposable
{
    private const string Asking = "*1\r\n$6\r\nASKING\r\n";
    private readonly ScriptedStream _server = new();
    private readonly RedisConnection _connection;

    public AskingTests() => _connection = new(_server, new() { InFlight = 3, Unsent = 200 }, new ManualTimeProvider());

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private static string Command(string key) => $"*2\r\n$3\r\nGET\r\n${key.Length}\r\n{key}\r\n";

    private Task<RedisReply> Get(string key, bool isAsking = false) =>
        (isAsking ? _connection.SendAskingAsync(["GET", key], TimeSpan.FromMinutes(1)) : _connection.SendAsync(["GET", key], TimeSpan.FromMinutes(1))).AsTask();

    [Fact]
    [Trait("clause", "R-33")]
    public async Task The_answer_is_that_of_the_command()
    {
        Task<RedisReply> a = Get("a", isAsking: true), b = Get("b");
        await _server.HeardAsync(Asking + Command("a") + Command("b"));
        _server.Say("+OK\r\n$1\r\nA\r\n$1\r\nB\r\n");
        Assert.Equal(("A", "B"), ((await a).Value.Text, (await b).Value.Text));
    }

    [Fact]
    [Trait("clause", "R-33")]
    public async Task Where_there_is_no_room_for_both_neither_is_sent()
    {
        Task<RedisReply> a = Get("a"), b = Get("b");
        Assert.Equal(RedisOutcome.Full, (await Get("c", isAsking: true)).Outcome);
        Assert.Equal(RedisOutcome.TooLarge, (await Get(new('x', 165), isAsking: true)).Outcome);
        // It alone would have had room: the permission would have been left for the next one.
        Task<RedisReply> d = Get("d");
        await _server.HeardAsync(Command("a") + Command("b") + Command("d"));
        Assert.DoesNotContain("ASKING", _server.Heard, StringComparison.Ordinal);
        Assert.Equal(3, _connection.InFlight);
        _server.Say("$1\r\nA\r\n$1\r\nB\r\n$1\r\nD\r\n");
        Assert.Equal("D", (await d).Value.Text);
        await Task.WhenAll(a, b);
        Assert.Equal(RedisOutcome.Answered, await Answered());

        async Task<RedisOutcome> Answered()
        {
            Task<RedisReply> e = Get("e", isAsking: true);
            await _server.HeardAsync(Asking + Command("e"));
            _server.Say("+OK\r\n_\r\n");
            return (await e).Outcome;
        }
    }

    [Fact]
    public async Task Eight_threads_that_ask_and_do_not_ask_are_never_mixed()
    {
        using var stream = new ScriptedStream();
        await using var connection = new RedisConnection(stream, new(), new ManualTimeProvider());
        Task<RedisReply>[] sent = [.. (await Task.WhenAll(Enumerable.Range(0, 8).Select(t => Task.Run(() => Enumerable.Range(0, 200).Select(i => i % 2 == 0
            ? connection.SendAskingAsync(["GET", "asked"], TimeSpan.FromMinutes(1)).AsTask()
            : connection.SendAsync(["GET", "plain"], TimeSpan.FromMinutes(1)).AsTask()).ToArray())))).SelectMany(tasks => tasks)];
        int all = (Asking + Command("asked")).Length * 800 + Command("plain").Length * 800;
        await Eventually.True(() => stream.Heard.Length == all);
        Assert.Equal(800, stream.Heard.Split(Asking + Command("asked")).Length - 1);
        Assert.Equal(800, stream.Heard.Split(Asking).Length - 1);
        connection.Close("the test is over");
        Assert.All(await Task.WhenAll(sent), reply => Assert.Equal(RedisOutcome.Lost, reply.Outcome));
    }
}
