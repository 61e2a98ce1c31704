using Larder.Tests.Support;

namespace Larder.Tests.Remote;

/// <summary>Positions that are carried from node to node.</summary>
public sealed class PositionTests
{
    private static readonly EntryOptions Tagged = new() { Tags = ["t"], StaleWhileRevalidate = TimeSpan.FromMinutes(10), Ttl = TimeSpan.FromHours(10) };

    private readonly ModelRedis _redis = new();
    private readonly SharedTime _time = new();

    private readonly List<StrictNode> _nodes = [];

    private StrictNode Node()
    {
        var node = new StrictNode(_redis, _time.NewNode(), null, Strictness.Available);
        _nodes.Add(node);
        node.Connect();
        node.ReadLog();
        // The first connection puts memory in doubt for five seconds.
        Pass(6);
        return node;
    }

    private void Pass(int seconds) => _time.Pass(TimeSpan.FromSeconds(seconds), _nodes);

    private static async Task<LookupResult<string>> Read(ModelNode node, string value, PositionToken after) =>
        await node.Cache.GetOrCreateResultAsync("k", value, static (value, _) => ValueTask.FromResult(value), after, Tagged);

    [Theory]
    [InlineData("tag")]
    [InlineData("key")]
    [InlineData("set")]
    [InlineData("remove")]
    [Trait("clause", "R-30")]
    public async Task Who_writes_here_reads_it_there_at_once(string kind)
    {
        StrictNode a = Node(), b = Node();
        Assert.Equal(default, a.Cache.PositionToken);
        await Read(b, "1", default);
        PositionToken token = default;
        switch (kind)
        {
            case "tag": token = a.Cache.TokenOf(await a.Cache.InvalidateAsync(Invalidation.Tag("t"))); break;
            case "key": token = a.Cache.TokenOf(await a.Cache.InvalidateAsync(Invalidation.Key("k"))); break;
            case "set": await a.Cache.SetAsync("k", "2", Tagged); break;
            default: await a.Cache.RemoveAsync("k"); break;
        }
        if (kind is "set" or "remove") token = a.Cache.PositionToken;
        Assert.Equal(token, a.Cache.PositionToken);
        // Without the token it is given what this node still has, and with it, it is not.
        Assert.Equal("1", (await Read(b, "-", default)).Value);
        Task<LookupResult<string>> reading = Read(b, "2", token);
        Assert.False(reading.IsCompleted);
        b.ReadLog();
        LookupResult<string> read = await reading;
        Assert.Equal("2", read.Value);
        Assert.NotEqual(Reason.BypassPosition, read.Reason);
        Assert.Equal(Reason.HitMemory, (await Read(b, "-", token)).Reason);
    }

    [Fact]
    [Trait("clause", "R-30")]
    public async Task A_node_that_does_not_get_there_in_time_makes_the_value_for_this_caller()
    {
        StrictNode a = Node(), b = Node();
        await Read(b, "1", default);
        PositionToken token = a.Cache.TokenOf(await a.Cache.InvalidateAsync(Invalidation.Tag("t")));
        Task<LookupResult<string>> reading = Read(b, "2", token);
        _time.Advance(TimeSpan.FromMilliseconds(200));
        LookupResult<string> read = await reading;
        Assert.Equal(("2", Reason.BypassPosition), (read.Value, read.Reason));
        Assert.Equal(1, b.Cache.ReasonCounts["bypass-position"]);
        // What it made is kept.
        Assert.Equal("2", (await Read(b, "-", default)).Value);
        // It joins nobody whose factory began before.
        _ = await a.Cache.InvalidateAsync(Invalidation.Tag("t"));
        b.ReadLog();
        var old = new TaskCompletionSource<string>();
        Task<string> before = b.Cache.GetOrCreateAsync("k", old.Task, static (made, _) => new ValueTask<string>(made), Tagged).AsTask();
        token = a.Cache.TokenOf(await a.Cache.InvalidateAsync(Invalidation.Tag("t")));
        reading = Read(b, "4", token);
        _time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.Equal(("4", Reason.BypassPosition), ((await reading).Value, (await reading).Reason));
        old.SetResult("3");
        Assert.Equal("3", await before);
        b.ReadLog();
        Assert.Equal("5", (await Read(b, "5", token)).Value);
    }

    [Fact]
    [Trait("clause", "R-30")]
    public async Task Memory_in_doubt_is_bypassed()
    {
        StrictNode a = Node(), b = Node();
        await Read(b, "1", default);
        PositionToken token = a.Cache.TokenOf(await a.Cache.InvalidateAsync(Invalidation.Tag("t")));
        _ = await a.Cache.InvalidateAsync(Invalidation.Tag("x"));
        _redis.Run(redis => { redis.Trim(RemoteStream.Groups, 1); return 0; });
        Assert.Equal(SeenOutcome.Gap, b.ReadLog());
        b.Connect();
        b.Read();
        // It has seen all there is, and hands out as stale what the lost event has ended; not to whoever knows of it.
        LookupResult<string> stale = await b.Cache.GetAsync<string>("k", allowStale: true);
        Assert.Equal(("1", Reason.Stale), (stale.Value, stale.Reason));
        LookupResult<string> read = await Read(b, "2", token);
        Assert.Equal(("2", Reason.BypassPosition), (read.Value, read.Reason));
        Pass(6);
        Assert.True(await b.Cache.CatchUpAsync(token));
    }

    [Fact]
    [Trait("clause", "R-30")]
    public async Task Of_another_epoch_it_is_of_no_use()
    {
        StrictNode a = Node(), b = Node();
        PositionToken token = a.Cache.TokenOf(await a.Cache.InvalidateAsync(Invalidation.Tag("t")));
        b.ReadLog();
        Assert.True(await b.Cache.CatchUpAsync(token));
        _redis.Run(redis => { redis.Restart(); return 0; });
        b.Follower.End();
        Assert.False(await b.Cache.CatchUpAsync(token));
        b.Connect();
        b.ReadLog();
        Pass(6);
        Assert.False(await b.Cache.CatchUpAsync(token));
        Assert.Equal(Reason.BypassPosition, (await Read(b, "x", token)).Reason);
    }

    [Fact]
    [Trait("clause", "R-30")]
    public async Task Forged_and_damaged_ones_are_of_no_use()
    {
        StrictNode a = Node();
        PositionToken token = a.Cache.TokenOf(await a.Cache.InvalidateAsync(Invalidation.Tag("t")));
        a.ReadLog();
        string text = token.ToString();
        Assert.InRange(text.Length, 1, 64);
        Assert.Matches("^[A-Za-z0-9_-]+$", text);
        Assert.True(PositionToken.TryParse(text, out PositionToken read));
        Assert.Equal(token, read);
        Assert.True(await a.Cache.CatchUpAsync(read));
        for (int i = 0; i < text.Length; i++)
        {
            foreach (char c in "A9_-z")
            {
                if (text[i] == c) continue;
                string changed = text[..i] + c + text[(i + 1)..];
                if (PositionToken.TryParse(changed, out PositionToken forged)) Assert.False(await a.Cache.CatchUpAsync(forged, TimeSpan.FromSeconds(10)));
            }
            Assert.False(PositionToken.TryParse(text[..i], out _));
        }
        foreach (string? none in (string?[])[null, "", " ", text + "A", text + "=", " " + text[1..], new('1', 33), "1" + new string('é', 32), new('\0', 33)])
            if (PositionToken.TryParse(none, out PositionToken odd)) Assert.False(await a.Cache.CatchUpAsync(odd));
        // Another log's, of the same ordinal.
        var others = new ModelRedis();
        others.Run(redis => { redis.State(); redis.Restart(); return 0; });
        var other = new StrictNode(others, _time.NewNode(), null, Strictness.Available);
        other.Connect();
        PositionToken foreign = other.Cache.TokenOf(await other.Cache.InvalidateAsync(Invalidation.Tag("t")));
        Assert.NotEqual(token, foreign);
        Assert.False(await a.Cache.CatchUpAsync(foreign));
    }

    [Fact]
    [Trait("clause", "R-30")]
    public async Task No_more_than_a_thousand_wait()
    {
        StrictNode a = Node(), b = Node();
        PositionToken token = a.Cache.TokenOf(await a.Cache.InvalidateAsync(Invalidation.Tag("t")));
        Task<bool>[] waiting = [.. Enumerable.Range(0, 1000).Select(_ => b.Cache.CatchUpAsync(token, TimeSpan.FromSeconds(10)).AsTask())];
        Assert.False(await b.Cache.CatchUpAsync(token, TimeSpan.FromSeconds(10)));
        using var cancelled = new CancellationTokenSource();
        b.ReadLog();
        Assert.All(await Task.WhenAll(waiting), Assert.True);
        token = a.Cache.TokenOf(await a.Cache.InvalidateAsync(Invalidation.Tag("t")));
        Task<bool> one = b.Cache.CatchUpAsync(token, TimeSpan.FromSeconds(10), cancelled.Token).AsTask();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await b.Cache.CatchUpAsync(token, TimeSpan.FromSeconds(11)));
    }

    [Fact]
    [Trait("clause", "R-30"), Trait("clause", "R-29")]
    public async Task In_one_process_a_position_is_reached_at_once()
    {
        using var cache = new LarderCache();
        Assert.True(cache.PositionToken.IsNone);
        Assert.Equal("", cache.PositionToken.ToString());
        Assert.True(await cache.CatchUpAsync(default));
        await cache.SetAsync("k", "1");
        InvalidationResult result = await cache.InvalidateAsync(Invalidation.Key("k"), InvalidationReach.Everywhere, "why");
        Assert.Equal((InvalidationStatus.Acknowledged, InvalidationReach.Everywhere), (result.Status, result.Reach));
        Assert.Equal(cache.TokenOf(result), cache.PositionToken);
        Assert.Equal("2", await cache.GetOrCreateAsync("k", _ => ValueTask.FromResult("2"), cache.TokenOf(result)));
        Assert.Equal("2", await cache.GetOrCreateAsync("k", "-", (value, _) => ValueTask.FromResult(value), cache.PositionToken));
        using var other = new LarderCache();
        Assert.False(await other.CatchUpAsync(cache.PositionToken));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await cache.InvalidateAsync(Invalidation.All, (InvalidationReach)9));
    }
}
