using System.Collections.Concurrent;
using System.Threading.Tasks.Sources;

namespace Larder.Redis;

/// <summary>One command under way, and what its caller awaits. Pooled: an answered command allocates nothing but its value.</summary>
/// <remarks>
/// Invariants.
/// 1. It ends once: whoever gets <see cref="TryEnd"/>, be it the reply, the deadline, the cancellation or the loss of the connection, says how.
/// 2. Two hold it: the connection until the reply was read (which may be long after the deadline), and the caller until it has taken the
///    result. The second one to let go gives it back to the pool, so that nobody's operation becomes another one's.
/// 3. One whose cancellation may still be running is not given back.
/// 4. The caller goes on on a thread of the pool, and never before reading goes on without that thread: a caller that blocks harms nobody.
/// </remarks>
internal sealed class Operation : IValueTaskSource<RedisReply>, IThreadPoolWorkItem
{
    private const int MostPooled = 4096;
    private static readonly ConcurrentQueue<Operation> Pool = new();
    private static int _pooled;
    [ThreadStatic] private static Operation? _threads;

    private ManualResetValueTaskSourceCore<RedisReply> _source;
    private CancellationTokenRegistration _registration;
    private CancellationToken _token;
    private RedisReply _reply;
    private int _holders;
    private int _ended;
    private bool _isCancelled;

    /// <summary>The time, in the clock's timestamps, after which the caller waits no more.</summary>
    public long Deadline { get; private set; }

    /// <summary>When it was begun.</summary>
    public long Began { get; private set; }

    /// <summary>Where it begins in all that the connection has to send.</summary>
    public long Offset { get; set; }

    public bool HasEnded => Volatile.Read(ref _ended) != 0;

    public static Operation Begin(long now, long deadline)
    {
        Operation? operation = _threads;
        if (operation is not null) _threads = null;
        else if (Pool.TryDequeue(out operation)) Interlocked.Decrement(ref _pooled);
        else operation = new();
        operation.Began = now;
        operation.Deadline = deadline;
        operation._holders = 2;
        return operation;
    }

    /// <summary>What the caller awaits, once. To be called by the caller's thread, before it can go elsewhere.</summary>
    public ValueTask<RedisReply> Task(CancellationToken token)
    {
        if (token.CanBeCanceled)
        {
            _token = token;
            _registration = token.UnsafeRegister(static operation => ((Operation)operation!).Cancel(), this);
        }
        return new(this, _source.Version);
    }

    /// <summary>It was refused: nobody has seen it.</summary>
    public void Discard()
    {
        _holders = 0;
        Return();
    }

    /// <summary>Ends it, unless it has ended; its caller goes on elsewhere.</summary>
    public bool TryEnd(RedisReply reply)
    {
        if (!TryDecide(reply)) return false;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return true;
    }

    /// <summary>The same, and its caller waits until somebody calls <see cref="Complete"/>.</summary>
    public bool TryDecide(RedisReply reply)
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0) return false;
        _reply = reply;
        return true;
    }

    private void Cancel()
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0) return;
        _isCancelled = true;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute() => Complete();

    /// <summary>Lets the caller go on, on this thread.</summary>
    public void Complete()
    {
        if (_isCancelled) _source.SetException(new OperationCanceledException(_token));
        else _source.SetResult(_reply);
    }

    /// <summary>The connection is done with it.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0) Return();
    }

    RedisReply IValueTaskSource<RedisReply>.GetResult(short token)
    {
        // Whoever asks too early, or twice, gets nothing and lets nothing go: it may be another caller's by now.
        if (_source.GetStatus(token) == ValueTaskSourceStatus.Pending) throw new InvalidOperationException("There is no result yet: it has to be awaited.");
        bool mayBePooled = !_token.CanBeCanceled || _registration.Unregister();
        try
        {
            return _source.GetResult(token);
        }
        finally
        {
            if (mayBePooled) Release();
        }
    }

    ValueTaskSourceStatus IValueTaskSource<RedisReply>.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<RedisReply>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, state, token, flags);

    private void Return()
    {
        _source.Reset();
        _registration = default;
        _token = default;
        _reply = default;
        _isCancelled = false;
        _ended = 0;
        if (_threads is null) _threads = this;
        else if (Volatile.Read(ref _pooled) < MostPooled)
        {
            Interlocked.Increment(ref _pooled);
            Pool.Enqueue(this);
        }
    }
}
