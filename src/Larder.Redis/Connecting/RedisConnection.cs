using System.Runtime.CompilerServices;

namespace Larder.Redis;

/// <summary>Bounds and beats of a connection.</summary>
internal sealed record ConnectionLimits
{
    public int InFlight { get; init; } = 10_000;

    /// <summary>Bytes that were not handed to the network yet.</summary>
    public long Unsent { get; init; } = 64L << 20;

    /// <summary>How long nothing may come, though an answer is overdue, before the connection counts as dead.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(2.5);

    /// <summary>After how long without traffic it is tried with a PING.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(1);

    public RespLimits Reply { get; init; } = new();
}

/// <summary>One connection that any number of callers share: commands go out in the order in which they were given, replies come in the same.</summary>
/// <remarks>
/// Invariants.
/// 1. Under the gate a command enters the queue and the output together, so that both have one order. The n-th reply is the n-th command's;
///    a reply for which no command was sent closes the connection, as nothing that follows could be assigned.
/// 2. One at a time writes, one reads. Callers go on when their reply was read and the next read is under way without their thread.
/// 3. Nothing waits: where the queue or the output is full, the call ends at once.
/// 4. <c>_handed</c> grows before bytes are handed to the network. A command that begins at or behind it when the connection
///    ends was not sent; any other may have been.
/// 5. The connection ends once. Then every command in the queue ends, and none enters any more.
/// </remarks>
internal sealed class RedisConnection : IAsyncDisposable
{
    private const int ReadBuffer = 64 << 10;
    private const int MostWrittenAtOnce = 64 << 10;
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private readonly Lock _gate = new();
    private readonly Stream _stream;
    private readonly ConnectionLimits _limits;
    private readonly TimeProvider _time;
    private readonly Breaker? _breaker;
    private readonly Action<RespValue>? _pushed;
    private readonly Action<RedisError>? _refused;
    private readonly byte[] _input = GC.AllocateUninitializedArray<byte>(ReadBuffer);
    private readonly Completions _completions = new();
    private readonly Action _goOnReading;
    private readonly OperationQueue _inFlight = new();
    private readonly RespReader _reader;
    private readonly Pulse _pulse;
    private readonly TaskCompletionSource<string> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _readEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ConfiguredValueTaskAwaitable<int>.ConfiguredValueTaskAwaiter _reading;
    /// <summary>What was written by callers, and what of it is on its way; the first belongs to the gate, the second to whoever writes.</summary>
    private PooledBuffer _output = new(), _leaving = new();
    private bool _isWriting;
    private long _written;
    private long _handed;
    /// <summary>How many of the written bytes are not kept here any more.</summary>
    private long _released;
    private long _lastReceived;
    private bool _isClosed;

    /// <param name="stream">Connected; the connection owns it.</param>
    /// <param name="pushed">Told of messages that answer no command, on the thread that reads: it must not block.</param>
    /// <param name="refused">Told of each error that is an answer, on the same thread.</param>
    public RedisConnection(Stream stream, ConnectionLimits limits, TimeProvider time, Breaker? breaker = null, Action<RespValue>? pushed = null, Action<RedisError>? refused = null)
    {
        (_stream, _limits, _time, _breaker, _pushed, _refused) = (stream, limits, time, breaker, pushed, refused);
        _reader = new(limits.Reply);
        _lastReceived = time.GetTimestamp();
        _pulse = new(time, Beat);
        _goOnReading = () => Read(isFirst: false);
        ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.Read(isFirst: true), this, preferLocal: false);
    }

    /// <summary>Ends with the reason when the connection has ended. The reason has no secrets.</summary>
    public Task<string> Closed => _closed.Task;

    /// <summary>Who is at the other end; set by the handshake.</summary>
    public ServerIdentity Server { get; set; } = ServerIdentity.Unknown;

    /// <summary>Where it goes to; null where a link did not make it.</summary>
    public RedisEndpoint? Endpoint { get; init; }

    /// <summary>Told of an answer that another node serves the name; set on nodes of a cluster, where that does not end the connection.</summary>
    public Action<RedisError>? Misdirected { get; set; }

    /// <summary>How many commands wait for their reply, those included whose caller has given up.</summary>
    public int InFlight
    {
        get
        {
            lock (_gate) return _inFlight.Count;
        }
    }

    /// <summary>Sends a command. The call returns at once; its words may be changed then, and are not looked at again.</summary>
    /// <param name="command">The name and the arguments.</param>
    /// <param name="timeout">How long the caller waits; a blocking command's own time must be included.</param>
    /// <param name="cancellationToken">Ends the waiting; the command may be executed all the same.</param>
    /// <exception cref="ArgumentException">The command has no words, too many, or one that is no Unicode.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public ValueTask<RedisReply> SendAsync(ReadOnlySpan<RedisArgument> command, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        Send(command, timeout, isAsking: false, cancellationToken);

    /// <summary>
    /// Sends <c>ASKING</c> and a command, with nothing in between: a node that is taking a hash slot over executes it then. Either both are sent or none, as
    /// the permission would otherwise be that of whoever comes next.
    /// </summary>
    public ValueTask<RedisReply> SendAskingAsync(ReadOnlySpan<RedisArgument> command, TimeSpan timeout, CancellationToken cancellationToken = default) =>
        Send(command, timeout, isAsking: true, cancellationToken);

    private ValueTask<RedisReply> Send(ReadOnlySpan<RedisArgument> command, TimeSpan timeout, bool isAsking, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<RedisReply>(cancellationToken);
        if (timeout <= TimeSpan.Zero || timeout > LongestWait) throw new ArgumentOutOfRangeException(nameof(timeout), timeout, $"A command waits longer than zero and at most {LongestWait}.");
        long size = CommandWriter.Measure(command);
        long now = _time.GetTimestamp();
        long deadline = now + Ticks(timeout);
        Operation operation = Operation.Begin(now, deadline);
        RedisOutcome outcome;
        bool writes = false, isAlone = false;
        lock (_gate)
        {
            outcome = isAsking ? Ask_NeedsGate(now, deadline, size) : Room_NeedsGate(1, size);
            if (outcome == RedisOutcome.Answered)
            {
                Enter_NeedsGate(operation, command, size);
                (writes, _isWriting) = (!_isWriting, true);
                isAlone = _inFlight.Count == 1;
            }
        }
        if (outcome == RedisOutcome.Answered)
        {
            ValueTask<RedisReply> answer = operation.Task(cancellationToken);
            // Of several callers at once, a thread of its own writes what all of them have given by then; one alone does not wait for that.
            if (writes && isAlone) _ = WriteAsync(goesOn: false);
            else if (writes) GoOnWriting();
            return answer;
        }
        operation.Discard();
        return new(new RedisReply(outcome));
    }

    /// <summary>Whether so many commands of so many bytes together may enter: <see cref="RedisOutcome.Answered"/>, else why not.</summary>
    private RedisOutcome Room_NeedsGate(int commands, long size)
    {
        if (_isClosed) return RedisOutcome.NotConnected;
        if (size > _limits.Unsent) return RedisOutcome.TooLarge;
        bool isFull = _inFlight.Count + commands > _limits.InFlight || _written - Volatile.Read(ref _released) + size > _limits.Unsent;
        return isFull ? RedisOutcome.Full : RedisOutcome.Answered;
    }

    /// <summary>Sends <c>ASKING</c>, if a command of the size has room behind it.</summary>
    private RedisOutcome Ask_NeedsGate(long now, long deadline, long size)
    {
        ReadOnlySpan<RedisArgument> asking = ["ASKING"];
        long own = CommandWriter.Measure(asking);
        if (Room_NeedsGate(2, own + size) is var outcome and not RedisOutcome.Answered) return outcome;
        Operation operation = Operation.Begin(now, deadline);
        Enter_NeedsGate(operation, asking, own);
        _ = ForgetAsync(operation.Task(CancellationToken.None));
        return _isClosed ? RedisOutcome.NotConnected : RedisOutcome.Answered;
    }

    /// <summary>Takes an answer that says nothing: whoever has an operation must.</summary>
    private static async Task ForgetAsync(ValueTask<RedisReply> answer) => await answer.ConfigureAwait(false);

    private void Enter_NeedsGate(Operation operation, ReadOnlySpan<RedisArgument> command, long size)
    {
        operation.Offset = _written;
        _inFlight.Add(operation);
        _pulse.Quicken();
        _written += size;
        try
        {
            CommandWriter.Write(_output, command);
        }
        catch (Exception e)
        {
            // Half a command may be in the output. Its operation is in the queue, and ends with the others.
            Close_NeedsGate($"a command could not be written ({e.GetType().Name})");
        }
    }

    private void GoOnWriting() => ThreadPool.UnsafeQueueUserWorkItem(static connection => _ = connection.WriteAsync(goesOn: true), this, preferLocal: false);

    /// <summary>Writes what there is. One that does not go on leaves what came meanwhile to another thread: its own is a caller's.</summary>
    private async Task WriteAsync(bool goesOn)
    {
        try
        {
            for (bool isFirst = true; ; isFirst = false)
            {
                lock (_gate)
                {
                    _isWriting = _output.Length > 0 && !_isClosed;
                    if (!_isWriting) return;
                    if (isFirst || goesOn) (_output, _leaving) = (_leaving, _output);
                }
                if (!isFirst && !goesOn) break;
                for (int at = 0; at < _leaving.Length; at += MostWrittenAtOnce)
                {
                    ReadOnlyMemory<byte> part = _leaving.Memory[at..Math.Min(at + MostWrittenAtOnce, _leaving.Length)];
                    lock (_gate)
                    {
                        // What a connection that has ended was not handed is known not to be sent.
                        if (_isClosed) return;
                        _handed += part.Length;
                    }
                    await _stream.WriteAsync(part).ConfigureAwait(false);
                }
                Volatile.Write(ref _released, _handed);
                // What large values took is given back.
                if (_leaving.Length > MostWrittenAtOnce) _leaving.Dispose();
                else _leaving.Clear();
            }
            GoOnWriting();
        }
        catch (Exception e)
        {
            Close(Transport.Describe(e));
        }
    }

    /// <summary>Takes what has come, has the next read begun, and only then lets callers go on: what follows is read by another thread.</summary>
    private void Read(bool isFirst)
    {
        IThreadPoolWorkItem? callers = null;
        try
        {
            while (true)
            {
                if (!isFirst)
                {
                    int count = _reading.GetResult();
                    if (count == 0) throw new RespException("the server closed the connection");
                    Volatile.Write(ref _lastReceived, _time.GetTimestamp());
                    Take(_input.AsSpan(0, count));
                    callers = _completions.Dispatch();
                }
                isFirst = false;
                ConfiguredValueTaskAwaitable<int>.ConfiguredValueTaskAwaiter reading = _stream.ReadAsync(_input).ConfigureAwait(false).GetAwaiter();
                _reading = reading;
                if (!reading.IsCompleted)
                {
                    // From here on another thread may be in this method.
                    reading.UnsafeOnCompleted(_goOnReading);
                    break;
                }
                if (callers is not null) ThreadPool.UnsafeQueueUserWorkItem(callers, preferLocal: false);
                callers = null;
            }
        }
        catch (Exception e)
        {
            Close(Transport.Describe(e));
            if (_completions.Dispatch() is { } rest) ThreadPool.UnsafeQueueUserWorkItem(rest, preferLocal: false);
            _completions.Scatter();
            _readEnded.TrySetResult();
        }
        callers?.Execute();
    }

    private void Take(ReadOnlySpan<byte> input)
    {
        while (_reader.TryRead(ref input, out RespValue value))
        {
            if (value.Kind == RespKind.Push) _pushed?.Invoke(value);
            else Answer(value);
        }
    }

    private void Answer(RespValue value)
    {
        Operation? operation;
        lock (_gate)
        {
            if (_isClosed) return;
            if (_inFlight.Next is not { } next || next.Offset >= Volatile.Read(ref _handed)) throw new RespException("A reply came that answers no command.");
            _inFlight.TryTake(out operation);
        }
        if (operation!.TryDecide(new(RedisOutcome.Answered, value)))
        {
            _breaker?.Answered();
            _completions.Add(operation);
        }
        operation.Release();
        if (value.Error is { } error) _refused?.Invoke(error);
    }

    /// <summary>Deadlines, and signs of life.</summary>
    private void Beat()
    {
        long now = _time.GetTimestamp();
        int expired;
        bool isIdle;
        lock (_gate)
        {
            if (_isClosed) return;
            expired = _inFlight.Expire(now);
            isIdle = _inFlight.Next is null;
            if (isIdle && !_completions.AnyInUse) _pulse.Calm();
            else _pulse.Quicken();
            if (_inFlight.Next is { } next && now >= SilentFrom(next)) Close_NeedsGate("the server does not answer");
        }
        _completions.Look();
        for (int i = 0; i < expired; i++) _breaker?.Failed();
        if (isIdle && now - Volatile.Read(ref _lastReceived) >= Ticks(_limits.Heartbeat)) _ = SendAsync(["PING"], _limits.Silence);
    }

    /// <summary>When the connection counts as dead, if nothing comes until then: a command that blocks has as long as its caller gives it.</summary>
    private long SilentFrom(Operation next) =>
        Math.Max(next.Deadline, Math.Max(next.Began, Volatile.Read(ref _lastReceived)) + Ticks(_limits.Silence));

    /// <summary>Ends the connection.</summary>
    /// <param name="reason">Without secrets.</param>
    public void Close(string reason)
    {
        lock (_gate) Close_NeedsGate(reason);
    }

    private void Close_NeedsGate(string reason)
    {
        if (_isClosed) return;
        _isClosed = true;
        // Before the commands end: whoever sees that they were lost may ask why.
        _closed.TrySetResult(reason);
        _pulse.Dispose();
        bool anybody = false;
        for (long handed = Volatile.Read(ref _handed); _inFlight.TryTake(out Operation? operation); operation.Release())
            anybody |= operation.TryEnd(new(operation.Offset >= handed ? RedisOutcome.LostUnsent : RedisOutcome.Lost));
        if (anybody) _breaker?.Failed();
        _completions.Scatter();
        _stream.Dispose();
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);

    public async ValueTask DisposeAsync()
    {
        Close("it was closed here");
        await _readEnded.Task.ConfigureAwait(false);
    }
}
