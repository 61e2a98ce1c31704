using Larder.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Larder.Tests.Warming;

public sealed class SnapshotServiceTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly RecordingLogger<LarderCache> _log = new();
    private readonly string _directory = Directory.CreateTempSubdirectory("larder").FullName;

    private string SnapshotPath => Path.Combine(_directory, "cache.snapshot");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private IHost Host(TimeSpan? interval = null, string? path = null, IHostedService? other = null)
    {
        HostApplicationBuilder builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSingleton<TimeProvider>(_time).AddSingleton<ILogger<LarderCache>>(_log);
        if (other is not null) builder.Services.AddSingleton(other);
        builder.Services.AddLarder(options => options.Snapshot = new() { Path = path ?? SnapshotPath, Interval = interval });
        builder.Services.AddLarder();
        return builder.Build();
    }

    private static LarderCache CacheOf(IHost host) => host.Services.GetRequiredService<LarderCache>();

    /// <summary>Serves from the moment it starts until it has stopped.</summary>
    private sealed class Server(Func<Task> start, Func<Task> stop) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => start();

        public Task StopAsync(CancellationToken cancellationToken) => stop();
    }

    [Fact]
    public async Task A_restart_is_warm_before_anything_serves_and_saves_what_the_last_request_did()
    {
        IHost? first = null;
        using (first = Host(other: new Server(() => Task.CompletedTask, async () => await CacheOf(first!).SetAsync("last", 2))))
        {
            await first.StartAsync();
            await CacheOf(first).SetAsync("k", 1);
            await first.StopAsync();
        }
        bool? warm = null;
        IHost? second = null;
        using (second = Host(other: new Server(() =>
        {
            warm = CacheOf(second!).Exists("k");
            return Task.CompletedTask;
        }, () => Task.CompletedTask)))
        {
            await second.StartAsync();
            Assert.True(warm);
            Assert.Equal(2, CacheOf(second).GetLocal<int>("last").Value);
            await second.StopAsync();
        }
        Assert.DoesNotContain(_log.Lines, l => l.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task After_a_crash_the_cache_is_cold_and_forgets_no_invalidation()
    {
        using (IHost first = Host())
        {
            await first.StartAsync();
            await CacheOf(first).SetAsync("k", 1);
            await first.StopAsync();
        }
        using (IHost second = Host())
        {
            await second.StartAsync();
            Assert.False(File.Exists(SnapshotPath));
            await CacheOf(second).InvalidateAsync(Invalidation.Key("k"));
            // It is killed here: nothing is saved.
        }
        using IHost third = Host();
        await third.StartAsync();
        Assert.False(CacheOf(third).Exists("k"));
    }

    [Fact]
    public async Task With_an_interval_a_crash_leaves_the_last_snapshot()
    {
        using (IHost first = Host(TimeSpan.FromMinutes(5)))
        {
            await first.StartAsync();
            await CacheOf(first).SetAsync("k", 1);
            Assert.False(File.Exists(SnapshotPath));
            _time.Advance(TimeSpan.FromMinutes(5));
            await Eventually.True(() => _log.Lines.Any(l => l.Id == 22));
            await CacheOf(first).SetAsync("later", 1);
        }
        for (int crash = 0; crash < 2; crash++)
        {
            using IHost next = Host(TimeSpan.FromMinutes(5));
            await next.StartAsync();
            Assert.Equal((true, false), (CacheOf(next).Exists("k"), CacheOf(next).Exists("later")));
        }
    }

    [Fact]
    public async Task What_cannot_be_loaded_or_saved_keeps_nobody_from_starting_and_stopping()
    {
        await File.WriteAllTextAsync(SnapshotPath, "no snapshot");
        using (IHost host = Host(path: Path.Combine(SnapshotPath, "below a file")))
        {
            await host.StartAsync();
            await CacheOf(host).SetAsync("k", 1);
            await host.StopAsync();
        }
        Assert.Equal([23], _log.Lines.Select(l => l.Id));
        using (IHost host = Host())
        {
            await host.StartAsync();
            Assert.Equal(0, CacheOf(host).Statistics.Entries);
            await host.StopAsync();
        }
        Assert.Equal([23, 21, 22], _log.Lines.Select(l => l.Id));
    }

    [Fact]
    public async Task A_host_whose_time_for_stopping_is_over_stops_without_a_snapshot()
    {
        using var cache = new LarderCache(new() { Snapshot = { Path = SnapshotPath } }, _time, _log);
        await cache.SetAsync("k", 1);
        using var service = new SnapshotService(new(cache), _time, _log);
        await service.StoppedAsync(new CancellationToken(true));
        Assert.False(File.Exists(SnapshotPath));
        Assert.Equal([23], _log.Lines.Select(l => l.Id));
        await service.StoppedAsync(default);
        Assert.True(File.Exists(SnapshotPath));
    }

    /// <summary>Each would remove and overwrite the other's.</summary>
    [Fact]
    public void A_path_is_one_living_caches()
    {
        using (var first = Owning(SnapshotPath))
        {
            var error = Assert.Throws<ArgumentException>(() => Owning(Path.Combine(_directory, ".", "cache.snapshot"), "second"));
            Assert.Contains("Cache 'second': Snapshot.Path is " + SnapshotPath, error.Message, StringComparison.Ordinal);
            using LarderCache other = Owning(SnapshotPath + "2"), none = Owning(null), noneEither = Owning(null);
        }
        // The first one is gone; the one that was refused holds nothing.
        using (Owning(SnapshotPath)) { }
        using LarderCache again = Owning(SnapshotPath);

        static LarderCache Owning(string? path, string name = "") => new(new() { Snapshot = { Path = path } }, name: name);
    }

    [Fact]
    public async Task A_snapshot_that_cannot_be_removed_is_not_loaded()
    {
        using var cache = new LarderCache(null, _time, _log);
        await cache.SetAsync("k", 1);
        await cache.Snapshots.SaveAsync(SnapshotPath);
        using var other = new LarderCache(null, _time, _log);
        await using FileStream file = File.OpenRead(SnapshotPath);
        await Assert.ThrowsAsync<UnauthorizedAccessException>(() => other.Snapshots.ReadAsync(file, () => throw new UnauthorizedAccessException(), default));
        Assert.Equal(0, other.Statistics.Entries);
    }

    [Fact]
    public async Task Off_it_does_nothing()
    {
        HostApplicationBuilder builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddLarder();
        using IHost host = builder.Build();
        await host.StartAsync();
        await CacheOf(host).SetAsync("k", 1);
        await host.StopAsync();
        Assert.Empty(Directory.GetFiles(_directory));
    }
}
