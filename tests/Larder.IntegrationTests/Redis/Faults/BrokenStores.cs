using System.Buffers.Binary;

namespace Larder.IntegrationTests.RedisFaults;

/// <summary>A store that is broken in one thing: what a fill made goes into the slot whatever happened since it began.</summary>
internal sealed class ClaimlessStore(IRemoteStore inner) : IRemoteStore
{
    public ValueTask<SlotRead> ReadAsync(string key) => inner.ReadAsync(key);

    public ValueTask<SlotRead> ClaimAsync(string key, TimeSpan lifetime) => inner.ClaimAsync(key, lifetime);

    public async ValueTask<SlotOutcome> ReplaceAsync(string key, SlotClaim claim, ReadOnlyMemory<byte> stored, TimeSpan lifetime)
    {
        SlotRead ticket = await inner.PutTicketAsync(key, lifetime);
        return await inner.ReplaceAsync(key, claim with { Identity = ticket.Identity }, stored, lifetime);
    }

    public ValueTask<SlotOutcome> RemoveAsync(string key, SlotClaim claim) => inner.RemoveAsync(key, claim);

    public ValueTask<SlotRead> PutTicketAsync(string key, TimeSpan lifetime) => inner.PutTicketAsync(key, lifetime);

    public ValueTask<SlotOutcome> UnlinkAsync(string key) => inner.UnlinkAsync(key);

    public ValueTask<SlotOutcome> ProlongAsync(string key, SlotClaim claim, TimeSpan lifetime) => inner.ProlongAsync(key, claim, lifetime);
}

/// <summary>A store that is broken in one thing: what is in a slot seems to be of this epoch and this server, whenever it was put there.</summary>
internal sealed class TimelessStore(IRemoteStore inner, Func<ulong> epoch) : IRemoteStore
{
    private static readonly WireLimits Limits = WireLimits.Of(new());

    public async ValueTask<SlotRead> ReadAsync(string key) => Renewed(key, await inner.ReadAsync(key));

    public async ValueTask<SlotRead> ClaimAsync(string key, TimeSpan lifetime) => Renewed(key, await inner.ClaimAsync(key, lifetime));

    public ValueTask<SlotOutcome> ReplaceAsync(string key, SlotClaim claim, ReadOnlyMemory<byte> stored, TimeSpan lifetime) => inner.ReplaceAsync(key, claim, stored, lifetime);

    public ValueTask<SlotOutcome> RemoveAsync(string key, SlotClaim claim) => inner.RemoveAsync(key, claim);

    public ValueTask<SlotRead> PutTicketAsync(string key, TimeSpan lifetime) => inner.PutTicketAsync(key, lifetime);

    public ValueTask<SlotOutcome> UnlinkAsync(string key) => inner.UnlinkAsync(key);

    public ValueTask<SlotOutcome> ProlongAsync(string key, SlotClaim claim, TimeSpan lifetime) => inner.ProlongAsync(key, claim, lifetime);

    private SlotRead Renewed(string key, SlotRead read)
    {
        if (read.Stored.IsEmpty || WireFormat.Read(read.Stored[RemoteReads.ServerBytes..], key, Limits, out WireEntry entry) != WireOutcome.Done) return read;
        using var stored = new PooledBuffer();
        BinaryPrimitives.WriteUInt128LittleEndian(stored.GetSpan(RemoteReads.ServerBytes), read.Server.Identity);
        stored.Advance(RemoteReads.ServerBytes);
        Assert.Equal(WireOutcome.Done, WireFormat.Write(entry with { Stamp = new(epoch(), entry.Stamp.Ordinal) }, Limits, stored));
        return read with { Stored = stored.Span.ToArray() };
    }
}
