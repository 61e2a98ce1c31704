using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>Nodes that share a real server: what one makes or ends, the others see.</summary>
public sealed class TierTests : IAsyncLifetime
{
    private RedisServer _server = null!;
    private RedisNode _a = null!, _b = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await RedisServer.StartAsync();
        _a = await RedisNode.StartAsync(_server.Options());
        _b = await RedisNode.StartAsync(_server.Options());
    }

    public async ValueTask DisposeAsync()
    {
        _a.Dispose();
        _b.Dispose();
        await _server.DisposeAsync();
    }

    private async Task Share(string key, string value, EntryOptions? options = null)
    {
        Assert.Equal((value, Reason.MissCold), await _a.GetOrMakeAsync(key, value, options));
        await _a.UntilIdleAsync();
        Assert.Equal((value, Reason.HitRedis), await _b.GetOrMakeAsync(key, "not made", options));
        Assert.Equal((value, Reason.HitMemory), await _b.GetOrMakeAsync(key, "not made", options));
    }

    [Fact]
    [Trait("clause", "R-11"), Trait("clause", "R-15"), Trait("clause", "R-16")]
    public Task What_one_node_has_made_the_other_finds() => Share("k", "v");

    [Fact]
    public async Task A_lookup_finds_it_too()
    {
        await Share("k", "v");
        using RedisNode third = await RedisNode.StartAsync(_server.Options());
        LookupResult<string> found = await third.Cache.GetAsync<string>("k", TestContext.Current.CancellationToken);
        Assert.Equal(("v", Reason.HitRedis), (found.Value, found.Reason));
        Assert.InRange(found.Remaining, TimeSpan.FromMinutes(9), TimeSpan.FromMinutes(10));
    }

    public static TheoryData<string> Events => ["key", "remove", "set", "tag", "prefix", "glob", "regex", "user", "all"];

    [Theory]
    [MemberData(nameof(Events))]
    [Trait("clause", "R-5"), Trait("clause", "R-9"), Trait("clause", "R-19"), Trait("clause", "R-20"), Trait("clause", "R-21")]
    public async Task What_one_node_ends_is_ended_on_the_other(string kind)
    {
        var options = new EntryOptions { Ttl = TimeSpan.FromMinutes(10), Tags = ["t:1"], User = "u" };
        await Share("key:1", "old", options);
        Reason after = Reason.MissInvalidated;
        switch (kind)
        {
            case "remove":
                Assert.True(await _a.Cache.RemoveAsync("key:1", TestContext.Current.CancellationToken));
                break;
            case "set":
                Assert.Equal(Reason.None, await _a.Cache.SetAsync("key:1", "new", options, TestContext.Current.CancellationToken));
                after = Reason.HitRedis;
                break;
            default:
                InvalidationResult result = await _a.Cache.InvalidateAsync(kind switch
                {
                    "key" => Invalidation.Key("key:1"),
                    "tag" => Invalidation.Tag("t"),
                    "prefix" => Invalidation.Prefix("key:"),
                    "glob" => Invalidation.Glob("k?y:*"),
                    "regex" => Invalidation.Regex(":[0-9]$"),
                    "user" => Invalidation.User("u"),
                    _ => Invalidation.All,
                }, cancellationToken: TestContext.Current.CancellationToken);
                Assert.Equal((InvalidationStatus.Acknowledged, InvalidationReach.Logged), (result.Status, result.Reach));
                break;
        }
        await _b.UntilSeenAsync(_a);
        Assert.Equal(("new", after), await _b.GetOrMakeAsync("key:1", "new", options));
    }

    [Fact]
    [Trait("clause", "R-7")]
    public async Task A_node_that_comes_later_knows_what_was_ended_before()
    {
        await Share("k", "old", new() { Ttl = TimeSpan.FromMinutes(10), Tags = ["t"] });
        await _a.Cache.InvalidateAsync(Invalidation.Tag("t"), cancellationToken: TestContext.Current.CancellationToken);
        using RedisNode later = await RedisNode.StartAsync(_server.Options());
        Assert.Equal(("new", Reason.MissCold), await later.GetOrMakeAsync("k", "new"));
    }

    [Fact]
    [Trait("clause", "R-24")]
    public async Task Without_the_server_memory_goes_on_and_what_was_ended_meanwhile_is_told_later()
    {
        await Share("k", "old", new() { Ttl = TimeSpan.FromMinutes(10), Tags = ["t"] });
        await Share("other", "stays");
        await _server.KillAsync();
        await _a.UntilAsync(RemoteTierState.Away);
        InvalidationResult result = await _a.Cache.InvalidateAsync(Invalidation.Tag("t"), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((InvalidationStatus.Pending, InvalidationReach.Local), (result.Status, result.Reach));
        Assert.Equal(("new", Reason.MissInvalidated), await _a.GetOrMakeAsync("k", "new"));
        Assert.Equal(("made", Reason.MissCold), await _a.GetOrMakeAsync("made", "made"));
        await _server.StartAgainAsync();
        await _a.UntilAsync(RemoteTierState.InUse);
        await _a.UntilIdleAsync();
        await _b.UntilAsync(RemoteTierState.InUse);
        await _b.UntilSeenAsync(_a);
        Assert.Equal("new", (await _b.GetOrMakeAsync("k", "new")).Value);
    }

    [Fact]
    public async Task The_log_can_be_asked_for_by_a_server_without_RESP3()
    {
        // The stream's answer has another shape. No right can be taken away instead: everybody may say HELLO.
        await using RedisServer server = await RedisServer.StartAsync("--rename-command", "HELLO", "");
        using RedisNode a = await RedisNode.StartAsync(server.Options()), b = await RedisNode.StartAsync(server.Options());
        string clients = (await server.AskAsync("CLIENT", "LIST")).Text!;
        Assert.Contains(" resp=2", clients, StringComparison.Ordinal);
        Assert.DoesNotContain(" resp=3", clients, StringComparison.Ordinal);
        await a.GetOrMakeAsync("k", "v", new() { Ttl = TimeSpan.FromMinutes(10), Tags = ["t"] });
        await a.UntilIdleAsync();
        Assert.Equal(("v", Reason.HitRedis), await b.GetOrMakeAsync("k", "not made"));
        await a.Cache.InvalidateAsync(Invalidation.Tag("t"), cancellationToken: TestContext.Current.CancellationToken);
        await b.UntilSeenAsync(a);
        Assert.Equal(("new", Reason.MissInvalidated), await b.GetOrMakeAsync("k", "new"));
    }
}
