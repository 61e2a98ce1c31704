using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Larder;

/// <summary>What became of a look into Redis.</summary>
internal enum RemoteOutcome : byte
{
    /// <summary>There is an entry, which may be stale.</summary>
    Found,
    /// <summary>There is no slot.</summary>
    Absent,
    /// <summary>Somebody fills, or has removed the key.</summary>
    Ticket,
    /// <summary>Not asked: no connection to the log, behind, or before its beginning was read.</summary>
    Away,
    /// <summary>An event of this node that the log does not have yet covers it.</summary>
    Pending,
    /// <summary>The server did not answer in time, or refused.</summary>
    NoAnswer,
    /// <summary>Stamped in another epoch.</summary>
    OtherEpoch,
    /// <summary>Stored on another server than the one that answered, or on that before its restart.</summary>
    OtherServer,
    /// <summary>An event newer than its stamp covers it, or its stamp lies below the floor.</summary>
    Covered,
    /// <summary>Its time is over.</summary>
    Expired,
    /// <summary>It can't be read (<see cref="WireOutcome"/>).</summary>
    Unreadable,
}

/// <summary>What was found in Redis for a key.</summary>
/// <param name="Entry">What may be used; it may be stale.</param>
/// <param name="Claim">What the result of a fill may replace; null where nothing may be stored.</param>
internal readonly record struct RemoteAnswer(Entry? Entry, SlotClaim? Claim)
{
    /// <summary>Whether the ticket was put there by this very look.</summary>
    public bool IsOwnTicket { get; init; }

    /// <summary>Whether somebody else is making the value.</summary>
    public bool IsBeingFilled { get; init; }
}

/// <summary>Looks keys up in Redis and judges what is there .</summary>
/// <remarks>
/// The order, which the promise rests on: the caller has its stamp; the pending events are noted, then the view and how far it has seen, then
/// the command is sent; its answer is judged by the view of then. An event that was no longer pending at the note is in the view.
/// </remarks>
internal sealed class RemoteReads(IRemoteStore store, LogFollower follower, PendingEvents pending, EntryRecords records, WireLimits limits, CacheClock clock)
{
    /// <summary>The identity of the server that an entry was stored on, in front of its stored form.</summary>
    public const int ServerBytes = 16;

    public static UInt128 ServerOf(ReadOnlySpan<byte> stored) => BinaryPrimitives.ReadUInt128LittleEndian(stored);

    private readonly long[] _outcomes = new long[Enum.GetValues<RemoteOutcome>().Length];
    private readonly long[] _unreadable = new long[Enum.GetValues<WireOutcome>().Length];

    /// <summary>How many looks ended so.</summary>
    public long CountOf(RemoteOutcome outcome) => Interlocked.Read(ref _outcomes[(int)outcome]);

    /// <summary>How many could not be read for this cause.</summary>
    public long CountOf(WireOutcome outcome) => Interlocked.Read(ref _unreadable[(int)outcome]);

    /// <param name="ticketLife">How long a ticket is to live that is put where nothing is; null where nothing will be stored.</param>
    /// <param name="claims">Whether the claim is wanted where no ticket is to be put: for what is in the slot.</param>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<RemoteAnswer> ReadAsync(string key, TimeSpan? ticketLife, bool claims = false)
    {
        Invalidation[] noted = pending.Note();
        if (pending.CoversKey(key)) return Missed(RemoteOutcome.Pending);
        if (follower.Usable is not { } view) return Missed(RemoteOutcome.Away);
        var stamp = new Position(view.Epoch, view.SeenUpTo);
        try
        {
            SlotRead read = ticketLife is { } life ? await store.ClaimAsync(key, life).ConfigureAwait(false) : await store.ReadAsync(key).ConfigureAwait(false);
            if (read.Outcome != SlotOutcome.Done) return Missed(RemoteOutcome.NoAnswer);
            RemoteOutcome outcome = Judge(key, read, noted, out Entry? entry);
            // The entry has copied what it keeps.
            read.Return();
            Interlocked.Increment(ref _outcomes[(int)outcome]);
            return new(entry, (claims || ticketLife is not null) && read.MayReplace ? new(read.Identity, read.Server, stamp) : null)
            {
                IsOwnTicket = read.IsOwnTicket,
                IsBeingFilled = outcome == RemoteOutcome.Ticket && !read.IsOwnTicket,
            };
        }
        catch (Exception)
        {
            // Whatever is wrong with the tier fails no call.
            return Missed(RemoteOutcome.NoAnswer);
        }
    }

    /// <summary>Reads many keys as one would be that is only looked up.</summary>
    /// <returns>What may be used of each, in the order of the keys; null where nothing may.</returns>
    public async ValueTask<Entry?[]> ReadManyAsync(IReadOnlyList<string> keys)
    {
        var entries = new Entry?[keys.Count];
        Invalidation[] noted = pending.Note();
        List<int> asked = [.. Enumerable.Range(0, keys.Count).Where(i => !pending.CoversKey(keys[i]))];
        for (int covered = keys.Count - asked.Count; covered > 0; covered--) Missed(RemoteOutcome.Pending);
        int judged = 0;
        try
        {
            SlotRead[]? reads = follower.Usable is null ? null : await store.ReadManyAsync([.. asked.Select(i => keys[i])]).ConfigureAwait(false);
            for (; judged < asked.Count; judged++)
            {
                int i = asked[judged];
                RemoteOutcome outcome =
                    reads is null ? RemoteOutcome.Away
                    : reads[judged].Outcome != SlotOutcome.Done ? RemoteOutcome.NoAnswer
                    : Judge(keys[i], reads[judged], noted, out entries[i]);
                Interlocked.Increment(ref _outcomes[(int)outcome]);
            }
        }
        catch (Exception)
        {
            // As for a single one; what was judged by then holds.
            for (; judged < asked.Count; judged++) Missed(RemoteOutcome.NoAnswer);
        }
        return entries;
    }

    private RemoteOutcome Judge(string key, in SlotRead read, Invalidation[] noted, out Entry? entry)
    {
        entry = null;
        if (read.Stored.IsEmpty) return read.Identity == 0 ? RemoteOutcome.Absent : RemoteOutcome.Ticket;
        WireOutcome outcome = WireOutcome.Cut;
        WireEntry stored = default;
        if (read.Stored.Length > ServerBytes) outcome = WireFormat.Read(read.Stored[ServerBytes..], key, limits, out stored);
        if (outcome != WireOutcome.Done)
        {
            Interlocked.Increment(ref _unreadable[(int)outcome]);
            return RemoteOutcome.Unreadable;
        }
        if (ServerOf(read.Stored.Span) != read.Server.Identity) return RemoteOutcome.OtherServer;
        if (follower.Usable is not { } view) return RemoteOutcome.Away;
        if (stored.Stamp.Epoch != view.Epoch) return RemoteOutcome.OtherEpoch;
        ReadOnlySpan<char> name = key.AsSpan()[stored.SubjectStart..stored.SubjectEnd];
        if (PendingEvents.Covers(noted, name, stored.Tags, stored.User)) return RemoteOutcome.Pending;
        Coverage coverage = view.Judge(key, name, stored.Tags, stored.User, stored.Stamp.Ordinal, out long softAt);
        if (coverage == Coverage.Covered) return RemoteOutcome.Covered;
        Entry restored = SlidingValues.Restore(records, stored, read.Server.Clock, clock.Now);
        long now = clock.Now;
        if (coverage == Coverage.Softened)
        {
            if (!restored.HasStaleTime) return RemoteOutcome.Covered;
            restored.EndFreshness(Math.Min(softAt, now));
        }
        if (restored.IsGone(now)) return RemoteOutcome.Expired;
        entry = restored;
        return RemoteOutcome.Found;
    }

    private RemoteAnswer Missed(RemoteOutcome outcome)
    {
        Interlocked.Increment(ref _outcomes[(int)outcome]);
        return default;
    }
}
