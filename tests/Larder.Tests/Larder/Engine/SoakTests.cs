using System.Globalization;
using Larder.Tests.Support;

namespace Larder.Tests.Engine;

/// <summary>
/// Two million operations by default; <c>LARDER_SOAK</c> names another number, as <c>tests/soak.sh</c> does.
/// </summary>
[Collection(Alone.Name)]
public sealed class SoakTests(ITestOutputHelper output)
{
    /// <summary>A leak of one small object in a hundred operations is 300 KB for each million; what the runtime itself does stays well below.</summary>
    private const double MostBytesPerMillion = 300_000;

    private static readonly long Operations =
        long.TryParse(Environment.GetEnvironmentVariable("LARDER_SOAK"), CultureInfo.InvariantCulture, out long asked) ? asked : 2_000_000;

    [Fact]
    public void Nothing_is_stale_everything_agrees_and_the_heap_does_not_grow()
    {
        using var cache = new LarderCache(new() { MaxEntries = 2_000, MaxBytes = 1 << 20 }, Soak.Clock);
        SoakResult result = Soak.Run(cache, Operations, rounds: 20, line =>
        {
            output.WriteLine(line);
            if (Operations > 10_000_000) Console.WriteLine(line);
        });
        cache.Dispose();
        Assert.Equal(0, result.Stale);
        string slope = $"{result.BytesPerMillion:N0} bytes of heap for each million operations";
        if (Operations > 10_000_000) Console.WriteLine(slope);
        Assert.True(result.BytesPerMillion < MostBytesPerMillion, slope);
    }

    [Fact]
    public void A_cache_that_leaks_is_seen_to()
    {
        using var cache = new LarderCache(new() { MaxEntries = 2_000, MaxBytes = 1 << 20 }, Soak.Clock);
        var leaked = new System.Collections.Concurrent.ConcurrentBag<byte[]>();
        long told = 0;
        // One in a hundred events leaves something behind.
        using IDisposable _ = cache.Events.Subscribe(_ =>
        {
            if (Interlocked.Increment(ref told) % 100 == 0) leaked.Add(new byte[1000]);
        });
        SoakResult result = Soak.Run(cache, 1_000_000, rounds: 20);
        Assert.True(result.BytesPerMillion > MostBytesPerMillion, $"{result.BytesPerMillion:N0}");
        Assert.NotEmpty(leaked);
    }
}
