using Microsoft.Extensions.Logging;

namespace Larder.Redis;

/// <summary>The log on a server: appends on the connection of the commands, and reads both streams on one of its own .</summary>
/// <remarks>
/// Invariants.
/// 1. One loop reads, and it alone calls the follower. For each connection it begins with a state that was read on that very connection, and ends the follower
///    before it goes on to the next.
/// 2. Between two waits of at most <see cref="Interval"/> the loop asks the server whether it is still the same and the log for its newest ordinal: a follower
///    that is told nothing counts as behind by itself.
/// </remarks>
internal sealed class RedisLog : IRemoteLog, IAsyncDisposable
{
    /// <summary>Events in one answer: of at most <see cref="RemoteEventCodec.MaxBytes"/> each.</summary>
    private const int MostRead = 1000;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1), LongestPause = TimeSpan.FromSeconds(1);

    private readonly Func<RedisLink?> _commands;
    private readonly RedisLink _reading;
    private readonly LogCommands _steps, _patientSteps;
    private readonly RedisNames _names;
    private readonly ServerClock _clock;
    private readonly TimeProvider _time;
    private readonly TimeSpan _patience;
    private readonly ILogger _logger;
    private readonly EpochLimit _epochs;
    private readonly CancellationTokenSource _ending = new();
    private LogFollower? _follower;
    private string? _problem;
    private Task _loop = Task.CompletedTask;
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    /// <summary>That was followed last; 0 before the first.</summary>
    private ulong _followed;

    /// <param name="commands">The link on which events are appended; null while the log's server is not known.</param>
    /// <param name="reading">A link that nobody else uses.</param>
    /// <param name="timeout">How long an append may take.</param>
    /// <param name="patience">How long an answer to the loop may take: nobody waits for that.</param>
    public RedisLog(Func<RedisLink?> commands, RedisLink reading, RedisNames names, ServerClock clock, TimeProvider time, TimeSpan timeout, TimeSpan patience, ILogger logger)
    {
        (_commands, _reading, _names, _clock, _time, _patience, _logger) = (commands, reading, names, clock, time, patience, logger);
        (_steps, _patientSteps) = (new(names, timeout), new(names, patience));
        _epochs = new(time);
    }

    /// <summary>The epoch that is followed now; 0 for none.</summary>
    public ulong Epoch => Volatile.Read(ref _follower)?.Epoch ?? 0;

    /// <summary>Ends when the log was opened for the first time, or could not be.</summary>
    public Task Opened => _opened.Task;

    /// <summary>Why the log is not followed though there is a connection, without secrets; null where it is, or there is none.</summary>
    public string? Problem => Volatile.Read(ref _problem);

    public void Follow(LogFollower follower)
    {
        Volatile.Write(ref _follower, follower);
        _loop = Task.Run(() => RunAsync(follower));
    }

    public ValueTask<AppendResult> AppendAsync(RemoteStream stream, ulong epoch, IReadOnlyList<EventField> fields) =>
        _commands() is { Current: { } connection } link && link.Breaker.TryPass() ? _steps.AppendAsync(connection, stream, epoch, fields) : new(new AppendResult(LogOutcome.Refused, 0));

    private async Task RunAsync(LogFollower follower)
    {
        for (int failures = 0; !_ending.IsCancellationRequested;)
        {
            RedisConnection? connection = null;
            try
            {
                connection = await _reading.WhenConnectedAsync(_ending.Token).ConfigureAwait(false);
                failures = await FollowAsync(connection, follower).ConfigureAwait(false) ? 0 : failures + 1;
            }
            catch (Exception e) when (!_ending.IsCancellationRequested)
            {
                // Whatever it was, the log is followed again, by another connection.
                Log.FollowingFailed(_logger, e);
                connection?.Close("reading the log failed");
                failures++;
            }
            catch (Exception)
            {
                // The loop ends; it sees that.
            }
            _opened.TrySetResult();
            await PauseAsync(failures).ConfigureAwait(false);
        }
        _opened.TrySetResult();
    }

    /// <returns>Whether it was followed for a while, or left alone for one.</returns>
    private async Task<bool> FollowAsync(RedisConnection connection, LogFollower follower)
    {
        if (await OpenAsync(connection).ConfigureAwait(false) is not var (state, server)) return false;
        TimeSpan pause = _epochs.PauseBefore(state.Epoch);
        if (pause > TimeSpan.Zero)
        {
            Log.EpochsEnd(_logger, pause.TotalSeconds);
            Volatile.Write(ref _problem, "the log was lost again and again, so it is left alone for a while");
            await Task.Delay(pause, _time, _ending.Token).ConfigureAwait(false);
            return true;
        }
        if (_followed != 0 && _followed != state.Epoch) Log.LogLost(_logger);
        _followed = state.Epoch;
        follower.Begin(state, server.Clock);
        _opened.TrySetResult();
        long began = _time.GetTimestamp();
        try
        {
            await ReadAsync(connection, follower, state.Epoch).ConfigureAwait(false);
        }
        finally
        {
            follower.End();
        }
        return _time.GetElapsedTime(began) > LongestPause;
    }

    /// <summary>The state, and whose it is; null, and <see cref="Problem"/> says why, where the log can't be followed.</summary>
    private async ValueTask<(RemoteState State, RemoteServer Server)?> OpenAsync(RedisConnection connection)
    {
        StateAnswer answer = await _patientSteps.OpenAsync(connection).ConfigureAwait(false);
        bool isKnown = _clock.TryDescribe(connection.Server, out RemoteServer server);
        if (!isKnown)
        {
            // Its user may have been given the right since the connection was made.
            await ServerWatch.LookAsync(connection, _time, _patience, _ending.Token).ConfigureAwait(false);
            isKnown = _clock.TryDescribe(connection.Server, out server);
        }
        if (isKnown && answer.Outcome == LogOutcome.Done) return (answer.State, server);
        Volatile.Write(ref _problem, isKnown ? $"the log can't be opened ({answer.Why ?? answer.Outcome.ToString()})" : "the server does not say who it is and how late (INFO, TIME): its user may not ask");
        return null;
    }

    private async Task ReadAsync(RedisConnection connection, LogFollower follower, ulong epoch)
    {
        long asked = _time.GetTimestamp();
        while (!_ending.IsCancellationRequested && !connection.Closed.IsCompleted)
        {
            TimeSpan left = Interval - _time.GetElapsedTime(asked);
            if (left <= TimeSpan.Zero)
            {
                if (!await AskAsync(connection, follower, epoch).ConfigureAwait(false)) return;
                asked = _time.GetTimestamp();
                left = Interval;
            }
            RedisReply reply = await SendAsync(connection, follower, left).ConfigureAwait(false);
            ServerWatch.Heed(connection, reply);
            // Without an answer the connection has ended, or will: the link says why.
            Volatile.Write(ref _problem, reply.Error is { } error ? $"the log can't be read ({error.KnownCode})" : null);
            if (!reply.IsOk) return;
            if (!StreamReply.TryRead(reply.Value, _names, out List<(RemoteStream Stream, List<RemoteEvent> Events)>? read))
            {
                connection.Close("the log was answered, but not as Redis does");
                return;
            }
            foreach ((RemoteStream stream, List<RemoteEvent> events) in read)
                if (follower.Read(stream, events) != SeenOutcome.Followed) return;
        }
    }

    /// <summary>Waits for what comes next in the streams that are wanted; of two one may have to wait for the other.</summary>
    private ValueTask<RedisReply> SendAsync(RedisConnection connection, LogFollower follower, TimeSpan wait)
    {
        bool groups = follower.Wants(RemoteStream.Groups), keys = follower.Wants(RemoteStream.Keys);
        // Rounded up: 0 would wait for ever.
        long milliseconds = (long)Math.Ceiling(wait.TotalMilliseconds);
        RedisArgument afterGroups = $"{follower.ReadUpTo(RemoteStream.Groups)}-0", afterKeys = $"{follower.ReadUpTo(RemoteStream.Keys)}-0";
        TimeSpan patience = wait + _patience;
        return (groups, keys) switch
        {
            (true, false) => connection.SendAsync(["XREAD", "COUNT", MostRead, "BLOCK", milliseconds, "STREAMS", _names.Groups, afterGroups], patience, _ending.Token),
            (false, true) => connection.SendAsync(["XREAD", "COUNT", MostRead, "BLOCK", milliseconds, "STREAMS", _names.Keys, afterKeys], patience, _ending.Token),
            _ => connection.SendAsync(["XREAD", "COUNT", MostRead, "BLOCK", milliseconds, "STREAMS", _names.Groups, _names.Keys, afterGroups, afterKeys], patience, _ending.Token),
        };
    }

    private async ValueTask<bool> AskAsync(RedisConnection connection, LogFollower follower, ulong epoch)
    {
        await ServerWatch.LookAsync(connection, _time, _patience, _ending.Token).ConfigureAwait(false);
        (LogOutcome outcome, RemoteState state) = await _patientSteps.AskAsync(connection).ConfigureAwait(false);
        if (outcome != LogOutcome.Done || state.Epoch != epoch || !_clock.TryDescribe(connection.Server, out RemoteServer server)) return false;
        follower.Told(state.Last, server.Clock);
        return true;
    }

    private async Task PauseAsync(int failures)
    {
        TimeSpan pause = TimeSpan.FromMilliseconds(20) * Math.Pow(2, Math.Min(failures, 8));
        try
        {
            await Task.Delay(pause < LongestPause ? pause : LongestPause, _time, _ending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The loop ends; it sees that.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _ending.Dispose();
    }
}
