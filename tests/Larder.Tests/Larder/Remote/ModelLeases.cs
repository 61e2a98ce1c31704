namespace Larder.Tests.Remote;

/// <summary>The leases as the scripts of a server keep them.</summary>
internal sealed class ModelLeases
{
    private readonly Random _random = new(2);
    private readonly Dictionary<ulong, (ulong Streak, long Renewals, ulong Epoch, long Seen, long Joined)> _nodes = [];
    private ulong _registry;

    /// <summary>The broken variant: who joins is not told how far the log was.</summary>
    public bool TellsNoJoined { get; init; }

    /// <summary>The broken variant: it does not show that it has lost leases.</summary>
    public bool KeepsItsName { get; init; }

    public int Count => _nodes.Count;

    public LeaseAnswer Renew(RemoteState state, ulong node, ulong epoch, long seen)
    {
        if (state.Epoch != epoch) return new(LogOutcome.OtherEpoch, 0, 0);
        Begin();
        if (!_nodes.TryGetValue(node, out var lease) || lease.Epoch != epoch) lease = (Name(), 0, epoch, seen, TellsNoJoined ? 0 : state.Last);
        _nodes[node] = lease = lease with { Renewals = lease.Renewals + 1, Seen = Math.Max(lease.Seen, seen) };
        return new(LogOutcome.Done, lease.Streak, lease.Joined);
    }

    public LeaseList Unseen(RemoteState state, long ordinal, IReadOnlyList<NodeLease> givenUp)
    {
        Begin();
        foreach (NodeLease over in givenUp)
            if (_nodes.TryGetValue(over.Node, out var lease) && (lease.Streak, lease.Renewals) == (over.Streak, over.Renewals)) _nodes.Remove(over.Node);
        return new(LogOutcome.Done, state.Epoch, _registry,
            [.. _nodes.Where(l => l.Value.Epoch != state.Epoch || l.Value.Seen < ordinal).Select(l => new NodeLease(l.Key, l.Value.Streak, l.Value.Renewals, l.Value.Epoch, l.Value.Seen))]);
    }

    public void Resign(ulong node) => _nodes.Remove(node);

    public void Lose()
    {
        _nodes.Clear();
        if (!KeepsItsName) _registry = 0;
    }

    private void Begin()
    {
        if (_registry == 0) _registry = Name();
    }

    private ulong Name() => (ulong)_random.NextInt64(1, long.MaxValue);
}
