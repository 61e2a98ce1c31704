using Microsoft.Extensions.Logging;

namespace Larder.Redis;

/// <summary>How often it is looked after the servers.</summary>
internal sealed record TopologyBeats
{
    /// <summary>How often servers are asked who they are, and sentinels who the master is.</summary>
    public TimeSpan Watch { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often the map of a cluster is asked for where nothing has changed.</summary>
    public TimeSpan Refresh { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The least time between two questions for the map.</summary>
    public TimeSpan Gap { get; init; } = TimeSpan.FromMilliseconds(250);
}

/// <summary>
/// The servers that options mean, be it one, one of several that sentinels choose, or a cluster: routes for commands, and a link to the log's server that is the
/// log's reader's own. All links are watched, the reader's but for what its server says of itself, as its connection blocks.
/// </summary>
internal sealed class RedisTopology : IAsyncDisposable
{
    private readonly string _log;
    private readonly Sentinels? _sentinels;
    private readonly ClusterRoutes? _cluster;
    private readonly RedisLink? _single;
    private readonly ServerWatch? _watch;

    /// <param name="hooks">Of the links to servers with data.</param>
    /// <exception cref="ArgumentException">The options can't work.</exception>
    public RedisTopology(RedisOptions options, RedisNames names, RedisLinkHooks? hooks = null, TimeProvider? time = null, ILogger? logger = null, TopologyBeats? beats = null)
    {
        RedisOptionsValidator.Require(options);
        time ??= TimeProvider.System;
        beats ??= new();
        _log = names.State;
        IEndpointSource log;
        if (options.Cluster)
        {
            _cluster = new(options, hooks, time, logger, beats);
            var source = new SlotMaster(HashSlot.Of((RedisArgument)_log), _cluster);
            _cluster.Placed = source.LookAgain;
            (Routes, log) = (_cluster, source);
        }
        else
        {
            if (options.SentinelMaster is not null) _sentinels = new(options, time, logger, beats.Watch);
            log = (IEndpointSource?)_sentinels ?? new FixedEndpoints(options.Endpoints, mustBeMaster: true);
            _single = new(options, hooks, time, logger, log);
            _watch = new(_single, time, beats.Watch, options.ConnectTimeout / 4);
            Routes = new SingleServer(_single);
        }
        LogLink = new(options, hooks, time, logger, log, LinkUse.Log);
    }

    /// <summary>To the server of each name.</summary>
    public IRedisRoutes Routes { get; }

    /// <summary>To the log's server, for commands that block; it follows the log when that moves.</summary>
    public RedisLink LogLink { get; }

    /// <summary>To the log's server, for the steps on the log; shared with commands on slots. Null while none is known.</summary>
    public RedisLink? LogSteps => Routes.For(_log);

    /// <summary>Where the links to servers with data stand, that of the log's reader first.</summary>
    public IReadOnlyList<RedisLinkStatus> Statuses => [LogLink.Status, .. _cluster?.Statuses ?? [_single!.Status]];

    public async ValueTask DisposeAsync()
    {
        await LogLink.DisposeAsync().ConfigureAwait(false);
        if (_watch is not null) await _watch.DisposeAsync().ConfigureAwait(false);
        if (_single is not null) await _single.DisposeAsync().ConfigureAwait(false);
        if (_cluster is not null) await _cluster.DisposeAsync().ConfigureAwait(false);
        if (_sentinels is not null) await _sentinels.DisposeAsync().ConfigureAwait(false);
    }
}
