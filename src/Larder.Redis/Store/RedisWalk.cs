using System.Text;

namespace Larder.Redis;

/// <summary>A walk over the slots of all servers, of one after the other (<c>SCAN</c>), in small steps.</summary>
/// <remarks>
/// Without a cipher only the beginning of each is read. What is encrypted has to be read whole: then one at a time, so that no more than one value is here at once.
/// Invariant: a walk comes to its end only if every server has answered to its own end, and the hash slots lie at the end where they lay at the beginning. What
/// could be walked over was, all the same.
/// </remarks>
/// <param name="epoch">The log's epoch that this node is in now; 0 for none.</param>
internal sealed class RedisWalk(IRedisRoutes routes, RedisNames names, ServerClock clock, TimeSpan timeout, Func<ulong> epoch, EntryCipher? cipher = null) : IRemoteWalk
{
    private const int SlotsInPage = 100;
    /// <summary>Identities, and what most entries say before their body.</summary>
    private const int HeadBytes = 2 * SlotContent.IdentityBytes + 2048;

    private readonly SlotServers _servers = new(routes, clock, timeout, epoch);

    /// <param name="Nth">Which of the servers.</param>
    /// <param name="Server">Who that was: a cursor means nothing to another one, or to the same one after its restart. 0 where it was not asked yet.</param>
    /// <param name="IsWhole">Whether nothing was missed so far.</param>
    private sealed record Place(RedisServers Servers, int Nth, UInt128 Server, string Cursor, bool IsWhole) : WalkPlace;

    public int MostAtOnce => cipher is null ? SlotsInPage : 1;

    public async ValueTask<SweepTurn> TakeTurnAsync(ulong epoch, ulong node, long upTo, TimeSpan life)
    {
        SlotAnswer answer = await _servers.SendAsync(names.State, [2, names.State, names.Sweeper, HexName.Of(epoch), HexName.Of(node), upTo, (long)life.TotalMilliseconds], SweepScripts.Take).ConfigureAwait(false);
        return answer.IsOk && answer.Reply.Value.TryGetInteger(out long turn) && turn is >= 1 and <= 3 ? (SweepTurn)turn : SweepTurn.Unknown;
    }

    public async ValueTask EndTurnAsync(ulong epoch, ulong node, long upTo) =>
        await _servers.SendAsync(names.State, [2, names.State, names.Sweeper, HexName.Of(epoch), HexName.Of(node), upTo], SweepScripts.End).ConfigureAwait(false);

    public async ValueTask<SlotPage?> NextAsync(WalkPlace? after)
    {
        Place? at = after as Place ?? (await routes.AllAsync().ConfigureAwait(false) is { } all ? new(all, 0, 0, "0", IsWhole: true) : null);
        // Behind the last server, because something was missed.
        if (at is null || at.Nth == at.Servers.Links.Count) return null;
        SlotAnswer answer = await ScanAsync(at).ConfigureAwait(false);
        ReadOnlyMemory<RespValue> items = answer.Reply.Value.Items;
        string? next = answer.IsOk && items.Length == 2 ? items.Span[0].Text : null;
        byte[][] found = next is null ? [] : [.. items.Span[1].Items.ToArray().Select(item => item.Bytes).OfType<byte[]>()];
        if (next is not (null or "0")) return new(found, at with { Server = answer.Server.Identity, Cursor = next });

        at = at with { Nth = at.Nth + 1, Server = 0, Cursor = "0", IsWhole = at.IsWhole && next is not null };
        bool isEnd = at.Nth == at.Servers.Links.Count && at.IsWhole && (await routes.AllAsync().ConfigureAwait(false))?.Layout == at.Servers.Layout;
        return new(found, isEnd ? null : at);
    }

    private async ValueTask<SlotAnswer> ScanAsync(Place at)
    {
        RedisLink link = at.Servers.Links[at.Nth];
        try
        {
            // One that no name of this node is on was not connected to before.
            using var patience = new CancellationTokenSource(timeout, clock.Time);
            await link.WhenConnectedAsync(patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return default;
        }
        return await _servers.SendToAsync(link, ["SCAN", at.Cursor, "MATCH", names.AllSlots, "COUNT", SlotsInPage, "TYPE", "string"], at.Server).ConfigureAwait(false);
    }

    public async ValueTask<WalkedSlot[]> ReadAsync(IReadOnlyList<byte[]> slots, bool whole) => await Task.WhenAll(slots.Select(slot => ReadAsync(slot, whole).AsTask())).ConfigureAwait(false);

    private async ValueTask<WalkedSlot> ReadAsync(byte[] slot, bool whole)
    {
        SlotAnswer answer = await _servers.SendAsync(slot, whole || cipher is not null ? ["GET", slot] : ["GETRANGE", slot, 0, HeadBytes - 1]).ConfigureAwait(false);
        if (answer.Conclude() != SlotOutcome.Done || !SlotContent.TryRead(answer.Reply.Value, out UInt128 identity, out ReadOnlyMemory<byte> stored)) return new(slot, answer.Server, 0, default);
        return new(slot, answer.Server, identity, cipher is null ? stored : SlotContent.Decrypt(cipher, stored, Encoding.UTF8.GetString(slot)));
    }

    public bool IsPlaceOf(byte[] name, string key) => names.SlotOf(key) == Encoding.UTF8.GetString(name);

    public ValueTask<SlotOutcome> RemoveAsync(byte[] name, SlotClaim claim) => _servers.ChangeAsync(SlotScripts.Remove, name, claim);
}
