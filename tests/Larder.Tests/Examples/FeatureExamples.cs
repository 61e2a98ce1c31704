using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Larder.Tests.Examples;

/// <summary>The programs of the feature pages, compiled and run; <see cref="DocumentationTests"/> compares them with the pages.</summary>
public sealed class FeatureExamples
{
    [Fact]
    public async Task Compression()
    {
        using var cache = new LarderCache(new()
        {
            Compression = { Algorithm = CompressionAlgorithm.Brotli, Level = 6, Threshold = 1000 },
        });
        await cache.SetAsync("report", string.Concat(Enumerable.Repeat("zone 7: open\n", 1000)));
        CompressionStatistics figures = cache.Compression;
        Console.WriteLine($"{figures.BytesBefore} bytes became {figures.BytesAfter}, {figures.Kept} of {figures.Tried} values are kept compressed");
        Assert.Equal((13_000, 1, 1), (figures.BytesBefore, figures.Kept, figures.Tried));
        Assert.InRange(figures.BytesAfter, 1, 200);
    }

    [Fact]
    public async Task Warm_restart()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("larder");
        try
        {
            await ByHand(Path.Combine(directory.FullName, "cache.snapshot"));
            await Hosted(Path.Combine(directory.FullName, "hosted.snapshot"));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static async Task ByHand(string snapshotFile)
    {
        using (var cache = new LarderCache())
        {
            await cache.SetAsync("price:7", 12.5m);
            await cache.Snapshots.SaveAsync(snapshotFile);
        }
        using var next = new LarderCache();
        SnapshotLoaded loaded = await next.Snapshots.LoadAsync(snapshotFile);
        File.Delete(snapshotFile);
        Console.WriteLine($"{loaded.Outcome}: {loaded.Entries} entries, {next.GetLocal<decimal>("price:7").Value}");
        Assert.Equal((SnapshotOutcome.Loaded, 1, 12.5m), (loaded.Outcome, loaded.Entries, next.GetLocal<decimal>("price:7").Value));
    }

    private static async Task Hosted(string snapshotFile)
    {
        for (int start = 0; start < 3; start++)
        {
            HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
            builder.Services.AddLarder(options => options.Snapshot.Path = snapshotFile);
            using IHost host = builder.Build();
            await host.StartAsync();
            LarderCache cache = host.Services.GetRequiredService<LarderCache>();
            Assert.Equal(start, cache.GetLocal<int>("starts").Value);
            await cache.SetAsync("starts", start + 1);
            await host.StopAsync();
        }
    }
}
