using System.Diagnostics;

namespace Larder;

/// <summary>Where the tier that a cache shares with other nodes stands.</summary>
public enum RemoteTierState : byte
{
    /// <summary>There is no connection to its log: memory and the source answer.</summary>
    Away,
    /// <summary>There is a connection, but this node does not know all events yet: memory and the source answer.</summary>
    Behind,
    /// <summary>Values are read from it and stored in it.</summary>
    InUse,
}

/// <summary>How the tier that a cache shares with other nodes is doing.</summary>
public sealed record RemoteTierStatus
{
    /// <summary>Where it stands.</summary>
    public required RemoteTierState State { get; init; }

    /// <summary>Why it is not in use, for a person; null where nothing is known. Without secrets.</summary>
    public required string? Problem { get; init; }

    /// <summary>How many events of this node are on their way to the log, or wait until it is there.</summary>
    public required int Pending { get; init; }

    /// <summary>How many values were not stored there since the cache was made because too many waited.</summary>
    public required long Dropped { get; init; }

    /// <summary>How often memory was doubted because events may have been missed; once for the first connection.</summary>
    public required long MemoryDoubted { get; init; }
}

/// <summary>The tier that a cache shares with other nodes.</summary>
public static class LarderCacheRemoteTier
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(10);

    extension(LarderCache cache)
    {
        /// <summary>How the shared tier is doing; null for a cache without one.</summary>
        public RemoteTierStatus? RemoteTier => cache.Remote?.Tier.Status;

        /// <summary>Waits until the shared tier is in use, for programs that need it from their first call on.</summary>
        /// <param name="timeout">How long at most.</param>
        /// <param name="cancellationToken">Ends the waiting.</param>
        /// <returns>Whether it is; false for a cache without one. <see cref="RemoteTierStatus.Problem"/> says why it is not.</returns>
        /// <exception cref="OperationCanceledException">The waiting was cancelled.</exception>
        public async Task<bool> ConnectedAsync(TimeSpan timeout, CancellationToken cancellationToken = default)
        {
            if (cache.Remote?.Tier is not { } tier) return false;
            for (long began = Stopwatch.GetTimestamp(); tier.Status.State != RemoteTierState.InUse;)
            {
                if (Stopwatch.GetElapsedTime(began) >= timeout) return false;
                await Task.Delay(Glance, cancellationToken).ConfigureAwait(false);
            }
            return true;
        }
    }

    /// <summary>Waits for what is under way to the shared tier, and ends the cache then.</summary>
    internal static async ValueTask EndAsync(LarderCache cache)
    {
        if (cache.Remote is { } remote) await remote.Tier.SettleAsync(CancellationToken.None).ConfigureAwait(false);
        cache.Dispose();
    }
}
