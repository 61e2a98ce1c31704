using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Larder.Redis;

/// <summary>The slots of keys, each on its server.</summary>
/// <remarks>
/// A slot is its identity of 16 bytes and what is stored behind it, encrypted where there is a cipher. What can't be decrypted is as good as a
/// ticket: it has an identity, so that it can be replaced, and nothing to read.
/// </remarks>
/// <param name="epoch">The log's epoch that this node is in now; 0 for none.</param>
/// <param name="mostBytes">Most bytes that slots which are read together may have; less than a reply may have.</param>
internal sealed class RedisSlots(IRedisRoutes routes, RedisNames names, ServerClock clock, TimeSpan timeout, Func<ulong> epoch, EntryCipher? cipher = null, long mostBytes = 8L << 20) : IRemoteStore
{
    private const int IdentityBytes = 16;
    /// <summary>Slots that are read together: the server does nothing else meanwhile.</summary>
    private const int MostAtOnce = 512;

    private readonly SlotServers _servers = new(routes, clock, timeout);

    /// <summary>On one server.</summary>
    public RedisSlots(RedisLink link, RedisNames names, ServerClock clock, TimeSpan timeout, Func<ulong> epoch, EntryCipher? cipher = null, long mostBytes = 8L << 20)
        : this(new SingleServer(link), names, clock, timeout, epoch, cipher, mostBytes)
    {
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<SlotRead> ReadAsync(string key) => Read(key, await _servers.GetAsync(names.SlotWordOf(key)).ConfigureAwait(false), mayReplace: true);

    /// <summary>Reads as many together as may be, and the next ones then; after one that was not answered no more is asked. What lies on several servers is asked for side by side.</summary>
    public async ValueTask<SlotRead[]> ReadManyAsync(IReadOnlyList<string> keys)
    {
        var reads = new SlotRead[keys.Count];
        Array.Fill(reads, Without(SlotOutcome.Refused, default));
        for (int done = 0; done < reads.Length;)
        {
            int count = Math.Min(MostAtOnce, reads.Length - done);
            int read = routes is SingleServer ? await ReadTogetherAsync(keys, reads, done, count).ConfigureAwait(false) : await ReadEachAsync(keys, reads, done, count).ConfigureAwait(false);
            if (read == 0) break;
            done += read;
        }
        return reads;
    }

    /// <returns>How many were read: fewer where they are large; none where the server did not answer.</returns>
    private async ValueTask<int> ReadTogetherAsync(IReadOnlyList<string> keys, SlotRead[] reads, int from, int count)
    {
        RedisArgument[] words = [count, .. Enumerable.Range(from, count).Select(i => names.SlotWordOf(keys[i])), mostBytes];
        SlotAnswer answer = await _servers.SendAsync(words[1], words, SlotScripts.ReadMany).ConfigureAwait(false);
        ReadOnlyMemory<RespValue> items = answer.Reply.Value.Items;
        if (!answer.IsOk || items.Length == 0 || items.Length > count)
        {
            reads[from] = Without(answer.Conclude() is not SlotOutcome.Done and var outcome ? outcome : SlotOutcome.Refused, answer.Server);
            return 0;
        }
        for (int i = 0; i < items.Length; i++) reads[from + i] = Read(keys[from + i], answer with { Reply = new(RedisOutcome.Answered, items.Span[i]) }, mayReplace: true);
        return items.Length;
    }

    private async ValueTask<int> ReadEachAsync(IReadOnlyList<string> keys, SlotRead[] reads, int from, int count)
    {
        SlotRead[] each = await Task.WhenAll(Enumerable.Range(from, count).Select(i => ReadAsync(keys[i]).AsTask())).ConfigureAwait(false);
        each.CopyTo(reads, from);
        return Array.Exists(each, read => read.Outcome == SlotOutcome.Done) ? count : 0;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<SlotRead> ClaimAsync(string key, TimeSpan lifetime)
    {
        byte[] ticket = NewIdentity();
        RedisArgument slot = names.SlotWordOf(key);
        SlotAnswer answer = await _servers.SendAsync(slot, ["SET", slot, ticket, "NX", "GET", "PX", Milliseconds(lifetime)]).ConfigureAwait(false);
        if (answer.IsOk && answer.Reply.Value.IsNull) return new(SlotOutcome.Done, answer.Server, IdentityOf(ticket), MayReplace: true, default) { IsOwnTicket = true };
        // Full memory, a replica, a right to read only: what is there can be read all the same.
        bool mayReplace = answer.Reply.Error is null;
        if (!mayReplace && answer.Conclude() == SlotOutcome.Refused) answer = await _servers.GetAsync(slot).ConfigureAwait(false);
        return Read(key, answer, mayReplace);
    }

    public async ValueTask<SlotOutcome> ReplaceAsync(string key, SlotClaim claim, ReadOnlyMemory<byte> stored, TimeSpan lifetime)
    {
        using var content = new PooledBuffer();
        RandomNumberGenerator.Fill(content.GetSpan(IdentityBytes)[..IdentityBytes]);
        content.Advance(IdentityBytes);
        if (cipher is null) content.Write(stored.Span);
        else cipher.Encrypt(stored.Span, names.SlotOf(key), content);
        return await ChangeAsync(SlotScripts.Replace, key, claim, content.Memory, Milliseconds(lifetime)).ConfigureAwait(false);
    }

    public ValueTask<SlotOutcome> RemoveAsync(string key, SlotClaim claim) => ChangeAsync(SlotScripts.Remove, key, claim);

    public ValueTask<SlotOutcome> ProlongAsync(string key, SlotClaim claim, TimeSpan lifetime) => ChangeAsync(SlotScripts.Prolong, key, claim, Milliseconds(lifetime));

    public async ValueTask<SlotRead> PutTicketAsync(string key, TimeSpan lifetime)
    {
        byte[] ticket = NewIdentity();
        RedisArgument slot = names.SlotWordOf(key);
        SlotAnswer answer = await _servers.SendAsync(slot, ["SET", slot, ticket, "PX", Milliseconds(lifetime)]).ConfigureAwait(false);
        return answer.IsOk ? new(SlotOutcome.Done, answer.Server, IdentityOf(ticket), MayReplace: true, default) : Without(answer.Conclude(), answer.Server);
    }

    public async ValueTask<SlotOutcome> UnlinkAsync(string key)
    {
        RedisArgument slot = names.SlotWordOf(key);
        return (await _servers.SendAsync(slot, ["UNLINK", slot]).ConfigureAwait(false)).Conclude();
    }

    /// <summary>Runs a script that changes a slot only while it is as it was claimed; it answers 1 where it did.</summary>
    private async ValueTask<SlotOutcome> ChangeAsync(RedisScript script, string key, SlotClaim claim, params RedisArgument[] more)
    {
        if (claim.Stamp.Epoch != epoch()) return SlotOutcome.Changed;
        RedisArgument slot = names.SlotWordOf(key);
        SlotAnswer answer = await _servers.SendAsync(slot, [1, slot, BytesOf(claim.Identity), .. more], script, claim.Server.Identity).ConfigureAwait(false);
        return !answer.IsOk ? answer.Conclude() : answer.Reply.Value.TryGetInteger(out long done) && done == 1 ? SlotOutcome.Done : SlotOutcome.Changed;
    }

    private SlotRead Read(string key, SlotAnswer answer, bool mayReplace)
    {
        if (!answer.IsOk) return Without(answer.Conclude(), answer.Server);
        // Nothing, or what is nobody's entry.
        ReadOnlyMemory<byte> slot = answer.Reply.Value.Memory;
        if (slot.Length < IdentityBytes) return Without(SlotOutcome.Done, answer.Server);
        var read = new SlotRead(SlotOutcome.Done, answer.Server, IdentityOf(slot.Span), mayReplace, slot[IdentityBytes..]) { Rented = answer.Reply.Value.Rented };
        return cipher is null || read.Stored.IsEmpty ? read : Decrypted(key, read);
    }

    /// <summary>Where no identity was seen.</summary>
    private static SlotRead Without(SlotOutcome outcome, RemoteServer server) => new(outcome, server, default, MayReplace: false, default);

    private SlotRead Decrypted(string key, in SlotRead read)
    {
        var plain = new ArrayBufferWriter<byte>(read.Stored.Length);
        bool isOurs = cipher!.TryDecrypt(read.Stored.Span, names.SlotOf(key), plain) == CipherOutcome.Done;
        read.Return();
        return read with { Stored = isOurs ? plain.WrittenMemory : default, Rented = null };
    }

    private static byte[] NewIdentity() => RandomNumberGenerator.GetBytes(IdentityBytes);

    private static UInt128 IdentityOf(ReadOnlySpan<byte> slot) => MemoryMarshal.Read<UInt128>(slot);

    private static byte[] BytesOf(UInt128 identity)
    {
        byte[] bytes = new byte[IdentityBytes];
        MemoryMarshal.Write(bytes, identity);
        return bytes;
    }

    private static long Milliseconds(TimeSpan lifetime) => Math.Max(1, (long)lifetime.TotalMilliseconds);
}
