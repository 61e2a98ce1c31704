using System.Text;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>What was ended leaves a real server (docs/invalidation.md, R-36).</summary>
public sealed class SweepTests : IAsyncLifetime
{
    private const string Canary = "the canary that must be nowhere";

    private RedisServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await RedisServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    /// <summary>A walk that a test looks into, or breaks.</summary>
    private class Walk(IRemoteWalk walk) : IRemoteWalk
    {
        public Func<byte[], Task> BeforeRemoval { get; set; } = _ => Task.CompletedTask;

        public int Turns { get; private set; }

        public int MostAtOnce => walk.MostAtOnce;

        public ValueTask<SweepTurn> TakeTurnAsync(ulong epoch, ulong node, long upTo, TimeSpan life)
        {
            Turns++;
            return walk.TakeTurnAsync(epoch, node, upTo, life);
        }

        public ValueTask EndTurnAsync(ulong epoch, ulong node, long upTo) => walk.EndTurnAsync(epoch, node, upTo);

        public ValueTask<SlotPage?> NextAsync(WalkPlace? after) => walk.NextAsync(after);

        public ValueTask<WalkedSlot[]> ReadAsync(IReadOnlyList<byte[]> names, bool whole) => walk.ReadAsync(names, whole);

        public bool IsPlaceOf(byte[] name, string key) => walk.IsPlaceOf(name, key);

        public virtual async ValueTask<SlotOutcome> RemoveAsync(byte[] name, SlotClaim claim)
        {
            await BeforeRemoval(name);
            return await walk.RemoveAsync(name, claim);
        }
    }

    /// <summary>The broken variant: it removes whatever is there by then.</summary>
    private sealed class Careless(IRemoteWalk walk, RedisServer server) : Walk(walk)
    {
        public override async ValueTask<SlotOutcome> RemoveAsync(byte[] name, SlotClaim claim)
        {
            await BeforeRemoval(name);
            await server.AskAsync("UNLINK", name);
            return SlotOutcome.Done;
        }
    }

    /// <summary>A node that sweeps when its walk is opened; none that sweeps, where <paramref name="make"/> is null.</summary>
    private Task<PolledNode> NodeAsync(Func<IRemoteWalk, IRemoteWalk>? make, EntryCipher? cipher = null, string prefix = "larder:") =>
        PolledNode.StartAsync(_server, prefix, cipher, seams: make is null ? null : PolledNode.Sweeping((walk, _) => make(walk), cipher));

    private static async Task Put(PolledNode node, string key, string value, string? user = null, params string[] tags) =>
        Assert.Equal(Reason.None, await node.Cache.SetAsync(key, value, new EntryOptions { User = user, Tags = tags }));

    private async Task<List<(string Key, byte[] Value)>> EverythingAsync()
    {
        var all = new List<(string, byte[])>();
        for (string cursor = "0"; ;)
        {
            RespValue page = await _server.AskAsync("SCAN", cursor, "COUNT", 1000, "TYPE", "string");
            foreach (RespValue name in page.Items.Span[1].Items.ToArray()) all.Add((name.Text!, (await _server.AskAsync("GET", name.Bytes!)).Bytes ?? []));
            cursor = page.Items.Span[0].Text!;
            if (cursor == "0") return all;
        }
    }

    private async Task<int> CanariesAsync() => (await EverythingAsync()).Count(pair => pair.Value.AsSpan().IndexOf(Encoding.UTF8.GetBytes(Canary)) >= 0);

    [Fact]
    public async Task What_was_a_users_is_in_no_key_any_more_and_all_else_is()
    {
        await using PolledNode a = await NodeAsync(null);
        string[] keys = [.. Enumerable.Range(0, 300).Select(i => $"k{i}"), "{brace}", new string('x', 700), "surrogate \ud800"];
        for (int i = 0; i < keys.Length; i++) await Put(a, keys[i], Canary + i, "u1");
        // So many tags that the head does not say enough, and a value that is not read whole.
        await Put(a, "long head", Canary, null, [.. Enumerable.Range(0, 15).Select(i => $"{i}:" + new string('t', 240)), "gone"]);
        await Put(a, "large", Canary + new string('y', 100_000), "u1");
        for (int i = 0; i < 100; i++) await Put(a, $"other{i}", "kept", "u2");
        await Put(a, "soft", "kept", null, "aged");
        await a.Cache.SetAsync("soft with windows", "kept", new EntryOptions { Tags = ["aged"], StaleIfError = TimeSpan.FromHours(1) });
        int before = await CanariesAsync();
        // The lone surrogate has no stored form: it stays in memory.
        Assert.Equal(keys.Length + 1, before);

        await a.Cache.InvalidateAsync(Invalidation.User("u1"));
        await a.Cache.InvalidateAsync(Invalidation.Tag("aged").Soft());
        InvalidationResult last = await a.Cache.InvalidateAsync(Invalidation.Tag("gone"));
        // Nobody sweeps yet: what is of no use any more is still there.
        Assert.Equal(before, await CanariesAsync());

        await using PolledNode b = await NodeAsync(walk => walk);
        await b.SweptAsync(last.Position.Ordinal);
        Assert.Equal(0, await CanariesAsync());
        Assert.Equal(before + 1, b.Sweep.Removed);
        Assert.True(b.Sweep.Walked >= before + 102);
        List<(string Key, byte[] Value)> left = await EverythingAsync();
        Assert.Equal(100, left.Count(pair => pair.Key.StartsWith("larder:e:other", StringComparison.Ordinal)));
        Assert.Contains(left, pair => pair.Key == "larder:e:soft with windows");
        Assert.DoesNotContain(left, pair => pair.Key == "larder:e:soft");
        Assert.Equal("kept", (await b.Cache.GetAsync<string>("other7")).Value);
    }

    [Fact]
    public async Task What_is_encrypted_is_swept_by_whoever_has_the_key()
    {
        var encryption = new RedisEncryptionOptions();
        encryption.Keys.Add(new("k1", new byte[32]));
        var cipher = new EntryCipher(encryption);
        await using PolledNode a = await NodeAsync(null, cipher);
        await Put(a, "gone", "1", "u1");
        await Put(a, "stays", "1", "u2");
        InvalidationResult result = await a.Cache.InvalidateAsync(Invalidation.User("u1"));
        PolledNode stranger = await NodeAsync(walk => walk);
        await stranger.SweptAsync(result.Position.Ordinal);
        Assert.Equal((2, 0), (stranger.Sweep.Walked, stranger.Sweep.Removed));
        await stranger.DisposeAsync();
        result = await a.Cache.InvalidateAsync(Invalidation.User("u1"));
        await using PolledNode b = await NodeAsync(walk => walk, cipher);
        await b.SweptAsync(result.Position.Ordinal);
        Assert.Equal(["larder:e:stays"], (await EverythingAsync()).Where(pair => pair.Key.StartsWith("larder:e:", StringComparison.Ordinal)).Select(pair => pair.Key));
    }

    private async Task<string?> SetDuringTheSweep(bool careless)
    {
        await _server.AskAsync("FLUSHALL");
        await using PolledNode a = await NodeAsync(null), c = await NodeAsync(null);
        await Put(a, "k", "old", null, "t");
        InvalidationResult result = await a.Cache.InvalidateAsync(Invalidation.Tag("t"));
        await using PolledNode b = await NodeAsync(walk =>
        {
            Walk hooked = careless ? new Careless(walk, _server) : new Walk(walk);
            hooked.BeforeRemoval = _ => Put(a, "k", "new", null, "t");
            return hooked;
        });
        await b.SweptAsync(result.Position.Ordinal);
        await c.SeesAsync(result);
        return (await c.Cache.GetAsync<string>("k")).Value;
    }

    [Fact]
    public async Task What_is_set_anew_while_it_is_swept_stays()
    {
        Assert.Equal("new", await SetDuringTheSweep(careless: false));
        Assert.Null(await SetDuringTheSweep(careless: true));
    }

    [Fact]
    public async Task One_node_sweeps_and_the_others_know()
    {
        await using PolledNode a = await NodeAsync(walk => walk), b = await NodeAsync(walk => walk), c = await NodeAsync(walk => walk);
        PolledNode[] nodes = [a, b, c];
        foreach (PolledNode node in nodes) await node.SweptAsync(0);
        Assert.Equal(1, nodes.Sum(node => node.Sweep.Sweeps));
        await Put(a, "k", Canary, "u1");
        InvalidationResult result = await a.Cache.InvalidateAsync(Invalidation.User("u1"));
        foreach (PolledNode node in nodes) await node.SweptAsync(result.Position.Ordinal);
        Assert.Equal((2, 1), (nodes.Sum(node => node.Sweep.Sweeps), nodes.Sum(node => node.Sweep.Removed)));
        Assert.Equal(0, await CanariesAsync());
        Assert.False((await _server.AskAsync("EXISTS", "larder:{log}:sweeper")).TryGetInteger(out long there) && there > 0);
    }

    [Fact]
    public async Task A_sweeper_that_dies_is_followed_by_another_one()
    {
        await using PolledNode a = await NodeAsync(null);
        await Put(a, "k", Canary, "u1");
        InvalidationResult result = await a.Cache.InvalidateAsync(Invalidation.User("u1"));
        await _server.AskAsync("SET", "larder:{log}:sweeper", "somebody", "PX", 20_000);
        Walk? walk = null;
        await using PolledNode b = await NodeAsync(inner => walk = new(inner));
        while (walk is not { Turns: >= 2 }) await Task.Delay(1);
        Assert.Equal((0, 1), (b.Sweep.Walked, await CanariesAsync()));
        await _server.AskAsync("PEXPIRE", "larder:{log}:sweeper", 1);
        await b.SweptAsync(result.Position.Ordinal);
        Assert.Equal(0, await CanariesAsync());
    }

    [Fact]
    public async Task What_another_epoch_left_goes_and_what_is_not_ours_stays()
    {
        PolledNode old = await NodeAsync(null), named = await NodeAsync(null, prefix: "larder:e:");
        await Put(old, "k", Canary);
        await Put(named, "of another cache", "kept");
        await old.DisposeAsync();
        await _server.AskAsync("UNLINK", "larder:{log}:state");
        await _server.AskAsync("SET", "larder:e:foreign", "no slot at all");
        await _server.AskAsync("SET", "larder:e:ticket", new byte[16], "PX", 60_000);
        await _server.AskAsync("SADD", "larder:e:set", "no string");
        byte[] newer = [.. new byte[32], .. "LRDR"u8, 2, .. new byte[100]];
        await _server.AskAsync("SET", "larder:e:newer", newer);
        await using PolledNode b = await NodeAsync(walk => walk);
        await b.SweptAsync(0);
        await named.DisposeAsync();
        Assert.Equal(0, await CanariesAsync());
        Assert.Equal(1, b.Sweep.Removed);
        Assert.Equal(["larder:e:e:of another cache", "larder:e:foreign", "larder:e:newer", "larder:e:ticket"], (await EverythingAsync()).Select(pair => pair.Key).Where(key => !key.Contains("{log}")).Order(StringComparer.Ordinal));
    }
}
