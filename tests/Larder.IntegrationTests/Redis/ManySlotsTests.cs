using Larder.Redis;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>Many slots of a real server, read together (docs/invalidation.md, R-34).</summary>
public sealed class ManySlotsTests : IAsyncLifetime
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(20);

    private readonly LarderCache _cache = new();
    private RedisServer _server = null!;
    private RedisLink _link = null!;

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

    private RedisSlots Slots(long mostReplyBytes = 16 << 20, EntryCipher? cipher = null) =>
        new(new SingleServer(_link), new("larder:"), new(_cache.Clock, TimeProvider.System), Long, () => 7, cipher, mostReplyBytes);

    private static async Task Put(RedisSlots slots, string key, byte[] content)
    {
        SlotRead read = await slots.ClaimAsync(key, Long);
        Assert.Equal(SlotOutcome.Done, await slots.ReplaceAsync(key, new(read.Identity, read.Server, new(7, 1)), content, Long));
    }

    /// <summary>How often the server has run a command, within scripts too.</summary>
    private async Task<long> CallsOf(string command)
    {
        string stats = (await _server.AskAsync("INFO", "commandstats")).Text!;
        string? line = stats.Split("\r\n").FirstOrDefault(l => l.StartsWith($"cmdstat_{command}:", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line.Split("calls=")[1].Split(',')[0], System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Hundreds_are_read_with_one_command_in_the_order_of_their_keys()
    {
        RedisSlots slots = Slots();
        string[] keys = [.. Enumerable.Range(0, 600).Select(i => i % 7 == 3 ? $"{{{i}}}" : $"k{i}")];
        for (int i = 0; i < keys.Length; i += 2) await Put(slots, keys[i], BitConverter.GetBytes(i));
        await _server.AskAsync("SADD", "larder:e:k1", "no string");
        SlotRead[] reads = await slots.ReadManyAsync(keys);
        Assert.Equal(keys.Length, reads.Length);
        for (int i = 0; i < keys.Length; i++)
        {
            Assert.Equal(SlotOutcome.Done, reads[i].Outcome);
            Assert.Equal(i % 2 == 0 ? BitConverter.GetBytes(i) : [], reads[i].Stored.ToArray());
            Assert.Equal(i % 2 == 1, reads[i].Identity == 0);
        }
        Assert.Equal((2, 0), (await CallsOf("mget"), await CallsOf("get")));
        Assert.Empty(await slots.ReadManyAsync([]));
    }

    [Fact]
    public async Task What_is_too_much_for_one_answer_is_read_in_several()
    {
        RedisSlots slots = Slots(mostReplyBytes: 48_000);
        string[] keys = [.. Enumerable.Range(0, 9).Select(i => $"k{i}")];
        // One alone is larger than what is read together.
        for (int i = 0; i < keys.Length; i++) await Put(slots, keys[i], new byte[i == 4 ? 5000 : 1000]);
        SlotRead[] reads = await slots.ReadManyAsync(keys);
        Assert.All(reads, (read, i) => Assert.Equal(i == 4 ? 5000 : 1000, read.Stored.Length));
        Assert.InRange(await CallsOf("mget"), 4, 7);
    }

    [Fact]
    public async Task So_much_is_read_together_as_an_answer_may_have()
    {
        const int Most = 4096;
        await using var link = new RedisLink(_server.Options(o => o.MaxReplyBytes = Most));
        await link.WhenConnectedAsync(new CancellationTokenSource(Long).Token);
        string[] keys = [.. Enumerable.Range(0, 300).Select(i => $"k{i}")];
        // Most have nothing but an identity in them, or nothing at all.
        for (int i = 0; i < keys.Length; i += 2) await Put(Slots(), keys[i], i == 100 ? new byte[3000] : []);
        Assert.All(await With(Most).ReadManyAsync(keys), read => Assert.Equal(SlotOutcome.Done, read.Outcome));
        // The control: who asks for more at once loses the connection.
        Assert.Contains(await With(RedisOptions.UsualReplyBytes).ReadManyAsync(keys), read => read.Outcome != SlotOutcome.Done);

        RedisSlots With(long most) => new(link, new("larder:"), new(_cache.Clock, TimeProvider.System), Long, () => 7, mostReplyBytes: most);
    }

    [Fact]
    public async Task What_is_encrypted_is_decrypted_slot_by_slot()
    {
        var encryption = new RedisEncryptionOptions();
        encryption.Keys.Add(new("k1", new byte[32]));
        RedisSlots slots = Slots(cipher: new(encryption));
        await Put(slots, "a", [1]);
        await Put(slots, "b", [2]);
        await _server.AskAsync("COPY", "larder:e:a", "larder:e:moved");
        SlotRead[] reads = await slots.ReadManyAsync(["a", "moved", "b"]);
        Assert.Equal([[1], [], [2]], reads.Select(read => read.Stored.ToArray()));
    }

    [Fact]
    public async Task No_server_is_no_exception()
    {
        RedisSlots slots = Slots();
        await _server.KillAsync();
        SlotRead[] reads = await slots.ReadManyAsync(["a", "b"]);
        Assert.All(reads, read => Assert.NotEqual(SlotOutcome.Done, read.Outcome));
    }
}
