using System.Text.RegularExpressions;
using Larder.IntegrationTests.Samples;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>The user that docs/features/redis.md shows: with it everything works, and without any of its rights what is told there does not.</summary>
public sealed class LeastRightsTests
{
    private static readonly EntryOptions Kept = new() { Ttl = TimeSpan.FromMinutes(10), Tags = ["t"] };

    /// <summary>The line's words after <c>user</c>.</summary>
    private static readonly string[] Line =
        Regex.Match(File.ReadAllText(Path.Combine(SampleTests.Root, "docs/features/redis.md")), "^user (larder on >PASSWORD .*)$", RegexOptions.Multiline).Groups[1].Value.Split(' ');

    /// <summary>What a node of few rights can do.</summary>
    private sealed record Works(bool InUse, bool Stores, bool Finds, bool Fills, bool FindsMany, bool Prolongs, bool Invalidates)
    {
        public static Works All => new(true, true, true, true, true, true, true);

        public static Works Nothing => new(false, false, false, false, false, false, false);
    }

    private static RedisOptions Limited(RedisServer server) => server.Options(o => (o.User, o.Password) = ("larder", "PASSWORD"));

    private static async Task PermitAsync(RedisServer server, params string[] words) =>
        Assert.Equal("OK", (await server.AskAsync(["ACL", "SETUSER", .. Line.Concat(words).Select(word => (RedisArgument)word)])).Text);

    private static async Task<bool> IsRefusedAsync(RedisServer server) => (await server.AskAsync("ACL", "LOG")).Items.Length > 0;

    private static async Task<bool> IsStoredAsync(RedisServer server, string key) => (await server.AskAsync("GET", $"larder:e:{key}")).Bytes is { Length: > 16 };

    [Fact]
    public async Task Everything_works_with_the_line_and_nothing_is_refused()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await PermitAsync(server);
        using RedisNode a = await RedisNode.StartAsync(Limited(server)), b = await RedisNode.StartAsync(Limited(server));
        CancellationToken token = TestContext.Current.CancellationToken;
        foreach (string key in (string[])["k", "{braced}", "gone"]) Assert.Equal(("old", Reason.MissCold), await a.GetOrMakeAsync(key, "old", Kept));
        await a.UntilIdleAsync();
        Assert.Equal(("old", Reason.HitRedis), await b.GetOrMakeAsync("k", "not made", Kept));
        Assert.Equal(Reason.HitRedis, (await b.Cache.GetAsync<string>("{braced}", token)).Reason);
        Assert.Equal(2, (await b.Cache.GetManyAsync<string>(["k", "gone", "nowhere"], token)).Count);
        Assert.True(await CanProlongAsync(server));
        // A fill that ends with nothing removes what is there.
        Assert.Null((await b.GetOrMakeAsync<string?>("nothing", null, Kept)).Value);
        Assert.Equal(Reason.None, await a.Cache.SetAsync("set", "new", Kept, token));
        Assert.True(await a.Cache.RemoveAsync("gone", token));
        Assert.Equal(InvalidationReach.Logged, (await a.Cache.InvalidateAsync(Invalidation.Tag("t"), cancellationToken: token)).Reach);
        await b.UntilSeenAsync(a);
        Assert.Equal(("new", Reason.MissInvalidated), await b.GetOrMakeAsync("k", "new", Kept));
        // An epoch ends and another begins with the same rights.
        await server.AskAsync("UNLINK", "larder:{log}:state");
        await LinkTests.Until(() => a.Cache.RemoteTier is { State: RemoteTierState.InUse, MemoryDoubted: > 1 } && b.Cache.RemoteTier is { State: RemoteTierState.InUse, MemoryDoubted: > 1 });
        Assert.False(await IsRefusedAsync(server), "something was refused");
        // The control: what is not in the line is.
        await using var link = new RedisLink(Limited(server));
        await link.WhenConnectedAsync(new CancellationTokenSource(TimeSpan.FromSeconds(20)).Token);
        foreach (RedisArgument[] command in (RedisArgument[][])[["KEYS", "*"], ["CONFIG", "GET", "*"], ["GET", "other:k"], ["PUBLISH", "c", "m"], ["FLUSHALL"], ["CLIENT", "LIST"]])
            Assert.True((await link.SendAsync(command, TimeSpan.FromSeconds(20))).Error!.Is("NOPERM"));
        Assert.True(await IsRefusedAsync(server));
    }

    /// <summary>A command; whether nobody has begun the log yet; and what still works without it.</summary>
    private static readonly (string Command, bool IsFirst, Works Works)[] Each =
    [
        ("ping", true, Works.All),
        ("info", false, Works.Nothing), ("time", false, Works.Nothing), ("evalsha", false, Works.Nothing), ("hmget", false, Works.Nothing), ("xrevrange", false, Works.Nothing),
        ("xread", false, Works.Nothing),
        ("eval", true, Works.Nothing), ("hset", true, Works.Nothing), ("unlink", true, Works.Nothing),
        ("xadd", false, Works.All with { Invalidates = false }),
        // The place of a value that is used is not only looked at, but compared.
        ("set", false, Works.All with { Stores = false, Prolongs = false }), ("getrange", false, Works.All with { Stores = false, Prolongs = false }),
        ("pttl", false, Works.All with { Prolongs = false }), ("pexpire", false, Works.All with { Prolongs = false }),
        ("get", false, Works.All with { Finds = false }), ("mget", false, Works.All with { FindsMany = false }),
        // Without it the answer to many keys has no bound of bytes.
        ("strlen", false, Works.All),
        // Only the sweep and the leases, which no call here waits for.
        ("scan", false, Works.All), ("hget", false, Works.All), ("type", false, Works.All), ("hlen", false, Works.All), ("hgetall", false, Works.All), ("hexists", false, Works.All),
        ("hdel", false, Works.All),
    ];

    public static TheoryData<string> Rights => [.. Each.Select(right => right.Command)];

    [Theory]
    [MemberData(nameof(Rights))]
    public async Task Without_one_of_its_rights(string command)
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await PermitAsync(server, $"-{command}");
        (_, bool isFirst, Works works) = Each.Single(right => right.Command == command);
        Assert.Equal(works, await TryAsync(server, isFirst, mayBeRefused: works == Works.All));
    }

    [Fact]
    public void Each_right_of_the_line_is_tried() =>
        Assert.Equal(Line.Where(word => word.StartsWith('+')).Select(word => word[1..]).Order(), Each.Select(right => right.Command).Order());

    private static async Task<Works> TryAsync(RedisServer server, bool isFirst, bool mayBeRefused)
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        RedisNode? other = null;
        if (!isFirst)
        {
            other = await RedisNode.StartAsync(server.Options());
            // So that there is a log to be read.
            await other.Cache.InvalidateAsync(Invalidation.Tag("before"), cancellationToken: token);
        }
        using var limited = new RedisNode(Limited(server));
        while (limited.Cache.RemoteTier!.State != RemoteTierState.InUse && (mayBeRefused || !await IsRefusedAsync(server))) await Task.Delay(5, token);
        if (isFirst && limited.Cache.RemoteTier!.State != RemoteTierState.InUse) return await TryAloneAsync(server, limited);
        other ??= await RedisNode.StartAsync(server.Options());
        using (other)
        {
            bool inUse = limited.Cache.RemoteTier!.State == RemoteTierState.InUse;
            bool stores = await StoresAsync(server, limited);
            foreach (string key in (string[])["to find", "to fill", "to find with others"]) await other.GetOrMakeAsync(key, "v", Kept);
            await other.UntilIdleAsync();
            foreach (string key in (string[])["to find", "to fill", "to find with others"]) Assert.True(await IsStoredAsync(server, key));
            LookupResult<string> lookup = await limited.Cache.GetAsync<string>("to find", token);
            bool findsMany = (await limited.Cache.GetManyAsync<string>(["to find with others", "not there"], token)).Count == 1;
            (_, Reason filled) = await limited.GetOrMakeAsync("to fill", "v", Kept);
            InvalidationResult ended = await limited.Cache.InvalidateAsync(Invalidation.Tag("other"), cancellationToken: token);
            return new(inUse, stores, lookup.Reason == Reason.HitRedis, filled == Reason.HitRedis, findsMany, inUse && await CanProlongAsync(server), ended.Status == InvalidationStatus.Acknowledged);
        }
    }

    /// <summary>Whether what the node makes is stored. Its connection for commands may come a moment after the log's, by which it is in use: what is made until then is not.</summary>
    private static async Task<bool> StoresAsync(RedisServer server, RedisNode limited)
    {
        for (int attempt = 0; attempt < 20; attempt++)
        {
            await limited.GetOrMakeAsync($"made here {attempt}", "v", Kept);
            if (limited.Cache.RemoteTier!.State == RemoteTierState.InUse) await LinkTests.Until(() => limited.Tier.Writes.IsIdle);
            if (await IsStoredAsync(server, $"made here {attempt}")) return true;
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
        return false;
    }

    /// <summary>Where no log can be begun there is nobody's value to be found.</summary>
    private static async Task<Works> TryAloneAsync(RedisServer server, RedisNode limited)
    {
        await limited.GetOrMakeAsync("made here", "v", Kept);
        InvalidationResult ended = await limited.Cache.InvalidateAsync(Invalidation.Tag("other"), cancellationToken: TestContext.Current.CancellationToken);
        bool isStored = await IsStoredAsync(server, "made here");
        return Works.Nothing with { InUse = limited.Cache.RemoteTier!.State == RemoteTierState.InUse, Stores = isStored, Invalidates = ended.Status == InvalidationStatus.Acknowledged };
    }

    /// <summary>What tells Redis that a value with a sliding lifetime was used.</summary>
    private static async Task<bool> CanProlongAsync(RedisServer server)
    {
        TimeSpan patience = TimeSpan.FromSeconds(20);
        await using var link = new RedisLink(Limited(server));
        await link.WhenConnectedAsync(new CancellationTokenSource(patience).Token);
        using var cache = new LarderCache();
        var slots = new RedisSlots(link, new("larder:"), new(cache.Clock, TimeProvider.System), patience, () => 7);
        SlotRead read = await slots.ClaimAsync("to prolong", patience);
        return await slots.ProlongAsync("to prolong", new(read.Identity, read.Server, new(7, 1)), 2 * patience) == SlotOutcome.Done;
    }
}
