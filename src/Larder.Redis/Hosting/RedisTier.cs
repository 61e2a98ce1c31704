using Microsoft.Extensions.Logging;

namespace Larder.Redis;

/// <summary>The Redis tier of one cache: the servers, the slots, the log and the leases, put together.</summary>
/// <remarks>The log is read on a link of its own: what waits there never stands in front of a command .</remarks>
internal sealed class RedisTier : IDisposable, IAsyncDisposable
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(2);

    private readonly RedisTopology _topology;
    private readonly RedisLog _log;

    /// <param name="options">Complete and possible.</param>
    /// <param name="prefix">What all names in Redis begin with.</param>
    /// <exception cref="ArgumentException">The options can't work; everything that is wrong with them is named.</exception>
    public RedisTier(RedisOptions options, string prefix, CacheClock clock, TimeProvider time, ILogger logger)
    {
        if (RedisTlsFiles.Missing(options.Tls).FirstOrDefault() is { } missing) throw new ArgumentException(missing, nameof(options));
        if (!prefix.EndsWith(':')) Log.OpenPrefix(logger, prefix);
        var names = new RedisNames(prefix);
        var clocks = new ServerClock(clock, time);
        _topology = new(options, names, new() { Refused = new RightsAlarm(time, logger, prefix).Heed }, time, logger);
        _log = new(() => _topology.LogSteps, _topology.LogLink, names, clocks, time, options.Timeout, options.Silence, logger);
        EntryCipher? cipher = options.Encryption.IsOn ? new(options.Encryption) : null;
        IRemoteStore slots = options.ValueStore is { } store ? new DistributedCacheStore(store, clock, time, prefix) : new RedisSlots(_topology.Routes, names, clocks, options.Timeout, () => _log.Epoch, cipher, options.MaxReplyBytes);
        Seams = new(slots, _log)
        {
            Leases = new RedisLeases(() => _topology.LogSteps?.Current, names, options.Timeout),
            Walk = options.ValueStore is null ? new RedisWalk(_topology.Routes, names, clocks, options.Timeout, () => _log.Epoch, cipher) : null,
            Strictness = options.Strictness,
            MaxEntryBytes = options.MaxEntryBytes,
            Owner = this,
            FirstAttempt = FirstAttempt.EndAsync(_topology.LogLink, _log.Opened, () => _topology.LogSteps, options.ConnectTimeout, time),
            StopPatience = StopPatience,
            Watched = new AwayReminder(time, logger).Look,
            Lost = lost => Log.Lost(logger, lost),
            Problem = () => _topology.Statuses.FirstOrDefault(status => status.Why is not null)?.Why ?? _log.Problem,
        };
    }

    public RemoteSeams Seams { get; }

    /// <summary>Begins to end it; nobody waits for connections to close.</summary>
    public void Dispose() => _ = DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        // First what reads: it would only find its connection gone.
        await _log.DisposeAsync().ConfigureAwait(false);
        await _topology.DisposeAsync().ConfigureAwait(false);
    }
}
