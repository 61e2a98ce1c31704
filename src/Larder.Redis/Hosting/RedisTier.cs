using Microsoft.Extensions.Logging;

namespace Larder.Redis;

/// <summary>The Redis tier of one cache: its links, the slots and the log, put together.</summary>
/// <remarks>Two links: what waits in the log never stands in front of a command. Both accept a master only .</remarks>
internal sealed class RedisTier : IDisposable, IAsyncDisposable
{
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(1);

    private readonly RedisLink _commands, _reading;
    private readonly ServerWatch _watch;
    private readonly RedisLog _log;

    /// <param name="options">Complete and possible; a tier keeps its own look at them.</param>
    /// <param name="prefix">What all names in Redis begin with.</param>
    /// <exception cref="ArgumentException">The options can't work; everything that is wrong with them is named.</exception>
    public RedisTier(RedisOptions options, string prefix, CacheClock clock, TimeProvider time, ILogger logger)
    {
        RedisOptionsValidator.Require(options);
        var names = new RedisNames(prefix);
        var clocks = new ServerClock(clock, time);
        var hooks = new RedisLinkHooks { Prepare = RequireMaster, Refused = new RightsAlarm(time, logger).Heed };
        _commands = new(options, hooks, time, logger);
        // What goes wrong is the same for both, and told once.
        _reading = new(options, hooks, time);
        _watch = new(_commands, time, WatchInterval, options.Silence);
        _log = new(_commands, _reading, names, clocks, time, options.Timeout, options.Silence, logger);
        var slots = new RedisSlots(_commands, names, clocks, options.Timeout, () => _log.Epoch, options.Encryption.IsOn ? new(options.Encryption) : null);
        Seams = new(slots, _log) { Owner = this, Problem = () => _commands.Status.Why ?? _reading.Status.Why };
    }

    public RemoteSeams Seams { get; }

    private static ValueTask RequireMaster(RedisConnection connection, CancellationToken cancellationToken) => connection.Server.Role switch
    {
        "master" => default,
        null => throw new RedisHandshakeException("the server does not say whether it is a master: the user needs the right to ask (+info)"),
        _ => throw new RedisHandshakeException("the server is a replica; the master is needed"),
    };

    /// <summary>Begins to end it; nobody waits for connections to close.</summary>
    public void Dispose() => _ = DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        await _watch.DisposeAsync().ConfigureAwait(false);
        // First what reads: it would only find its connection gone.
        await _log.DisposeAsync().ConfigureAwait(false);
        await _reading.DisposeAsync().ConfigureAwait(false);
        await _commands.DisposeAsync().ConfigureAwait(false);
    }
}
