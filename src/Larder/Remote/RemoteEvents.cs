namespace Larder;

/// <summary>
/// Sends this node's events: group events into the log, key events after their slot was removed, and sets.
/// </summary>
/// <remarks>
/// Invariants.
/// 1. An event is pending before it takes effect in memory, and stays so until the log has it (<see cref="PendingEvents"/>): whatever
///    happens to its sending it is not lost while the process lives.
/// 2. A key's slot is removed before the event is appended, each time anew. Where the removal is not known to be done the event goes to
///    groups, by which every node judges what is in the slot; and so does one of a key whose slot may be claimed late.
/// 3. One loop at a time sends what waits.
/// 4. Whoever calls while the first attempt to reach the log is under way waits for its end after the event holds here, and before the epoch is
///    read in which it is sent.
/// 5. A caller whose event the log did not get in time is known (<see cref="PendingEvents.AnyLate"/>) before his call ends, and the place of
///    one that it got is noted before that: so <see cref="Newest"/> is never before an event whose call has ended.
/// </remarks>
internal sealed class RemoteEvents : IInvalidationLog
{
    private static readonly TimeSpan TicketLife = EntryRules.DefaultLimit;
    private const int SentAtOnce = 512;

    private readonly IRemoteStore _store;
    private readonly IRemoteLog _log;
    private readonly LogFollower _follower;
    private readonly PendingEvents _pending;
    private readonly LocalReceiver _receiver;
    private readonly RemoteWrites _writes;
    private readonly RemoteAcknowledgements _reached;
    private readonly Task _firstAttempt;
    // Tokens are signed with it.
    private readonly ulong _local = PositionToken.NewKey();
    private int _sending, _askedAgain;
    /// <summary>The last epoch in which an event of this node was acknowledged.</summary>
    private ulong _acknowledgedIn;

    public RemoteEvents(IRemoteStore store, IRemoteLog log, LogFollower follower, PendingEvents pending, LocalReceiver receiver, RemoteWrites writes, RemoteAcknowledgements reached, Task firstAttempt)
    {
        (_store, _log, _follower, _pending, _receiver, _writes, _reached, _firstAttempt) = (store, log, follower, pending, receiver, writes, reached, firstAttempt);
        follower.Begun = OnBegun;
    }

    /// <summary>The local ordinals' own: of a position that is still pending, and of snapshots.</summary>
    public ulong Epoch => _local;

    public bool IsStrict => _reached.IsStrict;

    public Position Newest => _pending.AnyLate ? Pending : _reached.Newest;

    /// <summary>Where an event is that only this node has.</summary>
    public Position Pending => new(_local, _reached.Settled);

    public ValueTask<bool> CatchUpAsync(PositionToken token, TimeSpan patience, CancellationToken cancellationToken) =>
        token.IsOf(_local) ? new(true) : _reached.CatchUpAsync(token, patience, cancellationToken);

    public async ValueTask<InvalidationResult> AppendAsync(Invalidation invalidation, bool count, InvalidationReach reach, CancellationToken cancellationToken)
    {
        PendingEvent[] parts = [.. RemoteEventCodec.Split(invalidation).Select(_pending.Add)];
        foreach (PendingEvent part in parts) part.IsAwaited = reach == InvalidationReach.Everywhere;
        long ordinal;
        int? removed;
        try
        {
            (ordinal, removed) = _receiver.Apply(invalidation, count, cancellationToken);
        }
        catch
        {
            // It may hold here, so it must hold elsewhere.
            foreach (PendingEvent part in parts) Postpone(part);
            throw;
        }
        if (reach == InvalidationReach.Local)
        {
            foreach (PendingEvent part in parts) Postpone(part);
            SendWaiting();
            return new(new(_local, ordinal), removed, InvalidationStatus.Pending, InvalidationReach.Local);
        }
        Position? last = null;
        bool isWhole = true;
        foreach (PendingEvent part in parts)
        {
            if (await SendAsync(part, cancellationToken).ConfigureAwait(false) is { } place) last = place;
            else isWhole = false;
        }
        return isWhole && last is { } position
            ? new(position, removed, InvalidationStatus.Acknowledged, reach == InvalidationReach.Everywhere && await _reached.EverywhereAsync(position, cancellationToken).ConfigureAwait(false) ? reach : InvalidationReach.Logged)
            : new(new(_local, ordinal), removed, InvalidationStatus.Pending, InvalidationReach.Local);
    }

    /// <summary>An event of a key is about to take effect in memory; afterwards it is sent, or set.</summary>
    public PendingEvent Begin(string key) => _pending.Add(RemoteEventCodec.Split(Invalidation.Key(key))[0]);

    /// <summary>Sends an event; if that can't be done now it waits.</summary>
    /// <param name="cancellationToken">Ends the waiting for a first connection.</param>
    /// <returns>Its place; null where it waits.</returns>
    public async ValueTask<Position?> SendAsync(PendingEvent pending, CancellationToken cancellationToken = default)
    {
        ulong epoch = await EpochAsync(cancellationToken).ConfigureAwait(false);
        if (epoch != 0)
        {
            try
            {
                RemoteStream stream = RemoteStream.Groups;
                if (pending.What.Kind == InvalidationKind.Key && await _store.UnlinkAsync(pending.What.Subject).ConfigureAwait(false) == SlotOutcome.Done && !DerivedKeys.Are(pending.What.Subject))
                    stream = RemoteStream.Keys;
                if (await AppendAsync(pending, stream, epoch).ConfigureAwait(false) is { } place) return place;
            }
            catch (Exception)
            {
                // A seam that breaks its word; the event waits like any that was not answered.
            }
        }
        Postpone(pending);
        return null;
    }

    /// <summary>Sends the event of a set and puts the value into the slot, unless another event of the key comes in between.</summary>
    /// <returns>Whether the log has the event.</returns>
    public async ValueTask<bool> SetAsync(PendingEvent pending, Entry entry)
    {
        ulong epoch = await EpochAsync(CancellationToken.None).ConfigureAwait(false);
        if (epoch == 0 || pending.What.Kind != InvalidationKind.Key || DerivedKeys.Are(entry.Key))
        {
            return await SendAsync(pending).ConfigureAwait(false) is not null;
        }
        bool isLogged = false;
        try
        {
            SlotRead ticket = await _store.PutTicketAsync(entry.Key, TicketLife).ConfigureAwait(false);
            if (ticket.Outcome != SlotOutcome.Done || !ticket.MayReplace)
            {
                if (await SendAsync(pending).ConfigureAwait(false) is not { } sent) return false;
                isLogged = true;
                if (_store.ClaimOf(sent) is { } own) await _writes.StoreNowAsync(entry, own).ConfigureAwait(false);
                return true;
            }
            if (await AppendAsync(pending, RemoteStream.Keys, epoch).ConfigureAwait(false) is { } place)
            {
                isLogged = true;
                await _writes.StoreNowAsync(entry, new(ticket.Identity, ticket.Server, place)).ConfigureAwait(false);
                return true;
            }
        }
        catch (Exception)
        {
            // As in SendAsync.
        }
        if (!isLogged) Postpone(pending);
        return isLogged;
    }

    /// <summary>Sends what waits, if Redis is there; in the background.</summary>
    public void SendWaiting()
    {
        Volatile.Write(ref _askedAgain, 1);
        if (_follower.Epoch != 0 && Interlocked.CompareExchange(ref _sending, 1, 0) == 0) ThreadPool.UnsafeQueueUserWorkItem(static events => _ = events.SendAllAsync(), this, preferLocal: false);
    }

    /// <summary>The epoch in which events are appended: 0 only where there is no connection, not where the first is still being made.</summary>
    private async ValueTask<ulong> EpochAsync(CancellationToken cancellationToken)
    {
        if (!_firstAttempt.IsCompleted) await _firstAttempt.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return _follower.Epoch;
    }

    private async Task SendAllAsync()
    {
        do
        {
            Volatile.Write(ref _askedAgain, 0);
            for (bool isGoing = true; isGoing;)
            {
                List<PendingEvent> waiting = _pending.TakeWaiting(SentAtOnce);
                if (waiting.Count == 0) break;
                Position?[] places = await Task.WhenAll(waiting.Select(e => SendAsync(e).AsTask())).ConfigureAwait(false);
                // Those that failed wait again: for the next connection, or the next round of upkeep.
                isGoing = Array.TrueForAll(places, place => place is not null);
            }
            Volatile.Write(ref _sending, 0);
        }
        while (Volatile.Read(ref _askedAgain) != 0 && _follower.Epoch != 0 && Interlocked.CompareExchange(ref _sending, 1, 0) == 0);
    }

    private async ValueTask<Position?> AppendAsync(PendingEvent pending, RemoteStream stream, ulong epoch)
    {
        AppendResult result = await _log.AppendAsync(stream, epoch, RemoteEventCodec.Encode(pending.What, pending.Source, pending.IsAwaited)).ConfigureAwait(false);
        if (result.Outcome != LogOutcome.Done) return null;
        // In this order, both with a fence, here and where a connection begins: of an answer that comes late and a new epoch one sees the other.
        Interlocked.Exchange(ref _acknowledgedIn, epoch);
        var place = new Position(epoch, result.Ordinal);
        _reached.Note(place);
        _pending.Appended(pending, stream, place);
        if (_follower.Epoch is var now && now != 0 && now != epoch)
        {
            OnBegun();
            _pending.Seen(pending.Source.Number);
        }
        return place;
    }

    /// <summary>The event's caller has been answered, or fails: it is sent when that is possible.</summary>
    public void Postpone(PendingEvent pending) => _pending.Postpone(pending);

    /// <summary>A connection has begun. What was acknowledged in an old epoch may be lost with it, so everything is ended .</summary>
    private void OnBegun()
    {
        ulong epoch = _follower.Epoch;
        ulong old = Interlocked.Read(ref _acknowledgedIn);
        if (epoch != 0 && old != 0 && old != epoch && Interlocked.CompareExchange(ref _acknowledgedIn, 0, old) == old)
        {
            PendingEvent all = _pending.Add(Invalidation.All);
            _receiver.Follow(Invalidation.All);
            Postpone(all);
        }
        SendWaiting();
    }
}
