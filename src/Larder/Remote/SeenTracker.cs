namespace Larder;

/// <summary>The log's state as its server told it.</summary>
/// <param name="Epoch">Random, never 0.</param>
/// <param name="Last">The newest ordinal.</param>
/// <param name="Groups">The newest in <see cref="RemoteStream.Groups"/>.</param>
/// <param name="Keys">The newest in <see cref="RemoteStream.Keys"/>.</param>
internal readonly record struct RemoteState(ulong Epoch, long Last, long Groups, long Keys);

/// <summary>Whether the log can be followed further.</summary>
internal enum SeenOutcome : byte
{
    Followed,
    /// <summary>An event that was not seen is not there any more.</summary>
    Gap,
    /// <summary>An event of another epoch, or one that can't be read.</summary>
    OtherEpoch,
}

/// <summary>
/// Puts the events of both streams into one order and says up to which ordinal all have been applied, however the
/// streams are cut into replies.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. At first the events of groups up to the state's are replayed, by their own chain: what was in keys by then concerns nobody
///    who begins now. When the last of them was applied, everything up to the state's last ordinal has been seen.
/// 2. After that an event is applied only if both of its predecessors are the newest that were applied of their streams. So events are
///    applied in the order of their ordinals, and none is left out.
/// 3. An outcome other than <see cref="SeenOutcome.Followed"/> stays: nothing is applied any more.
/// One thread uses it.
/// </remarks>
/// <param name="state">From which on the log is followed.</param>
/// <param name="apply">Called for each event before it counts as seen; and whether it is one of those replayed at first.</param>
internal sealed class SeenTracker(RemoteState state, Action<RemoteEvent, bool> apply)
{
    /// <summary>So many events of a stream wait for the other one before no more of it is asked for.</summary>
    private const int MostWaiting = 10_000;

    private readonly Queue<RemoteEvent>[] _waiting = [new(), new()];
    /// <summary>The newest that were read and applied, by stream.</summary>
    private readonly long[] _read = [0, state.Keys], _applied = [0, state.Keys];

    public SeenOutcome Outcome { get; private set; }

    /// <summary>Whether what was there at the beginning has been replayed.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>All events of both streams up to this ordinal have been applied, or lie below the floor.</summary>
    public long SeenUpTo { get; private set; }

    /// <summary>The predecessor of the oldest event of groups that was there.</summary>
    public long Floor { get; private set; } = state.Groups == 0 ? 0 : -1;

    /// <summary>The newest ordinal of the stream that was read: the next one is to be read from there on.</summary>
    public long ReadUpTo(RemoteStream stream) => _read[(int)stream];

    /// <summary>Whether more of the stream is wanted before the other one has come further.</summary>
    public bool Wants(RemoteStream stream) => _waiting[(int)stream].Count < MostWaiting;

    /// <summary>Takes what was read of a stream, in its order; what was read before already is passed over.</summary>
    public SeenOutcome Read(RemoteStream stream, IReadOnlyList<RemoteEvent> events)
    {
        foreach (RemoteEvent e in events)
        {
            if (e.Place.Epoch != state.Epoch)
            {
                Follow();
                return End(SeenOutcome.OtherEpoch);
            }
            if (e.Place.Ordinal <= _read[(int)stream]) continue;
            _read[(int)stream] = e.Place.Ordinal;
            _waiting[(int)stream].Enqueue(e);
        }
        return Follow();
    }

    private SeenOutcome Follow()
    {
        if (Outcome == SeenOutcome.Followed && !HasBegun) Replay();
        while (Outcome == SeenOutcome.Followed && HasBegun && (TryApply(RemoteStream.Groups) || TryApply(RemoteStream.Keys)))
        {
        }
        return Outcome;
    }

    private void Replay()
    {
        Queue<RemoteEvent> groups = _waiting[(int)RemoteStream.Groups];
        ref long applied = ref _applied[(int)RemoteStream.Groups];
        while (applied < state.Groups && groups.TryPeek(out RemoteEvent? e))
        {
            if (Floor < 0) (Floor, applied) = (e.GroupsBefore, e.GroupsBefore);
            // Trimmed away as far as the state reached, or in the middle.
            if (e.GroupsBefore != applied || e.Place.Ordinal > state.Groups)
            {
                End(SeenOutcome.Gap);
                return;
            }
            groups.Dequeue();
            apply(e, true);
            applied = e.Place.Ordinal;
        }
        if (applied < state.Groups) return;
        SeenUpTo = state.Last;
        HasBegun = true;
    }

    private bool TryApply(RemoteStream stream)
    {
        if (Outcome != SeenOutcome.Followed || !_waiting[(int)stream].TryPeek(out RemoteEvent? e)) return false;
        (long own, long other) = stream == RemoteStream.Groups ? (e.GroupsBefore, e.KeysBefore) : (e.KeysBefore, e.GroupsBefore);
        long appliedOther = _applied[1 - (int)stream];
        if (own != _applied[(int)stream] || other < appliedOther)
        {
            End(SeenOutcome.Gap);
            return false;
        }
        // It waits for the other stream; what was read of that and is not its predecessor is found to be a gap there.
        if (other > appliedOther) return false;
        _waiting[(int)stream].Dequeue();
        apply(e, false);
        _applied[(int)stream] = e.Place.Ordinal;
        SeenUpTo = e.Place.Ordinal;
        return true;
    }

    private SeenOutcome End(SeenOutcome outcome)
    {
        if (Outcome == SeenOutcome.Followed) Outcome = outcome;
        return Outcome;
    }
}
