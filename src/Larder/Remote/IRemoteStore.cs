using System.Buffers;

namespace Larder;

/// <summary>A server of Redis as it was when it answered.</summary>
/// <param name="Identity">Of its run id and replication id together; never 0.</param>
/// <param name="Clock">Its clock, taken as given when the question was sent .</param>
internal readonly record struct RemoteServer(UInt128 Identity, ClockAnchor Clock)
{
    /// <summary>Milliseconds from the question to the answer: the clock reads at most so much less than <see cref="Clock"/> says.</summary>
    public long Doubt { get; init; }

    /// <summary>The clock for what is written: taken as given when the answer came, so that nothing is dated too late .</summary>
    public ClockAnchor ClockForWriting => Clock with { Cache = CacheClock.After(Clock.Cache, Doubt) };
}

/// <summary>How a command on a slot ended. Whatever it was, it is no exception: the tier costs calls nothing but its help.</summary>
internal enum SlotOutcome : byte
{
    /// <summary>The server has answered, and done what was asked.</summary>
    Done,
    /// <summary>The slot's identity, its server or the epoch is another one by now: nothing was done.</summary>
    Changed,
    /// <summary>The server refused, or there is no connection to it: nothing was done.</summary>
    Refused,
    /// <summary>No answer in time: it may have been done, or be done later.</summary>
    Unknown,
}

/// <summary>What was in a slot.</summary>
/// <param name="Outcome">What follows is known only where it is <see cref="SlotOutcome.Done"/>.</param>
/// <param name="Server">Who answered.</param>
/// <param name="Identity">The slot's; 0 where there is none.</param>
/// <param name="MayReplace">Whether the slot has the identity for sure: false where only reading was permitted.</param>
/// <param name="Stored">What stands behind the identity; empty for a ticket.</param>
internal readonly record struct SlotRead(SlotOutcome Outcome, RemoteServer Server, UInt128 Identity, bool MayReplace, ReadOnlyMemory<byte> Stored)
{
    /// <summary>Whether there was nothing, and this very call has put the ticket there.</summary>
    public bool IsOwnTicket { get; init; }

    /// <summary>The array of the shared pool that <see cref="Stored"/> lies in; null where it lies in one of its own.</summary>
    public byte[]? Rented { get; init; }

    /// <summary>Gives the array back, for the one who asked: once, and nothing looks at what was stored any more. Who never does lets the collector have it.</summary>
    public void Return()
    {
        if (Rented is not null) ArrayPool<byte>.Shared.Return(Rented);
    }
}

/// <summary>What a fill knew when it began: only as long as that is still so may its result go into the slot .</summary>
/// <param name="Identity">What it saw in the slot.</param>
/// <param name="Server">Whose slot that was.</param>
/// <param name="Stamp">The epoch, and the ordinal up to which its node had seen before it asked.</param>
internal sealed record SlotClaim(UInt128 Identity, RemoteServer Server, Position Stamp)
{
    /// <summary>Whether it is of a ticket that others wait for, and that its fill removes if it stores nothing .</summary>
    public bool IsAwaited { get; init; }

    /// <summary>Whether both saw the same in the slot.</summary>
    public bool IsOfTheSame(SlotClaim other) => Identity == other.Identity && Server.Identity == other.Server.Identity && Stamp.Epoch == other.Stamp.Epoch;
}

/// <summary>
/// The places of keys in Redis. Implementations have deadlines of their own, name every slot's server, and answer what went wrong as
/// an outcome. Any error that a server replies with means: not done.
/// </summary>
internal interface IRemoteStore
{
    /// <summary>Reads a slot (<c>GET</c>).</summary>
    ValueTask<SlotRead> ReadAsync(string key);

    /// <summary>Reads many slots in as few steps as it can; by itself with as many single reads at once.</summary>
    /// <returns>What each slot held, in the order of the keys.</returns>
    async ValueTask<SlotRead[]> ReadManyAsync(IReadOnlyList<string> keys) => await Task.WhenAll(keys.Select(key => ReadAsync(key).AsTask())).ConfigureAwait(false);

    /// <summary>Reads a slot, and puts a ticket there where nothing is (<c>SET NX GET PX</c>); only reads it where that is refused.</summary>
    ValueTask<SlotRead> ClaimAsync(string key, TimeSpan lifetime);

    /// <summary>Replaces what is in the slot, with a new identity, if that is still the claimed one, on the claimed server and in the claimed epoch.</summary>
    ValueTask<SlotOutcome> ReplaceAsync(string key, SlotClaim claim, ReadOnlyMemory<byte> stored, TimeSpan lifetime);

    /// <summary>Removes the slot on the same conditions.</summary>
    ValueTask<SlotOutcome> RemoveAsync(string key, SlotClaim claim);

    /// <summary>Lets the slot live so long at least from now on, with what is in it, on the same conditions.</summary>
    ValueTask<SlotOutcome> ProlongAsync(string key, SlotClaim claim, TimeSpan lifetime);

    /// <summary>Puts a new ticket into the slot, whatever is there, and returns it.</summary>
    ValueTask<SlotRead> PutTicketAsync(string key, TimeSpan lifetime);

    /// <summary>What a value may be stored by whose event every node judges by, since its slot could not be taken; null where that takes an identity.</summary>
    /// <param name="place">The event's place in groups.</param>
    SlotClaim? ClaimOf(Position place) => null;

    /// <summary>Removes the slot, whatever is there; done, too, where nothing was.</summary>
    ValueTask<SlotOutcome> UnlinkAsync(string key);
}
