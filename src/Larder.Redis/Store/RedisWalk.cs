using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Larder.Redis;

/// <summary>A walk over the slots of one server (<c>SCAN</c>), in small steps.</summary>
/// <remarks>Without a cipher only the beginning of each is read. What is encrypted has to be read whole: then one at a time, so that no more than one value is here at once.</remarks>
/// <param name="epoch">The log's epoch that this node is in now; 0 for none.</param>
internal sealed class RedisWalk(RedisLink link, RedisNames names, ServerClock clock, TimeSpan timeout, Func<ulong> epoch, EntryCipher? cipher = null) : IRemoteWalk
{
    private const int IdentityBytes = 16, SlotsInPage = 100;
    /// <summary>Identities, and what most entries say before their body.</summary>
    private const int HeadBytes = 2 * IdentityBytes + 2048;

    public int MostAtOnce => cipher is null ? SlotsInPage : 1;

    public async ValueTask<SweepTurn> TakeTurnAsync(ulong epoch, ulong node, long upTo, TimeSpan life)
    {
        if (!TryConnect(out RedisConnection? connection, out _)) return SweepTurn.Unknown;
        RedisReply reply = await SweepScripts.Take.RunAsync(connection, [2, names.State, names.Sweeper, Written(epoch), Written(node), upTo, (long)life.TotalMilliseconds], timeout).ConfigureAwait(false);
        return reply.IsOk && reply.Value.TryGetInteger(out long turn) && turn is >= 1 and <= 3 ? (SweepTurn)turn : SweepTurn.Unknown;
    }

    public async ValueTask EndTurnAsync(ulong epoch, ulong node, long upTo)
    {
        if (TryConnect(out RedisConnection? connection, out _))
            await SweepScripts.End.RunAsync(connection, [2, names.State, names.Sweeper, Written(epoch), Written(node), upTo], timeout).ConfigureAwait(false);
    }

    public async ValueTask<SlotPage?> NextAsync(string? after)
    {
        if (!TryConnect(out RedisConnection? connection, out RemoteServer server)) return null;
        // A cursor means nothing to another server, or to the same one after its restart.
        string of = server.Identity.ToString("x32", CultureInfo.InvariantCulture) + ':';
        if (after?.StartsWith(of, StringComparison.Ordinal) == false) return null;
        RedisReply reply = await connection.SendAsync(["SCAN", after?[of.Length..] ?? "0", "MATCH", names.AllSlots, "COUNT", SlotsInPage, "TYPE", "string"], timeout).ConfigureAwait(false);
        ReadOnlyMemory<RespValue> items = reply.Value.Items;
        if (!reply.IsOk || items.Length != 2 || items.Span[0].Text is not { } next) return null;
        return new([.. items.Span[1].Items.ToArray().Select(item => item.Bytes).OfType<byte[]>()], next == "0" ? null : of + next);
    }

    public async ValueTask<WalkedSlot[]> ReadAsync(IReadOnlyList<byte[]> slots, bool whole)
    {
        if (!TryConnect(out RedisConnection? connection, out RemoteServer server)) return [.. slots.Select(slot => new WalkedSlot(slot, server, 0, default))];
        RedisReply[] replies = await Task.WhenAll(slots.Select(slot =>
            (whole || cipher is not null ? connection.SendAsync(["GET", slot], timeout) : connection.SendAsync(["GETRANGE", slot, 0, HeadBytes - 1], timeout)).AsTask())).ConfigureAwait(false);
        return [.. slots.Zip(replies, (slot, reply) => Read(slot, server, reply))];
    }

    public bool IsPlaceOf(byte[] name, string key) => names.SlotOf(key) == Encoding.UTF8.GetString(name);

    public async ValueTask<SlotOutcome> RemoveAsync(byte[] name, SlotClaim claim)
    {
        if (!TryConnect(out RedisConnection? connection, out RemoteServer server)) return SlotOutcome.Refused;
        if (claim.Server.Identity != server.Identity || claim.Stamp.Epoch != epoch()) return SlotOutcome.Changed;
        byte[] identity = new byte[IdentityBytes];
        MemoryMarshal.Write(identity, claim.Identity);
        RedisReply reply = await SlotScripts.Remove.RunAsync(connection, [1, name, identity], timeout).ConfigureAwait(false);
        ServerWatch.Heed(connection, reply);
        return !reply.IsOk ? reply.IsUncertain ? SlotOutcome.Unknown : SlotOutcome.Refused
            : reply.Value.TryGetInteger(out long done) && done == 1 ? SlotOutcome.Done : SlotOutcome.Changed;
    }

    private bool TryConnect([NotNullWhen(true)] out RedisConnection? connection, out RemoteServer server)
    {
        server = default;
        connection = link.Current;
        return connection is not null && clock.TryDescribe(connection.Server, out server) && link.Breaker.TryPass();
    }

    private WalkedSlot Read(byte[] slot, RemoteServer server, RedisReply reply)
    {
        if (!reply.IsOk || reply.Value.Bytes is not { Length: >= IdentityBytes } bytes) return new(slot, server, 0, default);
        ReadOnlyMemory<byte> stored = bytes.AsMemory(IdentityBytes);
        if (cipher is not null && !stored.IsEmpty)
        {
            var plain = new System.Buffers.ArrayBufferWriter<byte>(stored.Length);
            stored = cipher.TryDecrypt(stored.Span, Encoding.UTF8.GetString(slot), plain) == CipherOutcome.Done ? plain.WrittenMemory : default;
        }
        return new(slot, server, MemoryMarshal.Read<UInt128>(bytes), stored);
    }

    private static string Written(ulong number) => number.ToString("x16", CultureInfo.InvariantCulture);
}
