namespace Larder;

/// <summary>Whose turn it is to sweep.</summary>
internal enum SweepTurn : byte
{
    /// <summary>Not known: the epoch is another one, or there is no answer.</summary>
    Unknown,
    /// <summary>Another node's.</summary>
    Another,
    /// <summary>Nobody's: it has been done.</summary>
    Done,
    /// <summary>This node's, for as long as it asked for.</summary>
    Own,
}

/// <summary>The names of some slots.</summary>
/// <param name="Next">What is asked for next; null when this was the last page.</param>
internal readonly record struct SlotPage(IReadOnlyList<byte[]> Names, WalkPlace? Next);

/// <summary>How far a walk has come; what is in it is the walk's own.</summary>
internal abstract record WalkPlace;

/// <summary>What was read of a slot on a walk.</summary>
/// <param name="Name">What it is called there.</param>
/// <param name="Server">Whose slot it is.</param>
/// <param name="Identity">The slot's; 0 where there is none any more.</param>
/// <param name="Stored">What stands behind the identity, or its beginning; empty for a ticket, and where it can't be read.</param>
internal readonly record struct WalkedSlot(byte[] Name, RemoteServer Server, UInt128 Identity, ReadOnlyMemory<byte> Stored);

/// <summary>
/// A walk over all slots of a cache, wherever they are, for the sweep; never on the way of a request. As with <see cref="IRemoteStore"/>, what went wrong
/// is no exception.
/// </summary>
internal interface IRemoteWalk
{
    /// <summary>Most slots that may be read at once: one, where each has to be read whole.</summary>
    int MostAtOnce { get; }

    /// <summary>Asks for the turn, or for more time of it.</summary>
    /// <param name="upTo">The newest event of groups that the sweep will have carried out.</param>
    ValueTask<SweepTurn> TakeTurnAsync(ulong epoch, ulong node, long upTo, TimeSpan life);

    /// <summary>Gives it back.</summary>
    /// <param name="upTo">Up to where it has been carried out.</param>
    ValueTask EndTurnAsync(ulong epoch, ulong node, long upTo);

    /// <summary>The next names, of some hundred slots at most; null where the walk can't go on, or is over without having come to all slots.</summary>
    /// <param name="after">What the page before said; null for the first.</param>
    ValueTask<SlotPage?> NextAsync(WalkPlace? after);

    /// <summary>Reads slots, or so much of them that most heads are in it.</summary>
    ValueTask<WalkedSlot[]> ReadAsync(IReadOnlyList<byte[]> names, bool whole);

    /// <summary>Whether that is the place of the key.</summary>
    bool IsPlaceOf(byte[] name, string key);

    /// <summary>Removes a slot as <see cref="IRemoteStore.RemoveAsync"/> does.</summary>
    ValueTask<SlotOutcome> RemoveAsync(byte[] name, SlotClaim claim);
}
