using System.Buffers;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Larder.Redis;

/// <summary>The slots of keys, each on its server.</summary>
/// <param name="epoch">The log's epoch that this node is in now; 0 for none.</param>
/// <param name="mostReplyBytes">Most bytes of a reply; slots that are read together have a sixteenth of them, as the server does nothing else meanwhile.</param>
internal sealed class RedisSlots(IRedisRoutes routes, RedisNames names, ServerClock clock, TimeSpan timeout, Func<ulong> epoch, EntryCipher? cipher = null, long mostReplyBytes = RedisOptions.UsualReplyBytes) : IRemoteStore
{
    private const int IdentityBytes = SlotContent.IdentityBytes;
    /// <summary>Slots that are read together: the server does nothing else meanwhile.</summary>
    private const int MostAtOnce = 512;

    private readonly SlotServers _servers = new(routes, clock, timeout, epoch);

    /// <summary>On one server.</summary>
    public RedisSlots(RedisLink link, RedisNames names, ServerClock clock, TimeSpan timeout, Func<ulong> epoch, EntryCipher? cipher = null, long mostReplyBytes = RedisOptions.UsualReplyBytes)
        : this(new SingleServer(link), names, clock, timeout, epoch, cipher, mostReplyBytes)
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
        RedisArgument[] words = [count, .. Enumerable.Range(from, count).Select(i => names.SlotWordOf(keys[i])), mostReplyBytes / 16];
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
        byte[] ticket = SlotContent.NewIdentity();
        RedisArgument slot = names.SlotWordOf(key);
        SlotAnswer answer = await _servers.SendAsync(slot, ["SET", slot, ticket, "NX", "GET", "PX", Milliseconds(lifetime)]).ConfigureAwait(false);
        if (answer.IsOk && answer.Reply.Value.IsNull) return new(SlotOutcome.Done, answer.Server, SlotContent.IdentityOf(ticket), MayReplace: true, default) { IsOwnTicket = true };
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
        byte[] ticket = SlotContent.NewIdentity();
        RedisArgument slot = names.SlotWordOf(key);
        SlotAnswer answer = await _servers.SendAsync(slot, ["SET", slot, ticket, "PX", Milliseconds(lifetime)]).ConfigureAwait(false);
        return answer.IsOk ? new(SlotOutcome.Done, answer.Server, SlotContent.IdentityOf(ticket), MayReplace: true, default) : Without(answer.Conclude(), answer.Server);
    }

    public async ValueTask<SlotOutcome> UnlinkAsync(string key)
    {
        RedisArgument slot = names.SlotWordOf(key);
        return (await _servers.SendAsync(slot, ["UNLINK", slot]).ConfigureAwait(false)).Conclude();
    }

    private ValueTask<SlotOutcome> ChangeAsync(RedisScript script, string key, SlotClaim claim, params RedisArgument[] more) => _servers.ChangeAsync(script, names.SlotWordOf(key), claim, more);

    private SlotRead Read(string key, SlotAnswer answer, bool mayReplace)
    {
        if (!answer.IsOk) return Without(answer.Conclude(), answer.Server);
        // Nothing, or what is nobody's entry.
        if (!SlotContent.TryRead(answer.Reply.Value, out UInt128 identity, out ReadOnlyMemory<byte> stored)) return Without(SlotOutcome.Done, answer.Server);
        var read = new SlotRead(SlotOutcome.Done, answer.Server, identity, mayReplace, stored) { Rented = answer.Reply.Value.Rented };
        if (cipher is null || stored.IsEmpty) return read;
        ReadOnlyMemory<byte> plain = SlotContent.Decrypt(cipher, stored, names.SlotOf(key));
        read.Return();
        return read with { Stored = plain, Rented = null };
    }

    /// <summary>Where no identity was seen.</summary>
    private static SlotRead Without(SlotOutcome outcome, RemoteServer server) => new(outcome, server, default, MayReplace: false, default);

    private static long Milliseconds(TimeSpan lifetime) => Math.Max(1, (long)lifetime.TotalMilliseconds);
}
