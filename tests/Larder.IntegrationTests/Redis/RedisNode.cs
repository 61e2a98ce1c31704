using Larder.Redis;
using Microsoft.Extensions.DependencyInjection;

namespace Larder.IntegrationTests.RedisServers;

/// <summary>A cache on a real server: one node of several.</summary>
internal sealed class RedisNode : IDisposable
{
    private static readonly EntryOptions Kept = new() { Ttl = TimeSpan.FromMinutes(10) };

    public RedisNode(RedisOptions redis, LarderOptions? options = null) => Cache = new((options ?? new()).UseRedis(redis));

    /// <param name="cache">One with the tier; the node owns it.</param>
    public RedisNode(LarderCache cache) => Cache = cache;

    /// <summary>One that has read the log's beginning.</summary>
    public static async Task<RedisNode> StartAsync(RedisOptions redis, LarderOptions? options = null)
    {
        var node = new RedisNode(redis, options);
        await node.UntilAsync(RemoteTierState.InUse);
        return node;
    }

    public LarderCache Cache { get; }

    public RemoteTier Tier => Cache.Remote!.Tier;

    public Task UntilAsync(RemoteTierState state) => LinkTests.Until(() => Cache.RemoteTier!.State == state);

    /// <summary>Until what fills made is stored, and what was invalidated is in the log.</summary>
    public Task UntilIdleAsync() => LinkTests.Until(() => Tier.IsIdle);

    /// <summary>Until this node has applied what another one has sent so far: what its calls were answered with, which it need not have read in the log itself.</summary>
    public Task UntilSeenAsync(RedisNode other) => LinkTests.Until(() =>
        Tier.Follower.Usable is { } view && other.Tier.Follower.Usable is { } known && view.SeenUpTo >= known.SeenUpTo
        && other.Tier.Events.Newest is var sent && sent.Epoch == view.Epoch && sent.Ordinal <= view.SeenUpTo);

    /// <summary>The value under a key, or the one that is given; and whether it was made here.</summary>
    public async Task<(T Value, Reason Reason)> GetOrMakeAsync<T>(string key, T made, EntryOptions? options = null)
    {
        LookupResult<T> result = await Cache.GetOrCreateResultAsync(key, made, static (made, _) => new ValueTask<T>(made), options ?? Kept);
        return (result.Value!, result.Reason);
    }

    public void Dispose() => Cache.Dispose();
}
