namespace Larder;

/// <summary>A lease as it stands in Redis (docs/invalidation.md, R-26).</summary>
/// <param name="Node">Whose it is.</param>
/// <param name="Streak">Random: for how long it was renewed without being given up.</param>
/// <param name="Renewals">How often that was.</param>
/// <param name="Epoch">The log's, as the node knew it.</param>
/// <param name="Seen">The ordinal up to which the node had seen.</param>
internal readonly record struct NodeLease(ulong Node, ulong Streak, long Renewals, ulong Epoch, long Seen);

/// <summary>How a renewal ended.</summary>
/// <param name="Outcome">What follows is known only where it is <see cref="LogOutcome.Done"/>.</param>
/// <param name="Streak">The lease's.</param>
/// <param name="Joined">The log's newest ordinal when the streak began.</param>
internal readonly record struct LeaseAnswer(LogOutcome Outcome, ulong Streak, long Joined);

/// <summary>The leases that have not seen an ordinal.</summary>
/// <param name="Outcome">What follows is known only where it is <see cref="LogOutcome.Done"/>.</param>
/// <param name="Epoch">The log's.</param>
/// <param name="Registry">Which life of the place where leases stand: what stood there before it may be lost.</param>
internal sealed record LeaseList(LogOutcome Outcome, ulong Epoch, ulong Registry, IReadOnlyList<NodeLease> Unseen)
{
    public static LeaseList Failed(LogOutcome outcome) => new(outcome, 0, 0, []);
}

/// <summary>The leases of strict nodes, on the log's server. Implementations have deadlines of their own and answer what went wrong as an outcome.</summary>
internal interface IRemoteLeases
{
    /// <summary>Renews a node's lease if the epoch is still this one; where there is none a new streak begins.</summary>
    ValueTask<LeaseAnswer> RenewAsync(ulong node, ulong epoch, long seen);

    /// <summary>Gives up those leases that are still as they were seen, then lists those that have not seen <paramref name="ordinal"/> in the log's epoch.</summary>
    ValueTask<LeaseList> UnseenAsync(long ordinal, IReadOnlyList<NodeLease> givenUp);

    /// <summary>Takes a node's lease back.</summary>
    ValueTask ResignAsync(ulong node);
}
