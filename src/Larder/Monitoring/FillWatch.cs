using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Larder;

/// <summary>
/// Watches runs of factories: a span around each, which is the parent of what the factory calls, and a histogram of their
/// durations. Where nobody listens it costs a look at two flags.
/// </summary>
internal readonly struct FillWatch
{
    private static readonly ActivitySource Spans = new(LarderMeter.Name);
    private static readonly Histogram<double> Durations =
        LarderMeter.Instance.CreateHistogram<double>("cache.fill.duration", "s", "Time that a run of a factory took.");

    private readonly Activity? _span;
    private readonly long _began;
    private readonly string _cacheName;

    private FillWatch(string cacheName, bool inBackground)
    {
        _cacheName = cacheName;
        if (Durations.Enabled) _began = Stopwatch.GetTimestamp();
        if (!Spans.HasListeners()) return;
        _span = Spans.StartActivity("cache fill");
        (string name, object? value) = CacheMeters.TagOf(cacheName);
        _span?.SetTag(name, value).SetTag("cache.fill.background", inBackground);
    }

    /// <summary>Begins to watch; the span is current from now on.</summary>
    public static FillWatch Begin(string cacheName, bool inBackground) => new(cacheName, inBackground);

    /// <summary>The run has ended, with or without a failure. Neither key nor value is told.</summary>
    public void End(Exception? failure)
    {
        if (_began != 0)
            Durations.Record(Stopwatch.GetElapsedTime(_began).TotalSeconds, CacheMeters.TagOf(_cacheName), new("error.type", failure?.GetType().FullName));
        if (_span is null) return;
        if (failure is not null) _span.SetStatus(ActivityStatusCode.Error).SetTag("error.type", failure.GetType().FullName);
        _span.Dispose();
    }
}
