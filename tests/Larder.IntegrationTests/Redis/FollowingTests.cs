using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>The log of a real server is followed through whatever happens to it and to the connection.</summary>
public sealed class FollowingTests : IAsyncLifetime
{
    private static readonly EntryOptions Tagged = new() { Ttl = TimeSpan.FromMinutes(10), Tags = ["t"] };

    private RedisServer _server = null!;
    private RedisNode _a = null!, _b = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await RedisServer.StartAsync();
        await _server.AskAsync("ACL", "SETUSER", "b", "on", ">secret", "~*", "+@all");
        _a = await RedisNode.StartAsync(_server.Options());
        _b = await RedisNode.StartAsync(_server.Options(o => (o.User, o.Password) = ("b", "secret")));
        foreach (string key in (string[])["tagged", "other"])
        {
            await _a.GetOrMakeAsync(key, "old", key == "tagged" ? Tagged : null);
            await _a.UntilIdleAsync();
            Assert.Equal(("old", Reason.HitRedis), await _b.GetOrMakeAsync(key, "not made"));
        }
    }

    public async ValueTask DisposeAsync()
    {
        _a.Dispose();
        _b.Dispose();
        await _server.DisposeAsync();
    }

    private async Task EndTagAsync() => Assert.Equal(InvalidationStatus.Acknowledged, (await _a.Cache.InvalidateAsync(Invalidation.Tag("t"), cancellationToken: Token)).Status);

    private async Task<long> RefusedReadsAsync() =>
        long.Parse(Regex.Match((await _server.AskAsync("INFO", "commandstats")).Text!, "cmdstat_xread:.*rejected_calls=(\\d+)").Groups[1].Value is { Length: > 0 } count ? count : "0", CultureInfo.InvariantCulture);

    private async Task UntilReadsAreRefusedAsync(int times)
    {
        // A read that waits already is not refused before it has ended.
        while (await RefusedReadsAsync() < times) await Task.Delay(5, Token);
    }

    private Task UntilNewEpochAsync(ulong before) => LinkTests.Until(() =>
        _a.Tier.Follower.Usable is { } a && _b.Tier.Follower.Usable is { } b && a.Epoch == b.Epoch && a.Epoch != before);

    [Fact]
    [Trait("clause", "R-5"), Trait("clause", "R-22")]
    public async Task What_was_trimmed_before_it_was_read_is_a_gap_and_memory_is_doubted()
    {
        long doubts = _b.Cache.RemoteTier!.MemoryDoubted;
        ulong epoch = _a.Tier.Follower.Epoch;
        await _server.AskAsync("ACL", "SETUSER", "b", "-xread");
        await UntilReadsAreRefusedAsync(1);
        for (int i = 0; i < 3; i++) await EndTagAsync();
        await _server.AskAsync("XTRIM", "larder:{log}:groups", "MAXLEN", 1);
        await _server.AskAsync("ACL", "SETUSER", "b", "+xread");
        await LinkTests.Until(() => _b.Cache.RemoteTier!.MemoryDoubted > doubts && _b.Tier.Follower.Usable is { } view && view.SeenUpTo >= _a.Tier.Follower.Usable?.SeenUpTo);
        Assert.Equal(epoch, _b.Tier.Follower.Epoch);
        // The event that is gone had ended it; what was stored before the gap lies below the floor.
        Assert.Equal("new", (await _b.GetOrMakeAsync("tagged", "new", Tagged)).Value);
    }

    [Fact]
    [Trait("clause", "R-22")]
    public async Task Whoever_may_not_read_the_log_doubts_its_memory_once_and_says_why()
    {
        // So that there is something to be read.
        await EndTagAsync();
        await _server.AskAsync("ACL", "SETUSER", "c", "on", ">secret", "~*", "+@all", "-xread");
        using var c = new RedisNode(_server.Options(o => (o.User, o.Password) = ("c", "secret")));
        await UntilReadsAreRefusedAsync(6);
        // Once at its beginning, and once as it is behind for five seconds, where this has taken so long.
        Assert.InRange(c.Cache.RemoteTier!.MemoryDoubted, 1, 2);
        Assert.Equal("the log can't be read (NOPERM)", c.Cache.RemoteTier!.Problem);
        await c.GetOrMakeAsync("tagged", "old", Tagged);
        await EndTagAsync();
        await _server.AskAsync("ACL", "SETUSER", "c", "+xread");
        await c.UntilAsync(RemoteTierState.InUse);
        Assert.Null(c.Cache.RemoteTier!.Problem);
        // What it has made without the log is doubted before it is followed.
        Assert.Equal("new", (await c.GetOrMakeAsync("tagged", "new", Tagged)).Value);
    }

    [Theory]
    [InlineData("time", "(INFO, TIME)")]
    [InlineData("info", "the server does not say whether it is a master: the user may not ask it (INFO)")]
    [InlineData("hmget", "the log can't be opened (NOPERM)")]
    public async Task Whoever_may_not_ask_what_it_has_to_says_so(string right, string problem)
    {
        await _server.AskAsync("ACL", "SETUSER", "c", "on", ">secret", "~*", "+@all", "-" + right);
        using var c = new RedisNode(_server.Options(o => (o.User, o.Password) = ("c", "secret")));
        await LinkTests.Until(() => c.Cache.RemoteTier!.Problem?.Contains(problem, StringComparison.Ordinal) == true);
        Assert.NotEqual(RemoteTierState.InUse, c.Cache.RemoteTier!.State);
        await _server.AskAsync("ACL", "SETUSER", "c", "+" + right);
        await c.UntilAsync(RemoteTierState.InUse);
        Assert.Null(c.Cache.RemoteTier!.Problem);
    }

    [Fact]
    [Trait("clause", "R-5")]
    public async Task A_reader_whose_connection_was_ended_reads_on_where_it_was()
    {
        string? reader;
        // Once a second it asks for something else.
        do reader = (await _server.AskAsync("CLIENT", "LIST")).Text!.Split('\n').SingleOrDefault(client => client.Contains(" cmd=xread user=b ", StringComparison.Ordinal));
        while (reader is null);
        Assert.True((await _server.AskAsync("CLIENT", "KILL", "ID", Regex.Match(reader, @"^id=(\d+)").Groups[1].Value)).TryGetInteger(out long killed) && killed == 1);
        await EndTagAsync();
        await LinkTests.Until(() => _b.Tier.Follower.Usable is { } view && view.SeenUpTo >= _a.Tier.Follower.Usable?.SeenUpTo);
        Assert.Equal(("new", Reason.MissInvalidated), await _b.GetOrMakeAsync("tagged", "new", Tagged));
        Assert.Equal("old", (await _b.GetOrMakeAsync("other", "not made")).Value);
    }

    [Theory]
    [InlineData("state lost")]
    [InlineData("stream lost")]
    [InlineData("garbage in groups")]
    [InlineData("garbage in keys")]
    [Trait("clause", "R-4"), Trait("clause", "R-5"), Trait("clause", "R-22")]
    public async Task A_log_that_is_not_as_it_was_is_over_and_the_next_one_is_followed(string what)
    {
        await EndTagAsync();
        await _b.UntilSeenAsync(_a);
        ulong epoch = _a.Tier.Follower.Epoch;
        Task<RespValue> done = what switch
        {
            "state lost" => _server.AskAsync("DEL", "larder:{log}:state"),
            "stream lost" => _server.AskAsync("DEL", "larder:{log}:groups"),
            "garbage in groups" => _server.AskAsync("XADD", "larder:{log}:groups", "*", "x", "y"),
            _ => _server.AskAsync("XADD", "larder:{log}:keys", "*", "epoch", "zz", "kind", "\0"),
        };
        await done;
        await UntilNewEpochAsync(epoch);
        // They share again, and what is of the epoch before is not used.
        using RedisNode third = await RedisNode.StartAsync(_server.Options());
        Assert.Equal("new", (await third.GetOrMakeAsync("other", "new")).Value);
        // Whoever had an event acknowledged in the epoch before ends everything first.
        await _a.UntilIdleAsync();
        Assert.True((await _server.AskAsync("HGET", "larder:{log}:state", "last")).TryGetInteger(out long last));
        await LinkTests.Until(() => _a.Tier.Follower.Usable?.SeenUpTo >= last && _b.Tier.Follower.Usable?.SeenUpTo >= last);
        Assert.Equal("v", (await _a.GetOrMakeAsync("later", "v", Tagged)).Value);
        await _a.UntilIdleAsync();
        Assert.Equal(("v", Reason.HitRedis), await _b.GetOrMakeAsync("later", "not made"));
        await EndTagAsync();
        await _b.UntilSeenAsync(_a);
        Assert.Equal("new", (await _b.GetOrMakeAsync("later", "new")).Value);
    }

    [Fact]
    public async Task A_node_that_may_not_read_the_log_does_not_ask_all_the_time()
    {
        await EndTagAsync();
        await _server.AskAsync("ACL", "SETUSER", "b", "-xread");
        await UntilReadsAreRefusedAsync(1);
        long began = Stopwatch.GetTimestamp();
        await UntilReadsAreRefusedAsync(9);
        long asked = await RefusedReadsAsync();
        // The pauses grow to a second: a slow machine makes them longer, never shorter. Without them there would be thousands.
        Assert.InRange(asked, 9, 12 + 2 * (long)Stopwatch.GetElapsedTime(began).TotalSeconds);
        Assert.Equal(RemoteTierState.InUse, _a.Cache.RemoteTier!.State);
    }
}
