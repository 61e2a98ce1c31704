using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Larder.Redis;

/// <summary>A connection that comes back: what users hold. It connects in the background; no call ever waits for that.</summary>
/// <remarks>
/// Invariants.
/// 1. One loop connects, and owns the status. A connection is seen by callers only when it has been prepared, and no more once it has ended.
/// 2. Attempts are apart by at least half of <see cref="RedisOptions.LongestBackoff"/> once several have failed, and by no more than all of it, so that a server
///    that is back is found within that.
/// </remarks>
internal sealed class RedisLink : IAsyncDisposable
{
    private static readonly TimeSpan FirstBackoff = TimeSpan.FromMilliseconds(20);

    private readonly RedisOptions _options;
    private readonly ConnectionLimits _limits;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly RedisLinkHooks _hooks;
    private readonly RedisHandshake _handshake;
    private readonly IEndpointSource _endpoints;
    private readonly LinkUse _use;
    private readonly TaskCompletionSource _tried = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _loop;
    private TaskCompletionSource<RedisConnection> _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private RedisConnection? _current;
    private RedisLinkStatus _status = new(RedisLinkState.Connecting);

    /// <param name="endpoints">Where it connects to; the endpoints of the options in turns when null.</param>
    /// <param name="use">What it is for, as the log says it.</param>
    /// <exception cref="ArgumentException">The options can't work; everything that is wrong with them is named.</exception>
    public RedisLink(RedisOptions options, RedisLinkHooks? hooks = null, TimeProvider? time = null, ILogger? logger = null, IEndpointSource? endpoints = null, LinkUse use = LinkUse.Commands)
    {
        RedisOptionsValidator.Require(options);
        _options = options;
        _limits = options.Limits();
        _time = time ?? TimeProvider.System;
        _logger = logger ?? NullLogger.Instance;
        _hooks = hooks ?? new();
        _use = use;
        _endpoints = endpoints ?? new FixedEndpoints(options.Endpoints);
        _handshake = new(options, _time);
        Breaker = new(options.Breaker, _time);
        _loop = Task.Run(RunAsync);
    }

    public Breaker Breaker { get; }

    public RedisLinkStatus Status => Volatile.Read(ref _status);

    /// <summary>The connection that commands go to; null while there is none. Two commands that must go to one server, or in order, are sent to it.</summary>
    public RedisConnection? Current => Volatile.Read(ref _current);

    /// <summary>Sends a command, or ends at once where that is impossible. See <see cref="RedisConnection.SendAsync"/>.</summary>
    public ValueTask<RedisReply> SendAsync(ReadOnlySpan<RedisArgument> command, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        if (Current is not { } connection) return new(new RedisReply(RedisOutcome.NotConnected));
        if (!Breaker.TryPass()) return new(new RedisReply(RedisOutcome.BreakerOpen));
        return connection.SendAsync(command, timeout, cancellationToken);
    }

    /// <summary>Ends with the first connection, or when each server that the options name has been tried.</summary>
    public Task Tried => _tried.Task;

    /// <summary>Waits for the first, or the next, connection: for starting up, not for requests.</summary>
    public Task<RedisConnection> WhenConnectedAsync(CancellationToken cancellationToken) => Volatile.Read(ref _connected).Task.WaitAsync(cancellationToken);

    private async Task RunAsync()
    {
        int failures = 0;
        string? told = null;
        for (int turn = 0; !_ending.IsCancellationRequested; turn++)
        {
            Volatile.Write(ref _status, new(RedisLinkState.Connecting, _status.Endpoint, _status.Why));
            (RedisEndpoint? endpoint, string why, bool wasUseful) = await ConnectAndStayAsync(turn).ConfigureAwait(false);
            if (_ending.IsCancellationRequested) break;
            failures = wasUseful ? 0 : failures + 1;
            // A server that is away for hours is told of once, not with every attempt.
            if (wasUseful || why != told) Tell(endpoint, told = why);
            Volatile.Write(ref _status, new(RedisLinkState.Down, endpoint, why));
            if (turn + 1 >= _options.Endpoints.Count) _tried.TrySetResult();
            await PauseAsync(failures).ConfigureAwait(false);
        }
        Volatile.Write(ref _status, new(RedisLinkState.Down, Why: "it was closed here"));
        _connected.TrySetCanceled();
        _tried.TrySetResult();
    }

    private void Tell(RedisEndpoint? endpoint, string why)
    {
        if (endpoint is null) Log.NoServer(_logger, _use, why);
        else Log.Disconnected(_logger, endpoint, _use, why);
    }

    /// <returns>The server that it was about, if one was found; why there is no connection any more, and whether there was one for a while.</returns>
    private async Task<(RedisEndpoint? Endpoint, string Why, bool WasUseful)> ConnectAndStayAsync(int turn)
    {
        RedisEndpoint? endpoint = null;
        RedisConnection? connection = null;
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token);
            using ITimer timer = _time.CreateTimer(static limit => Expire((CancellationTokenSource)limit!), limit, _options.ConnectTimeout, Timeout.InfiniteTimeSpan);
            endpoint = await _endpoints.NextAsync(turn, limit.Token).ConfigureAwait(false);
            Volatile.Write(ref _status, new(RedisLinkState.Connecting, endpoint, _status.Why));
            Stream stream = await Transport.ConnectAsync(endpoint, _options.Tls, limit.Token).ConfigureAwait(false);
            connection = new(stream, _limits, _time, Breaker, _hooks.Pushed, _hooks.Refused) { Endpoint = endpoint };
            await _handshake.RunAsync(connection, limit.Token).ConfigureAwait(false);
            _endpoints.Accept(connection);
            if (_hooks.Prepare is { } prepare) await prepare(connection, limit.Token).AsTask().WaitAsync(limit.Token).ConfigureAwait(false);

            long since = _time.GetTimestamp();
            timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            Publish(connection, endpoint);
            string why = await connection.Closed.WaitAsync(_ending.Token).ConfigureAwait(false);
            return (endpoint, why, _time.GetElapsedTime(since) >= _options.LongestBackoff);
        }
        catch (Exception e)
        {
            // Where the connection ended while it was prepared, that is what happened.
            return (endpoint, connection is { Closed: { IsCompletedSuccessfully: true } closed } && e is RedisHandshakeException ? $"{closed.Result}: {e.Message}" : Transport.Describe(e), false);
        }
        finally
        {
            if (connection is not null)
            {
                Withdraw(connection);
                await connection.DisposeAsync().ConfigureAwait(false);
            }
            _endpoints.Lost();
        }
    }

    private void Publish(RedisConnection connection, RedisEndpoint endpoint)
    {
        Volatile.Write(ref _status, new(RedisLinkState.Connected, endpoint));
        Volatile.Write(ref _current, connection);
        Log.Connected(_logger, endpoint, _use, connection.Server);
        _connected.TrySetResult(connection);
        _tried.TrySetResult();
        try
        {
            _hooks.Connected?.Invoke(connection);
        }
        catch (Exception e)
        {
            Log.ListenerFailed(_logger, e);
        }
    }

    /// <summary>Whoever waits for a connection from now on waits for the next one.</summary>
    private void Withdraw(RedisConnection connection)
    {
        if (_current != connection) return;
        Volatile.Write(ref _connected, new(TaskCreationOptions.RunContinuationsAsynchronously));
        Volatile.Write(ref _current, null);
    }

    /// <summary>Many clients that lost the same server should not come back in one instant.</summary>
    private async Task PauseAsync(int failures)
    {
        TimeSpan longest = FirstBackoff * Math.Pow(2, Math.Min(failures, 16));
        if (longest > _options.LongestBackoff) longest = _options.LongestBackoff;
        try
        {
            await Task.Delay(longest * (0.5 + Random.Shared.NextDouble() / 2), _time, _ending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The link ends; its loop sees that.
        }
    }

    /// <summary>The timer may ring once more when what it limited is over.</summary>
    private static void Expire(CancellationTokenSource limit)
    {
        try
        {
            limit.Cancel();
        }
        catch (ObjectDisposedException)
        {
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
    }
}
