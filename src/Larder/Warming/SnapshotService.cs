using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>
/// Loads a cache's snapshot before anything of the host starts, and saves it after everything has stopped, when nobody
/// writes or invalidates any more; between, where asked, on a schedule. Nothing that goes wrong keeps the host from
/// starting or stopping.
/// </summary>
internal sealed class SnapshotService(LarderCache cache, TimeProvider time, ILogger logger) : IHostedLifecycleService, IDisposable
{
    private readonly SnapshotOptions _options = cache.Snapshots.Options;
    private readonly CancellationTokenSource _stopping = new();
    private Task _schedule = Task.CompletedTask;

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        if (_options.Path is { } path) await cache.Snapshots.LoadAsync(path, once: _options.Interval is null, cancellationToken).ConfigureAwait(false);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (_options is { Path: { } path, Interval: { } interval }) _schedule = SaveRegularlyAsync(path, interval);
        return Task.CompletedTask;
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _schedule.ConfigureAwait(false);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        if (_options.Path is not { } path) return;
        try
        {
            await TrySaveAsync(path, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException e)
        {
            // The host's time for stopping is over; the old file, if there is one, is untouched.
            Log.SnapshotNotSaved(logger, path, e);
        }
    }

    public void Dispose()
    {
        _stopping.Cancel();
        _stopping.Dispose();
    }

    private async Task SaveRegularlyAsync(string path, TimeSpan interval)
    {
        using var timer = new PeriodicTimer(interval, time);
        CancellationToken stopping = _stopping.Token;
        try
        {
            while (await timer.WaitForNextTickAsync(stopping).ConfigureAwait(false)) await TrySaveAsync(path, stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The host stops; the last snapshot is written when it has.
        }
    }

    private async Task TrySaveAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            await cache.Snapshots.SaveAsync(path, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested || e is not OperationCanceledException)
        {
            Log.SnapshotNotSaved(logger, path, e);
        }
    }
}
