using Larder.Gateway.Hosting;
using Larder.Tests.Support;

namespace Larder.Tests.Gateway.Hosting;

public sealed class FileWatchTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();
    private readonly ManualTimeProvider _time = new();
    private readonly CancellationTokenSource _stop = new();
    private int _changes;

    public void Dispose()
    {
        _stop.Dispose();
        File.Delete(_file);
    }

    [Fact]
    public async Task A_change_is_told_once_it_has_settled()
    {
        await File.WriteAllTextAsync(_file, "a");
        var watch = new FileWatch([_file], _time);
        await File.WriteAllTextAsync(_file, "half");
        Task running = watch.RunAsync(() => _changes++, _stop.Token);
        await LookAsync();
        await File.WriteAllTextAsync(_file, "whole");
        await LookAsync();
        Assert.Equal(0, _changes);
        await LookAsync();
        Assert.Equal(1, _changes);
        await LookAsync();
        Assert.Equal(1, _changes);

        await _stop.CancelAsync();
        await running;
    }

    [Fact]
    public async Task What_comes_back_as_it_was_is_no_change_and_what_is_gone_is_one()
    {
        await File.WriteAllTextAsync(_file, "a");
        var watch = new FileWatch([_file], _time);
        Task running = watch.RunAsync(() => _changes++, _stop.Token);
        File.Delete(_file);
        await LookAsync();
        await File.WriteAllTextAsync(_file, "a");
        await LookAsync();
        await LookAsync();
        Assert.Equal(0, _changes);
        File.Delete(_file);
        await LookAsync();
        await LookAsync();
        Assert.Equal(1, _changes);

        await _stop.CancelAsync();
        await running;
    }

    /// <summary>Lets the watch look; it has looked when it waits for the next time.</summary>
    private async Task LookAsync()
    {
        await Eventually.True(() => _time.Timers == 1);
        _time.Advance(FileWatch.Interval);
        await Eventually.True(() => _time.Timers == 1);
    }
}
