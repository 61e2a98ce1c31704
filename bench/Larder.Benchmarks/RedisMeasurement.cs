using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using Larder.Redis;

namespace Larder.Benchmarks;

/// <summary>GETs of values of 1 KiB over one connection, by callers that each wait for their answer before they ask again.</summary>
internal static class RedisMeasurement
{
    private const int Keys = 64;
    private const int ValueBytes = 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly string[] AllKeys = [.. Enumerable.Range(0, Keys).Select(k => $"larder:e:{k}")];

    /// <summary>Writes <c>gets-per-second bytes-allocated-per-get</c>.</summary>
    public static async Task<int> RunAsync(int port, int callers, double seconds, TextWriter output)
    {
        var options = new RedisOptions { Timeout = Patience };
        options.Endpoints.Add(new("127.0.0.1", port));
        await using var link = new RedisLink(options);
        await link.WhenConnectedAsync(new CancellationTokenSource(Patience).Token);
        byte[] value = new byte[ValueBytes];
        foreach (string key in AllKeys) await link.SendAsync(["SET", key, value], Patience);

        await MeasureAsync(link, callers, Math.Min(2, seconds));
        (double rate, double bytes) = await MeasureAsync(link, callers, seconds);
        await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{rate:F0} {bytes:F1}"));
        return 0;
    }

    private static async Task<(double Rate, double Bytes)> MeasureAsync(RedisLink link, int callers, double seconds)
    {
        long allocated = GC.GetTotalAllocatedBytes(precise: true), began = Stopwatch.GetTimestamp(), end = began + (long)(seconds * Stopwatch.Frequency);
        long[] done = await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(() => AskAsync(link, caller, end))));
        double took = Stopwatch.GetElapsedTime(began).TotalSeconds;
        return (done.Sum() / took, (GC.GetTotalAllocatedBytes(precise: true) - allocated) / (double)done.Sum());
    }

    private static async Task<long> AskAsync(RedisLink link, int caller, long end)
    {
        long done = 0;
        for (; Stopwatch.GetTimestamp() < end; done++)
        {
            RedisReply reply = await link.SendAsync(["GET", AllKeys[(caller + done) % Keys]], Patience);
            if (reply.Value.Memory.Length != ValueBytes) throw new InvalidOperationException($"A GET came to {reply}.");
            if (reply.Value.Rented is { } rented) ArrayPool<byte>.Shared.Return(rented);
        }
        return done;
    }
}
