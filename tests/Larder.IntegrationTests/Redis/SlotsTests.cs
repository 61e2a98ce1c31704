using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>Slots on a real server: a fill replaces only what it saw when it began (docs/invalidation.md, R-11 to R-17).</summary>
public sealed class SlotsTests : IAsyncLifetime
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);
    private static readonly byte[] Content = [1, 2, 3];

    private readonly LarderCache _cache = new();
    private RedisServer _server = null!;
    private RedisLink _link = null!;
    private ulong _epoch = 7;

    public async ValueTask InitializeAsync()
    {
        _server = await RedisServer.StartAsync();
        _link = new(_server.Options());
        await _link.WhenConnectedAsync(new CancellationTokenSource(Long).Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _link.DisposeAsync();
        await _server.DisposeAsync();
        _cache.Dispose();
    }

    private RedisSlots Slots(EntryCipher? cipher = null) => new(_link, new("larder:"), new(_cache.Clock, TimeProvider.System), Long, () => _epoch, cipher);

    private SlotClaim ClaimOf(SlotRead read) => new(read.Identity, read.Server, new(_epoch, 1));

    private static async Task<SlotRead> Claim(RedisSlots slots, string key = "k")
    {
        SlotRead read = await slots.ClaimAsync(key, Long);
        Assert.Equal((SlotOutcome.Done, true), (read.Outcome, read.MayReplace));
        return read;
    }

    [Fact]
    public async Task Whoever_claims_first_stores_and_the_others_do_not()
    {
        RedisSlots slots = Slots();
        SlotRead first = await Claim(slots), second = await Claim(slots);
        Assert.Equal(first.Identity, second.Identity);
        Assert.True(first.Stored.IsEmpty);
        Assert.Equal(SlotOutcome.Done, await slots.ReplaceAsync("k", ClaimOf(first), Content, Long));
        Assert.Equal(SlotOutcome.Changed, await slots.ReplaceAsync("k", ClaimOf(second), new byte[] { 9 }, Long));
        SlotRead read = await slots.ReadAsync("k"), claimed = await Claim(slots);
        Assert.Equal(Content, read.Stored.ToArray());
        Assert.Equal(Content, claimed.Stored.ToArray());
        Assert.NotEqual(first.Identity, read.Identity);
        // A refresh replaces the entry it saw.
        Assert.Equal(SlotOutcome.Done, await slots.ReplaceAsync("k", ClaimOf(claimed), new byte[] { 4 }, Long));
        Assert.Equal([4], (await slots.ReadAsync("k")).Stored.ToArray());
        Assert.True((await _server.AskAsync("PTTL", "larder:e:k")).TryGetInteger(out long left) && left is > 1000 and <= 20_000);
    }

    public static TheoryData<string> Events => ["unlink", "ticket", "evicted", "flushed", "epoch", "replaced", "restarted"];

    [Theory]
    [MemberData(nameof(Events))]
    public async Task Whatever_happened_to_the_slot_since_the_claim_refuses_the_result(string what)
    {
        RedisSlots slots = Slots();
        SlotClaim claim = ClaimOf(await Claim(slots));
        switch (what)
        {
            case "unlink": Assert.Equal(SlotOutcome.Done, await slots.UnlinkAsync("k")); break;
            case "ticket": Assert.Equal(SlotOutcome.Done, (await slots.PutTicketAsync("k", Long)).Outcome); break;
            case "evicted": await _server.AskAsync("DEL", "larder:e:k"); break;
            case "flushed": await _server.AskAsync("FLUSHALL"); break;
            case "epoch": _epoch++; break;
            case "replaced": await slots.ReplaceAsync("k", claim, Content, Long); break;
            case "restarted":
                // The dump brings the ticket back; the server is another one.
                RedisConnection? before = _link.Current;
                await _server.AskAsync("SAVE");
                await _server.KillAsync();
                await _server.StartAgainAsync();
                while (_link.Current is null || _link.Current == before) await Task.Delay(1);
                break;
        }
        Assert.Equal(SlotOutcome.Changed, await slots.ReplaceAsync("k", claim, new byte[] { 9 }, Long));
        Assert.Equal(SlotOutcome.Changed, await slots.RemoveAsync("k", claim));
        Assert.NotEqual([9], (await slots.ReadAsync("k")).Stored.ToArray());
        // Without the comparison the old result would be stored, and be seen here.
        await _server.AskAsync("SET", "larder:e:k", (byte[])[.. new byte[16], 9]);
        Assert.Equal([9], (await slots.ReadAsync("k")).Stored.ToArray());
    }

    [Fact]
    public async Task A_claim_ends_with_its_ticket()
    {
        RedisSlots slots = Slots();
        SlotRead short_ = await slots.ClaimAsync("k", TimeSpan.FromMilliseconds(1));
        while (!(await slots.ReadAsync("k")).Identity.Equals(default)) await Task.Yield();
        Assert.Equal(SlotOutcome.Changed, await slots.ReplaceAsync("k", ClaimOf(short_), Content, Long));
    }

    [Fact]
    public async Task What_can_not_be_stored_is_removed_only_where_nothing_came_in_between()
    {
        RedisSlots slots = Slots();
        SlotClaim claim = ClaimOf(await Claim(slots));
        await slots.ReplaceAsync("k", claim, Content, Long);
        SlotClaim newer = ClaimOf(await Claim(slots));
        Assert.Equal(SlotOutcome.Changed, await slots.RemoveAsync("k", claim));
        Assert.Equal(SlotOutcome.Done, await slots.RemoveAsync("k", newer));
        Assert.Equal(default, (await slots.ReadAsync("k")).Identity);
    }

    [Fact]
    public async Task A_full_server_is_read_from_and_removed_from_but_not_written_to()
    {
        RedisSlots slots = Slots();
        SlotClaim claim = ClaimOf(await Claim(slots));
        await slots.ReplaceAsync("k", claim, Content, Long);
        SlotClaim stored = ClaimOf(await Claim(slots));
        await _server.AskAsync("CONFIG", "SET", "maxmemory", 1);
        SlotRead read = await slots.ClaimAsync("k", Long), none = await slots.ClaimAsync("other", Long);
        Assert.Equal((SlotOutcome.Done, false), (read.Outcome, read.MayReplace));
        Assert.Equal(Content, read.Stored.ToArray());
        Assert.Equal((SlotOutcome.Done, false, default), (none.Outcome, none.MayReplace, none.Identity));
        Assert.Equal(SlotOutcome.Refused, await slots.ReplaceAsync("k", stored, new byte[] { 9 }, Long));
        Assert.Equal(SlotOutcome.Refused, (await slots.PutTicketAsync("k", Long)).Outcome);
        Assert.Equal(SlotOutcome.Done, await slots.RemoveAsync("k", stored));
        Assert.Equal(SlotOutcome.Done, await slots.UnlinkAsync("k"));
    }

    [Fact]
    public async Task Scripts_that_the_server_has_forgotten_are_sent_again()
    {
        RedisSlots slots = Slots();
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(SlotOutcome.Done, await slots.ReplaceAsync("k", ClaimOf(await Claim(slots)), Content, Long));
            await _server.AskAsync("SCRIPT", "FLUSH");
        }
    }

    [Fact]
    public async Task Nothing_is_written_to_a_replica_and_no_server_is_no_exception()
    {
        RedisSlots slots = Slots();
        await _server.AskAsync("REPLICAOF", "127.0.0.1", 1);
        // The connection's identity is that of its handshake: it is made again.
        await _server.AskAsync("CLIENT", "KILL", "TYPE", "normal");
        while (_link.Current?.Server.Role != "slave") await Task.Yield();
        Assert.Equal(SlotOutcome.Refused, (await slots.ClaimAsync("k", Long)).Outcome);
        await _server.KillAsync();
        Assert.NotEqual(SlotOutcome.Done, (await slots.ReadAsync("k")).Outcome);
        Assert.NotEqual(SlotOutcome.Done, await slots.UnlinkAsync("k"));
    }

    [Fact]
    public async Task What_is_encrypted_is_read_with_the_key_in_its_own_slot_and_nowhere_else()
    {
        var encryption = new RedisEncryptionOptions();
        encryption.Keys.Add(new("k1", new byte[32]));
        RedisSlots secret = Slots(new(encryption)), plain = Slots();
        Assert.Equal(SlotOutcome.Done, await secret.ReplaceAsync("k", ClaimOf(await Claim(secret)), Content, Long));
        Assert.Equal(Content, (await secret.ReadAsync("k")).Stored.ToArray());
        Assert.NotEqual(Content, (await plain.ReadAsync("k")).Stored.ToArray());
        await _server.AskAsync("COPY", "larder:e:k", "larder:e:other");
        SlotRead moved = await Claim(secret, "other");
        Assert.True(moved.Stored.IsEmpty);
        // It is as good as a ticket.
        Assert.Equal(SlotOutcome.Done, await secret.ReplaceAsync("other", ClaimOf(moved), Content, Long));
        Assert.Equal(SlotOutcome.Done, await plain.ReplaceAsync("p", ClaimOf(await Claim(plain, "p")), Content, Long));
        Assert.True((await secret.ReadAsync("p")).Stored.IsEmpty);
    }
}
