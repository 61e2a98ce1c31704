using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>
/// Loads a cache's snapshot before anything of the host starts, and saves it after everything has stopped, when nobody
/// writes or invalidates any more; between, where asked, on a schedule. Nothing that goes wrong keeps the host from
/// starting or stopping.
/// </summary>
/// <param name="cache">Not asked for before the host starts: a host makes its services before it checks options, and the first
/// cache with wrong ones would keep it from telling what is wrong with the others.</param>
internal sealed class SnapshotService(Lazy<LarderCache> cache, TimeProvider time, ILogger logger) : IHostedLifecycleService, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private Task _schedule = Task.CompletedTask;

    /// <summary>Null where the cache could not be made: the host was told why when it started, and there is nothing to save.</summary>
    private SnapshotOptions? Options => cache.IsValueCreated ? cache.Value.Snapshots.Options : null;

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        Snapshots snapshots = cache.Value.Snapshots;
        if (snapshots.Options is { Path: { } path } options) await snapshots.LoadAsync(path, once: options.Interval is null, cancellationToken).ConfigureAwait(false);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (Options is { Path: { } path, Interval: { } interval }) _schedule = SaveRegularlyAsync(path, interval);
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
        if (Options is not { Path: { } path }) return;
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
            await cache.Value.Snapshots.SaveAsync(path, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested || e is not OperationCanceledException)
        {
            Log.SnapshotNotSaved(logger, path, e);
        }
    }
}
