using System.Diagnostics;
using System.Runtime.CompilerServices;
using Larder.Tests.Support;

namespace Larder.Tests.Warming;

/// <summary>A process that saves over and over is killed at moments of chance; what it leaves is always a whole snapshot.</summary>
[Collection(Alone.Name)]
public sealed class KilledTests : IDisposable
{
    private const string Variable = "LARDER_TESTS_SAVE_UNTIL_KILLED";
    private const int Entries = 400;

    /// <summary>One for all kills: the next one waits another time.</summary>
    private readonly Random _random = new(23);
    private readonly string _directory = Directory.CreateTempSubdirectory("larder").FullName;

    private string SnapshotPath => Path.Combine(_directory, "cache.snapshot");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    /// <summary>These tests are the other program, too: started with the variable they save until they are killed.</summary>
    [ModuleInitializer]
    internal static void SaveUntilKilled()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { } order) return;
        // Whoever started it is gone when nothing more can come from there.
        _ = Task.Run(() =>
        {
            while (Console.In.Read() >= 0) { }
            Environment.Exit(1);
        });
        (string how, string path) = (order[..1], order[1..]);
        using var cache = new LarderCache(new() { Snapshot = { Owner = "killed" } });
        for (int i = 0; i < Entries; i++) _ = cache.SetAsync($"k{i}", new byte[5000]).AsTask();
        for (bool first = true; ; first = false)
        {
            if (how == "A") cache.Snapshots.SaveAsync(path).GetAwaiter().GetResult();
            else SaveInPlace(cache, path);
            if (first) Console.WriteLine("saved");
        }
    }

    private static void SaveInPlace(LarderCache cache, string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
        cache.Snapshots.WriteAsync(file, default).GetAwaiter().GetResult();
    }

    /// <summary>How many of the kills left a file that is not whole.</summary>
    private async Task<int> Kill(int times, string how)
    {
        int broken = 0;
        for (int i = 0; i < times; i++)
        {
            var start = new ProcessStartInfo("dotnet", [typeof(KilledTests).Assembly.Location]) { RedirectStandardInput = true, RedirectStandardOutput = true };
            start.Environment[Variable] = how + SnapshotPath;
            start.Environment["CORECLR_ENABLE_PROFILING"] = "0";
            using Process process = Process.Start(start)!;
            try
            {
                Assert.Equal("saved", await process.StandardOutput.ReadLineAsync());
                await Task.Delay(_random.Next(30));
            }
            finally
            {
                process.Kill();
                await process.WaitForExitAsync();
            }
            using var cache = new LarderCache(new() { Snapshot = { Owner = "killed" } });
            SnapshotLoaded loaded = await cache.Snapshots.LoadAsync(SnapshotPath);
            if (loaded is not { Outcome: SnapshotOutcome.Loaded, Entries: Entries }) broken++;
        }
        return broken;
    }

    [Fact]
    public async Task A_process_that_is_killed_while_it_saves_leaves_a_whole_snapshot()
    {
        int times = int.TryParse(Environment.GetEnvironmentVariable("LARDER_KILLS"), out int asked) ? asked : 10;
        Assert.Equal(0, await Kill(times, "A"));
        // Written in place the file is mostly half when the process dies: the same kills find that.
        int tries = 0;
        while (await Kill(1, "B") == 0) Assert.True(++tries < 50, "the kills hit nothing");
    }
}
