namespace Larder.Redis;

/// <summary>Does something from time to time, and when it is asked for; never twice at once.</summary>
/// <remarks>
/// Invariant: whoever asks waits for a run that begins after that. All who ask before a run begins share it.
/// </remarks>
internal sealed class RefreshLoop : IAsyncDisposable
{
    private readonly Func<CancellationToken, Task> _refresh;
    private readonly TimeProvider _time;
    private readonly TimeSpan _interval;
    private readonly TimeSpan _gap;
    private readonly CancellationTokenSource _ending = new();
    private readonly SemaphoreSlim _asked = new(1);
    private readonly Task _loop;
    private Task _running = Task.CompletedTask;
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="refresh">Must not throw. It runs once at the start.</param>
    /// <param name="interval">How long after a run the next one begins that nobody has asked for.</param>
    /// <param name="gap">The least time between two runs.</param>
    public RefreshLoop(Func<CancellationToken, Task> refresh, TimeProvider time, TimeSpan interval, TimeSpan gap)
    {
        (_refresh, _time, _interval, _gap) = (refresh, time, interval, gap);
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Asks for a run.</summary>
    /// <returns>Ends with it.</returns>
    public Task Ask()
    {
        Task run = Volatile.Read(ref _next).Task;
        try
        {
            if (_asked.CurrentCount == 0) _asked.Release();
        }
        catch (ObjectDisposedException)
        {
            // It is over; so will the run be.
        }
        return run;
    }

    /// <summary>Asks for a run unless there is one.</summary>
    /// <returns>Ends with it.</returns>
    public Task Join() => Volatile.Read(ref _running) is { IsCompleted: false } running ? running : Ask();

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await AskedAsync().ConfigureAwait(false);
                TaskCompletionSource run = Interlocked.Exchange(ref _next, new(TaskCreationOptions.RunContinuationsAsynchronously));
                Volatile.Write(ref _running, run.Task);
                try
                {
                    await _refresh(_ending.Token).ConfigureAwait(false);
                }
                finally
                {
                    run.TrySetResult();
                }
                await Task.Delay(_gap, _time, _ending.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // It ends, and whoever waits with it.
            Volatile.Read(ref _next).TrySetCanceled();
        }
    }

    private async Task AskedAsync()
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token);
        Task pause = Task.Delay(_interval, _time, waiting.Token);
        await Task.WhenAny(_asked.WaitAsync(waiting.Token), pause).ConfigureAwait(false);
        await waiting.CancelAsync().ConfigureAwait(false);
        _ending.Token.ThrowIfCancellationRequested();
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _asked.Dispose();
    }
}
