using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Larder;

/// <summary>
/// Watches runs of factories: a span around each, which is the parent of what the factory calls, and a histogram of their
/// durations. Where nobody listens it costs a look at two flags. Listeners and exporters run within these calls: one that
/// throws is logged, once in a process, and never breaks a fill.
/// </summary>
internal readonly struct FillWatch
{
    private static readonly ActivitySource Spans = new(LarderMeter.Name);
    private static readonly Histogram<double> Durations =
        LarderMeter.Instance.CreateHistogram<double>("cache.fill.duration", "s", "Time that a run of a factory took.");

    private static int _hasFailed;

    private readonly ILogger _logger;
    private readonly Activity? _span;
    private readonly long _began;
    private readonly string _cacheName;

    private FillWatch(string cacheName, bool inBackground, ILogger logger)
    {
        (_cacheName, _logger) = (cacheName, logger);
        if (Durations.Enabled) _began = Stopwatch.GetTimestamp();
        if (!Spans.HasListeners()) return;
        try
        {
            _span = Spans.StartActivity("cache fill");
            (string name, object? value) = CacheMeters.TagOf(cacheName);
            _span?.SetTag(name, value).SetTag("cache.fill.background", inBackground);
        }
        catch (Exception e)
        {
            Note(e);
        }
    }

    /// <summary>Begins to watch; the span is current from now on.</summary>
    public static FillWatch Begin(string cacheName, bool inBackground, ILogger logger) => new(cacheName, inBackground, logger);

    /// <summary>The run has ended, with or without a failure. Neither key nor value is told.</summary>
    public void End(Exception? failure)
    {
        try
        {
            if (_began != 0)
                Durations.Record(Stopwatch.GetElapsedTime(_began).TotalSeconds, CacheMeters.TagOf(_cacheName), new("error.type", failure?.GetType().FullName));
        }
        catch (Exception e)
        {
            Note(e);
        }
        if (_span is null) return;
        try
        {
            if (failure is not null) _span.SetStatus(ActivityStatusCode.Error).SetTag("error.type", failure.GetType().FullName);
            _span.Dispose();
        }
        catch (Exception e)
        {
            Note(e);
        }
    }

    private void Note(Exception failure)
    {
        if (Interlocked.Exchange(ref _hasFailed, 1) == 0) Log.WatchFailed(_logger, failure);
    }
}
