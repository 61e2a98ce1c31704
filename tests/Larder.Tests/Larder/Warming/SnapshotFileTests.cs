using System.Buffers.Binary;
using Larder.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Larder.Tests.Warming;

/// <summary>What becomes of the file: whole or not at all when it is written, nothing worse than a cold start when it is read.</summary>
public sealed class SnapshotFileTests : IDisposable
{
    private readonly RecordingLogger<LarderCache> _log = new();
    private readonly string _directory = Directory.CreateTempSubdirectory("larder").FullName;
    private readonly LarderCache _cache;

    public SnapshotFileTests() => _cache = new(new() { Snapshot = { Owner = "tests" } }, logger: _log);

    private string SnapshotPath => Path.Combine(_directory, "cache.snapshot");

    public void Dispose()
    {
        _cache.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task<byte[]> Saved(int entries = 5)
    {
        for (int i = 0; i < entries; i++) await _cache.SetAsync($"k{i}", $"value {i}");
        await _cache.Snapshots.SaveAsync(SnapshotPath);
        return await File.ReadAllBytesAsync(SnapshotPath);
    }

    private async Task<(SnapshotLoaded Loaded, int Entries)> Loaded(byte[] bytes)
    {
        await File.WriteAllBytesAsync(SnapshotPath, bytes);
        using var cache = new LarderCache(new() { Snapshot = { Owner = "tests" } }, logger: _log);
        SnapshotLoaded loaded = await cache.Snapshots.LoadAsync(SnapshotPath);
        foreach (string key in Enumerable.Range(0, 100).Select(i => "k" + i).Where(cache.Exists)) Assert.Equal("value " + key[1..], cache.GetLocal<string>(key).Value);
        return (loaded, cache.Statistics.Entries);
    }

    [Fact]
    public async Task Each_flipped_byte_and_each_cut_is_noticed_and_nothing_wrong_is_loaded()
    {
        byte[] bytes = await Saved();
        Assert.Equal((SnapshotOutcome.Loaded, 5), ((await Loaded(bytes)).Loaded.Outcome, (await Loaded(bytes)).Entries));
        _log.Lines.Clear();
        for (int at = 0; at < bytes.Length; at++)
        {
            byte[] broken = [.. bytes];
            broken[at] ^= 0x11;
            (SnapshotLoaded loaded, int entries) = await Loaded(broken);
            Assert.NotEqual(SnapshotOutcome.Loaded, loaded.Outcome);
            Assert.Equal(entries, loaded.Entries);
            (loaded, entries) = await Loaded(bytes[..at]);
            Assert.NotEqual(SnapshotOutcome.Loaded, loaded.Outcome);
            Assert.Equal(entries, loaded.Entries);
        }
        Assert.Equal(SnapshotOutcome.Damaged, (await Loaded([.. bytes, 0])).Loaded.Outcome);
        // One warning each.
        Assert.Equal(2 * bytes.Length + 1, _log.Lines.Count);
        Assert.All(_log.Lines, l => Assert.Equal((21, LogLevel.Warning), (l.Id, l.Level)));
    }

    [Fact]
    public async Task What_stands_before_the_damage_is_loaded()
    {
        byte[] bytes = await Saved(50);
        (SnapshotLoaded loaded, _) = await Loaded(bytes[..(bytes.Length / 2)]);
        Assert.Equal(SnapshotOutcome.Damaged, loaded.Outcome);
        Assert.InRange(loaded.Entries, 20, 30);
    }

    [Fact]
    public async Task Files_of_others_are_told_apart()
    {
        byte[] bytes = await Saved();
        Assert.Equal(SnapshotOutcome.Foreign, (await Loaded([])).Loaded.Outcome);
        Assert.Equal(SnapshotOutcome.Foreign, (await Loaded("hello"u8.ToArray())).Loaded.Outcome);
        Assert.Equal(SnapshotOutcome.Foreign, (await Loaded(new byte[5000])).Loaded.Outcome);
        byte[] newer = [.. bytes];
        newer[8] = 2;
        Assert.Equal(SnapshotOutcome.OtherVersion, (await Loaded(newer)).Loaded.Outcome);
        await File.WriteAllBytesAsync(SnapshotPath, bytes);
        using var other = new LarderCache(new() { Snapshot = { Owner = "others" } });
        Assert.Equal(SnapshotOutcome.Foreign, (await other.Snapshots.LoadAsync(SnapshotPath)).Outcome);
        using var small = new LarderCache(new() { Snapshot = { Owner = "tests", MaxBytes = 4096 } });
        await Saved(100);
        Assert.Equal(SnapshotOutcome.TooLarge, (await small.Snapshots.LoadAsync(SnapshotPath)).Outcome);
        using var unnamed = new LarderCache();
        Assert.NotEqual("", unnamed.Snapshots.Owner);
        using var named = new LarderCache(null, null, null, null, "second");
        Assert.Equal(unnamed.Snapshots.Owner + ":second", named.Snapshots.Owner);
    }

    /// <summary>Whoever may write the file decides what the cache answers.</summary>
    [Theory]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherWrite)]
    [InlineData(UnixFileMode.None)]
    public async Task A_file_that_others_may_write_is_not_read(UnixFileMode more)
    {
        if (OperatingSystem.IsWindows()) return;
        await Saved();
        File.SetUnixFileMode(SnapshotPath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | more);
        _log.Lines.Clear();
        using var next = new LarderCache(new() { Snapshot = { Owner = "tests" } }, logger: _log);
        SnapshotLoaded loaded = await next.Snapshots.LoadAsync(SnapshotPath, once: true, default);
        if (more == UnixFileMode.None)
        {
            Assert.Equal((SnapshotOutcome.Loaded, 5), (loaded.Outcome, next.Statistics.Entries));
            return;
        }
        Assert.Equal((SnapshotOutcome.Foreign, 0), (loaded.Outcome, next.Statistics.Entries));
        Assert.True(File.Exists(SnapshotPath));
        (int id, LogLevel level, string text) = Assert.Single(_log.Lines);
        Assert.Equal((24, LogLevel.Warning), (id, level));
        Assert.Contains("chmod go-w", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_not_there_or_no_file_is_a_cold_start()
    {
        Assert.Equal(SnapshotOutcome.Absent, (await _cache.Snapshots.LoadAsync(SnapshotPath)).Outcome);
        Assert.Equal(SnapshotOutcome.Absent, (await _cache.Snapshots.LoadAsync(Path.Combine(_directory, "no", "such"))).Outcome);
        Assert.Empty(_log.Lines);
        Assert.Equal(SnapshotOutcome.Foreign, (await _cache.Snapshots.LoadAsync(_directory)).Outcome);
        Assert.Single(_log.Lines);
        await Assert.ThrowsAsync<ArgumentException>(() => _cache.Snapshots.LoadAsync(""));
        await Assert.ThrowsAsync<ArgumentException>(() => _cache.Snapshots.SaveAsync(""));
    }

    [Fact]
    public async Task A_device_that_never_ends_is_not_read()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "has no such device");
        Assert.Equal(SnapshotOutcome.Foreign, (await _cache.Snapshots.LoadAsync("/dev/zero")).Outcome);
    }

    [Fact]
    public async Task Random_files_never_throw_and_bring_nothing()
    {
        byte[] bytes = await Saved();
        var random = new Random(3);
        for (int i = 0; i < 3000; i++)
        {
            byte[] broken = random.Next(3) == 0 ? new byte[random.Next(300)] : [.. bytes];
            if (broken.Length != bytes.Length) random.NextBytes(broken);
            for (int n = random.Next(1, 5); n > 0 && broken.Length > 0; n--) broken[random.Next(broken.Length)] = (byte)(random.Next(3) * 127);
            using var cache = new LarderCache(new() { Snapshot = { Owner = "tests" } });
            SnapshotLoaded loaded = await cache.Snapshots.ReadAsync(new MemoryStream(broken), null, default);
            Assert.Equal(cache.Statistics.Entries, loaded.Entries);
        }
    }

    [Fact]
    public async Task A_length_that_is_only_claimed_costs_nothing()
    {
        byte[] bytes = await Saved(1);
        int first = new SnapshotHeader(0, default, "tests").Length;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(first), int.MaxValue);
        (SnapshotLoaded loaded, _) = await Loaded(bytes);
        Assert.Equal((SnapshotOutcome.Damaged, 0), (loaded.Outcome, loaded.Entries));
    }

    /// <summary>Fails at the n-th call, after half of what it was given.</summary>
    private sealed class Failing(Stream inner, int at) : MemoryStream
    {
        private int _calls;

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (++_calls == at)
            {
                await inner.WriteAsync(buffer[..(buffer.Length / 2)], cancellationToken);
                await inner.FlushAsync(cancellationToken);
                throw new IOException("disk full");
            }
            await inner.WriteAsync(buffer, cancellationToken);
        }
    }

    private delegate Task<SnapshotSaved> Replace(string path, Func<Stream, Task<SnapshotSaved>> write);

    private static async Task<SnapshotSaved> InPlace(string path, Func<Stream, Task<SnapshotSaved>> write)
    {
        await using var file = new FileStream(path, FileMode.Create);
        return await write(file);
    }

    /// <summary>How many of the failures left a file that is neither the old one nor the new one.</summary>
    private async Task<(int Broken, int Failures)> FailAtEveryWrite(Replace replace)
    {
        byte[] old = await Saved(1);
        for (int i = 0; i < 40; i++) await _cache.SetAsync($"large {i}", new byte[50_000]);
        int broken = 0, failures = 0;
        for (int at = 1; ; at++)
        {
            await File.WriteAllBytesAsync(SnapshotPath, old);
            try
            {
                await replace(SnapshotPath, file => _cache.Snapshots.WriteAsync(new Failing(file, at), default));
                return (broken, failures);
            }
            catch (IOException)
            {
                failures++;
                byte[] left = await File.ReadAllBytesAsync(SnapshotPath);
                if (!left.AsSpan().SequenceEqual(old)) broken++;
            }
        }
    }

    [Fact]
    public async Task A_failure_at_any_write_leaves_the_old_file_and_no_other()
    {
        (int broken, int failures) = await FailAtEveryWrite(AtomicFile.ReplaceAsync);
        Assert.Equal(0, broken);
        Assert.True(failures > 5);
        Assert.Equal([SnapshotPath], Directory.GetFiles(_directory));
        // Written in place instead, the same failures leave half a file.
        Assert.NotEqual(0, (await FailAtEveryWrite(InPlace)).Broken);
    }

    [Fact]
    public async Task At_every_moment_of_a_save_there_is_the_old_file()
    {
        byte[] old = await Saved(1);
        await _cache.SetAsync("new", new byte[1_000_000]);
        int looked = 0;
        await AtomicFile.ReplaceAsync(SnapshotPath, async file =>
        {
            SnapshotSaved saved = await _cache.Snapshots.WriteAsync(new Watching(file, () =>
            {
                looked++;
                Assert.Equal(old, File.ReadAllBytes(SnapshotPath));
            }), default);
            return saved;
        });
        Assert.True(looked > 1);
        Assert.True(new FileInfo(SnapshotPath).Length > 1_000_000);
    }

    private sealed class Watching(Stream inner, Action look) : MemoryStream
    {
        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await inner.WriteAsync(buffer, cancellationToken);
            look();
        }
    }

    [Fact]
    public async Task Only_its_owner_may_read_the_file()
    {
        await File.WriteAllTextAsync(SnapshotPath, "open to all");
        await Saved();
        // Windows has no such modes.
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SnapshotPath));
    }

    [Fact]
    public async Task What_killed_processes_left_is_removed_in_time()
    {
        string left = $"{SnapshotPath}.{Guid.NewGuid():N}.tmp", young = $"{SnapshotPath}.{Guid.NewGuid():N}.tmp";
        string[] others =
        [
            Path.Combine(_directory, "other.tmp"), SnapshotPath + ".mine.tmp", SnapshotPath + ".0123.tmp", SnapshotPath + "." + new string('g', 32) + ".tmp",
            $"{SnapshotPath}.{Guid.NewGuid():N}.{Guid.NewGuid():N}.tmp", $"{SnapshotPath}2{Guid.NewGuid():N}.tmp", $"{SnapshotPath}.{Guid.NewGuid():N}.tmp2",
        ];
        foreach (string path in (string[])[left, young, .. others])
        {
            await File.WriteAllTextAsync(path, "half");
            if (path != young) File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddHours(-2));
        }
        await Saved();
        Assert.Equal((false, true), (File.Exists(left), File.Exists(young)));
        Assert.All(others, path => Assert.True(File.Exists(path), path));
    }

    [Fact]
    public async Task A_directory_is_made_and_what_cannot_be_written_says_so()
    {
        string deep = Path.Combine(_directory, "a", "b", "cache.snapshot");
        await _cache.Snapshots.SaveAsync(deep);
        Assert.True(File.Exists(deep));
        await File.WriteAllTextAsync(Path.Combine(_directory, "file"), "");
        await Assert.ThrowsAnyAsync<IOException>(() => _cache.Snapshots.SaveAsync(Path.Combine(_directory, "file", "below")));
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _cache.Snapshots.SaveAsync(SnapshotPath, cancelled.Token));
        Assert.False(File.Exists(SnapshotPath));
    }

    [Fact]
    public async Task Saves_at_once_follow_one_another()
    {
        await Saved(20);
        SnapshotSaved[] saved = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => _cache.Snapshots.SaveAsync(SnapshotPath))));
        Assert.All(saved, s => Assert.Equal(20, s.Entries));
        Assert.Equal((SnapshotOutcome.Loaded, 20), ((await Loaded(await File.ReadAllBytesAsync(SnapshotPath))).Loaded.Outcome, saved[0].Entries));
    }
}
