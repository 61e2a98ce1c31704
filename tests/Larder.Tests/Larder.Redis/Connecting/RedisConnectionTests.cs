using Larder.Redis;
using Larder.Tests.Support;

namespace Larder.Tests.RedisClient;

public sealed class RedisConnectionTests : IAsyncDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly ManualTimeProvider _time = new();
    private readonly ScriptedStream _server = new();
    private readonly Breaker _breaker;
    private readonly List<RespValue> _pushed = [];
    private readonly RedisConnection _connection;

    public RedisConnectionTests()
    {
        _breaker = new(new(), _time);
        _connection = new(_server, new() { InFlight = 3, Unsent = 1000 }, _time, _breaker, _pushed.Add);
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private Task<RedisReply> Get(string key, TimeSpan? timeout = null) => _connection.SendAsync(["GET", key], timeout ?? Second * 60).AsTask();

    private static string Command(string key) => $"*2\r\n$3\r\nGET\r\n${key.Length}\r\n{key}\r\n";

    [Fact]
    public async Task Answers_come_in_the_order_of_the_commands_whatever_is_between_them()
    {
        Task<RedisReply> a = Get("a"), b = Get("b"), c = Get("c");
        await _server.HeardAsync(Command("a") + Command("b") + Command("c"));
        _server.Say(">1\r\n+hello\r\n$1\r\nA\r\n|1\r\n+x\r\n:1\r\n-OOM");
        Assert.Equal("A", (await a).Value.Text);
        Assert.False(b.IsCompleted);
        _server.Say(" no room\r\n_\r\n");
        Assert.True((await b).Error!.Is("OOM"));
        Assert.True((await c).Value.IsNull);
        Assert.Equal("hello", Assert.Single(_pushed).Items.Span[0].Text);
    }

    [Fact]
    public async Task A_deadline_ends_the_waiting_not_the_order()
    {
        Task<RedisReply> a = Get("a", Second), b = Get("b", Second * 2), c = Get("c", Second * 60);
        await _server.HeardAsync(Command("c"));
        _time.Advance(Second);
        Assert.Equal(RedisOutcome.TimedOut, (await a).Outcome);
        Assert.False(b.IsCompleted);
        Assert.Equal(3, _connection.InFlight);
        Assert.Equal(RedisOutcome.Full, (await Get("d")).Outcome);
        _time.Advance(Second);
        Assert.Equal(RedisOutcome.TimedOut, (await b).Outcome);
        _server.Say("$1\r\nA\r\n$1\r\nB\r\n$1\r\nC\r\n");
        Assert.Equal("C", (await c).Value.Text);
        Assert.True((await a).IsUncertain);
    }

    [Fact]
    public async Task Too_many_or_too_much_is_refused_at_once()
    {
        _server.Block();
        Assert.Equal(RedisOutcome.TooLarge, (await Get(new('x', 2000))).Outcome);
        Task<RedisReply> first = Get(new('x', 500));
        Task<RedisReply>[] more = [Get(new('y', 600)), Get(new('y', 600))];
        // The first one is with the network by now, or is not: of the others one has room at most.
        await Eventually.True(() => more.Any(call => call.IsCompleted));
        Assert.Contains(more, call => call is { IsCompleted: true, Result.Outcome: RedisOutcome.Full });
        Assert.False(first.IsCompleted);
    }

    [Fact]
    public async Task What_was_never_handed_to_the_network_was_surely_not_sent()
    {
        Task<RedisReply> sent = Get("a");
        await _server.HeardAsync(Command("a"));
        _server.Block();
        Task<RedisReply> stuck = Get("b");
        // The second one is with the network, which does not take it; the third one waits behind it.
        await Eventually.True(() => Handed == Command("a").Length + Command("b").Length);
        Task<RedisReply> waiting = Get("c");
        _connection.Close("a test");
        RedisReply[] replies = await Task.WhenAll(sent, stuck, waiting);
        Assert.Equal([RedisOutcome.Lost, RedisOutcome.Lost, RedisOutcome.LostUnsent], replies.Select(reply => reply.Outcome));
        Assert.Equal([true, true, false], replies.Select(reply => reply.IsUncertain));
        Assert.Equal("a test", await _connection.Closed.WaitAsync(Patience));
        Assert.True(_server.IsDisposed);
        Assert.Equal(RedisOutcome.NotConnected, (await Get("d")).Outcome);
    }

    private long Handed => (long)typeof(RedisConnection).GetField("_handed", System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Instance)!.GetValue(_connection)!;

    [Fact]
    public async Task An_answer_to_a_command_that_was_not_sent_closes_the_connection()
    {
        _server.Say("+OK\r\n");
        Assert.Equal("A reply came that answers no command.", await _connection.Closed.WaitAsync(Patience));
    }

    [Fact]
    public async Task An_idle_connection_is_tried_and_closed_if_it_is_dead()
    {
        Beat(Second);
        await _server.HeardAsync("*1\r\n$4\r\nPING\r\n");
        _server.Say("+PONG\r\n");
        await Eventually.True(() => _connection.InFlight == 0);
        Beat(Second);
        await Eventually.True(() => _server.Heard.Length == 2 * "*1\r\n$4\r\nPING\r\n".Length);
        Assert.False(_connection.Closed.IsCompleted);
        for (int i = 0; i < 25; i++) Beat(Second / 10);
        Assert.Equal("the server does not answer", await _connection.Closed.WaitAsync(Patience));
        // The timers are gone with it.
        Assert.Equal(0, _time.Timers);

        void Beat(TimeSpan span) => _time.Advance(span);
    }

    [Fact]
    public async Task A_command_that_may_block_is_not_taken_for_silence()
    {
        Task<RedisReply> blocking = Get("a", Second * 30);
        for (int i = 0; i < 29; i++) _time.Advance(Second);
        Assert.False(_connection.Closed.IsCompleted || blocking.IsCompleted);
        _time.Advance(Second);
        Assert.Equal(RedisOutcome.TimedOut, (await blocking).Outcome);
        Assert.Equal("the server does not answer", await _connection.Closed.WaitAsync(Patience));
    }

    [Fact]
    public async Task Timeouts_open_the_breaker_and_answers_in_time_close_it()
    {
        for (int i = 0; i < 5; i++)
        {
            Task<RedisReply> call = Get("a", Second / 10);
            await _server.HeardAsync(Command("a"));
            _time.Advance(Second / 10);
            Assert.Equal(RedisOutcome.TimedOut, (await call).Outcome);
            Assert.Equal(i == 4, _breaker.IsOpen);
            // Late: it says nothing for those who wait no longer than that.
            _server.Say("_\r\n");
            await Eventually.True(() => _connection.InFlight == 0);
            Assert.Equal(i == 4, _breaker.IsOpen);
        }
        Task<RedisReply> probe = Get("a");
        await _server.HeardAsync(Command("a"));
        _server.Say("_\r\n");
        await probe;
        Assert.False(_breaker.IsOpen);
    }

    [Fact]
    public async Task One_who_gives_up_is_free_and_the_order_stays()
    {
        using var impatience = new CancellationTokenSource();
        Task<RedisReply> a = _connection.SendAsync(["GET", "a"], Second, impatience.Token).AsTask(), b = Get("b");
        await _server.HeardAsync(Command("b"));
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => a);
        _server.Say("$1\r\nA\r\n$1\r\nB\r\n");
        Assert.Equal("B", (await b).Value.Text);
    }

    [Fact]
    public async Task A_caller_that_blocks_its_thread_holds_nobody_up()
    {
        using var release = new ManualResetEventSlim();
        Task blocked = Task.Run(async () =>
        {
            await _connection.SendAsync(["GET", "a"], Second * 60);
            release.Wait(TimeSpan.FromMinutes(1));
        });
        await _server.HeardAsync(Command("a"));
        Task<RedisReply> b = Get("b");
        await _server.HeardAsync(Command("b"));
        _server.Say("_\r\n_\r\n");
        await b;
        Assert.False(blocked.IsCompleted);
        release.Set();
        await blocked;
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(3_601_000)]
    public void No_command_waits_for_ever(int milliseconds) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = _connection.SendAsync(["PING"], TimeSpan.FromMilliseconds(milliseconds)); });
}
