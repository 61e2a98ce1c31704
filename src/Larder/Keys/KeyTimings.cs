using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>How long making keys took, over the newest 1,000 of the last hour.</summary>
/// <param name="Count">Keys measured.</param>
/// <param name="Total">The time of all.</param>
/// <param name="Average">Their mean.</param>
/// <param name="Median">Half of them took no longer.</param>
/// <param name="Min">The fastest.</param>
/// <param name="Max">The slowest.</param>
/// <param name="P95">95 % took no longer.</param>
/// <param name="P99">99 % took no longer.</param>
/// <param name="AverageTextLength">Mean length of what the keys were made of, in characters.</param>
/// <param name="MaxTextLength">The longest, in characters.</param>
/// <param name="Slow">How many took longer than <see cref="KeyOptions.SlowAfter"/>.</param>
public sealed record KeyTimingStatistics(
    int Count, TimeSpan Total, TimeSpan Average, TimeSpan Median, TimeSpan Min, TimeSpan Max, TimeSpan P95, TimeSpan P99,
    double AverageTextLength, long MaxTextLength, int Slow);

/// <summary>Measures the making of keys, in bounded memory.</summary>
/// <remarks>Invariant: the ring and its cursor are touched under <see cref="_gate"/> alone, which is held for one write or one copy.</remarks>
internal sealed class KeyTimings(TimeProvider time, TimeSpan slowAfter, ILogger logger, string cacheName)
{
    private const int Most = 1000;
    private static readonly TimeSpan Window = TimeSpan.FromHours(1);
    private static readonly Histogram<double> Duration =
        LarderMeter.Instance.CreateHistogram<double>("cache.key_generation.duration", "s", "Time that making a cache key took.");

    private readonly record struct Measurement(long At, TimeSpan Took, long TextLength);

    private readonly Lock _gate = new();
    private readonly Measurement[] _ring = new Measurement[Most];
    private long _written;

    /// <summary>When a measurement begins; without timings no clock is read.</summary>
    public static long Begin(KeyTimings? timings) => timings is null ? 0 : timings.Now;

    private long Now => time.GetTimestamp();

    public void End(long began, long textLength, char form)
    {
        long now = Now;
        TimeSpan took = time.GetElapsedTime(began, now);
        lock (_gate) _ring[_written++ % Most] = new(now, took, textLength);
        if (Duration.Enabled) Duration.Record(took.TotalSeconds, new("cache.name", cacheName), new("cache.key.form", NameOf(form)));
        if (took > slowAfter) Log.KeySlow(logger, NameOf(form), took.TotalMilliseconds, textLength);
    }

    public KeyTimingStatistics Summarise()
    {
        Measurement[] kept;
        lock (_gate) kept = _ring[..(int)Math.Min(_written, Most)];
        long now = Now;
        kept = [.. kept.Where(m => time.GetElapsedTime(m.At, now) <= Window)];
        if (kept.Length == 0) return new(0, default, default, default, default, default, default, default, 0, 0, 0);
        TimeSpan[] took = [.. kept.Select(m => m.Took).Order()];
        var total = new TimeSpan(took.Sum(t => t.Ticks));
        return new(
            took.Length, total, total / took.Length, Median(took), took[0], took[^1], AtRank(took, 0.95), AtRank(took, 0.99),
            kept.Average(m => (double)m.TextLength), kept.Max(m => m.TextLength), took.Count(t => t > slowAfter));
    }

    private static TimeSpan Median(TimeSpan[] sorted) =>
        sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;

    /// <summary>The smallest value that at least this share does not exceed (nearest rank).</summary>
    private static TimeSpan AtRank(TimeSpan[] sorted, double share) => sorted[(int)Math.Ceiling(share * sorted.Length) - 1];

    private static string NameOf(char form) => form switch
    {
        'e' => "endpoint",
        'r' => "request",
        _ => "operation",
    };
}
