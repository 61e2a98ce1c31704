using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Larder.Redis;

/// <summary>The slots of keys on one server.</summary>
/// <remarks>
/// A slot is its identity of 16 bytes and what is stored behind it, encrypted where there is a cipher. What can't be decrypted is as good as a
/// ticket: it has an identity, so that it can be replaced, and nothing to read.
/// </remarks>
/// <param name="epoch">The log's epoch that this node is in now; 0 for none.</param>
/// <param name="mostBytes">Most bytes that slots which are read together may have; less than a reply may have.</param>
internal sealed class RedisSlots(RedisLink link, RedisNames names, ServerClock clock, TimeSpan timeout, Func<ulong> epoch, EntryCipher? cipher = null, long mostBytes = 8L << 20) : IRemoteStore
{
    private const int IdentityBytes = 16;
    /// <summary>Slots that are read together: the server does nothing else meanwhile.</summary>
    private const int MostAtOnce = 512;

    public async ValueTask<SlotRead> ReadAsync(string key)
    {
        if (!TryConnect(out RedisConnection? connection, out RemoteServer server)) return Without(SlotOutcome.Refused, server);
        return Read(connection, key, server, await connection.SendAsync(["GET", names.SlotWordOf(key)], timeout).ConfigureAwait(false), mayReplace: true);
    }

    /// <summary>Reads as many together as may be, and the next ones then; after one that was not answered no more is asked.</summary>
    public async ValueTask<SlotRead[]> ReadManyAsync(IReadOnlyList<string> keys)
    {
        var reads = new SlotRead[keys.Count];
        Array.Fill(reads, Without(SlotOutcome.Refused, default));
        for (int done = 0; done < reads.Length && TryConnect(out RedisConnection? connection, out RemoteServer server);)
        {
            int count = Math.Min(MostAtOnce, reads.Length - done);
            RedisArgument[] words = [count, .. Enumerable.Range(done, count).Select(i => names.SlotWordOf(keys[i])), mostBytes];
            RedisReply reply = await SlotScripts.ReadMany.RunAsync(connection, words, timeout).ConfigureAwait(false);
            ReadOnlyMemory<RespValue> items = reply.Value.Items;
            if (!reply.IsOk || items.Length == 0 || items.Length > count)
            {
                reads[done] = Without(OutcomeOf(connection, reply) is not SlotOutcome.Done and var outcome ? outcome : SlotOutcome.Refused, server);
                break;
            }
            for (int i = 0; i < items.Length; i++, done++) reads[done] = Read(connection, keys[done], server, new(RedisOutcome.Answered, items.Span[i]), mayReplace: true);
        }
        return reads;
    }

    public async ValueTask<SlotRead> ClaimAsync(string key, TimeSpan lifetime)
    {
        if (!TryConnect(out RedisConnection? connection, out RemoteServer server)) return Without(SlotOutcome.Refused, server);
        byte[] ticket = NewIdentity();
        RedisArgument slot = names.SlotWordOf(key);
        RedisReply reply = await connection.SendAsync(["SET", slot, ticket, "NX", "GET", "PX", Milliseconds(lifetime)], timeout).ConfigureAwait(false);
        if (reply.IsOk && reply.Value.IsNull) return new(SlotOutcome.Done, server, IdentityOf(ticket), MayReplace: true, default) { IsOwnTicket = true };
        // Full memory, a replica, a right to read only: what is there can be read all the same.
        bool mayReplace = reply.Error is null;
        ServerWatch.Heed(connection, reply);
        if (!mayReplace) reply = await connection.SendAsync(["GET", slot], timeout).ConfigureAwait(false);
        return Read(connection, key, server, reply, mayReplace);
    }

    public async ValueTask<SlotOutcome> ReplaceAsync(string key, SlotClaim claim, ReadOnlyMemory<byte> stored, TimeSpan lifetime)
    {
        if (!TryConnect(out RedisConnection? connection, out RemoteServer server)) return SlotOutcome.Refused;
        if (!IsStillThere(claim, server)) return SlotOutcome.Changed;
        using var content = new PooledBuffer();
        RandomNumberGenerator.Fill(content.GetSpan(IdentityBytes)[..IdentityBytes]);
        content.Advance(IdentityBytes);
        if (cipher is null) content.Write(stored.Span);
        else cipher.Encrypt(stored.Span, names.SlotOf(key), content);
        return Changed(connection, await SlotScripts.Replace.RunAsync(connection, [1, names.SlotWordOf(key), BytesOf(claim.Identity), content.Memory, Milliseconds(lifetime)], timeout).ConfigureAwait(false));
    }

    public ValueTask<SlotOutcome> RemoveAsync(string key, SlotClaim claim) => ChangeAsync(SlotScripts.Remove, claim, [1, names.SlotWordOf(key), BytesOf(claim.Identity)]);

    public ValueTask<SlotOutcome> ProlongAsync(string key, SlotClaim claim, TimeSpan lifetime) =>
        ChangeAsync(SlotScripts.Prolong, claim, [1, names.SlotWordOf(key), BytesOf(claim.Identity), Milliseconds(lifetime)]);

    public async ValueTask<SlotRead> PutTicketAsync(string key, TimeSpan lifetime)
    {
        if (!TryConnect(out RedisConnection? connection, out RemoteServer server)) return Without(SlotOutcome.Refused, server);
        byte[] ticket = NewIdentity();
        RedisReply reply = await connection.SendAsync(["SET", names.SlotWordOf(key), ticket, "PX", Milliseconds(lifetime)], timeout).ConfigureAwait(false);
        return reply.IsOk ? new(SlotOutcome.Done, server, IdentityOf(ticket), MayReplace: true, default) : Without(OutcomeOf(connection, reply), server);
    }

    public async ValueTask<SlotOutcome> UnlinkAsync(string key) =>
        TryConnect(out RedisConnection? connection, out _)
            ? OutcomeOf(connection, await connection.SendAsync(["UNLINK", names.SlotWordOf(key)], timeout).ConfigureAwait(false))
            : SlotOutcome.Refused;

    private async ValueTask<SlotOutcome> ChangeAsync(RedisScript script, SlotClaim claim, RedisArgument[] words)
    {
        if (!TryConnect(out RedisConnection? connection, out RemoteServer server)) return SlotOutcome.Refused;
        return IsStillThere(claim, server) ? Changed(connection, await script.RunAsync(connection, words, timeout).ConfigureAwait(false)) : SlotOutcome.Changed;
    }

    /// <summary>The connection that answers, and who that is: both are of one moment.</summary>
    private bool TryConnect([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out RedisConnection? connection, out RemoteServer server)
    {
        server = default;
        connection = link.Current;
        return connection is not null && clock.TryDescribe(connection.Server, out server) && link.Breaker.TryPass();
    }

    private bool IsStillThere(SlotClaim claim, RemoteServer server) => claim.Server.Identity == server.Identity && claim.Stamp.Epoch == epoch();

    private SlotRead Read(RedisConnection connection, string key, RemoteServer server, RedisReply reply, bool mayReplace)
    {
        if (!reply.IsOk) return Without(OutcomeOf(connection, reply), server);
        // Nothing, or what is nobody's entry.
        if (reply.Value.Bytes is not { Length: >= IdentityBytes } bytes) return Without(SlotOutcome.Done, server);
        return new(SlotOutcome.Done, server, IdentityOf(bytes), mayReplace, Decrypt(key, bytes.AsMemory(IdentityBytes)));
    }

    /// <summary>Where no identity was seen.</summary>
    private static SlotRead Without(SlotOutcome outcome, RemoteServer server) => new(outcome, server, default, MayReplace: false, default);

    private ReadOnlyMemory<byte> Decrypt(string key, ReadOnlyMemory<byte> content)
    {
        if (cipher is null || content.IsEmpty) return content;
        var plain = new ArrayBufferWriter<byte>(content.Length);
        return cipher.TryDecrypt(content.Span, names.SlotOf(key), plain) == CipherOutcome.Done ? plain.WrittenMemory : default;
    }

    /// <summary>A script's answer: 1 where it did what it was asked.</summary>
    private static SlotOutcome Changed(RedisConnection connection, RedisReply reply) =>
        !reply.IsOk ? OutcomeOf(connection, reply) : reply.Value.TryGetInteger(out long done) && done == 1 ? SlotOutcome.Done : SlotOutcome.Changed;

    private static SlotOutcome OutcomeOf(RedisConnection connection, RedisReply reply)
    {
        ServerWatch.Heed(connection, reply);
        return reply.IsOk ? SlotOutcome.Done : reply.IsUncertain ? SlotOutcome.Unknown : SlotOutcome.Refused;
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
