using System.Diagnostics.Metrics;

namespace Larder.Tests.Examples;

/// <summary>The code of docs/features/monitoring.md.</summary>
public sealed class MonitoringExample
{
    private sealed class Lines
    {
        private readonly List<string> _lines = [];

        public void WriteLine(string line) => _lines.Add(line);

        public IEnumerable<string> All => _lines;
    }

    [Fact]
    public void A_listener_is_told_the_figures()
    {
        var Console = new Lines();
        using var cache = new LarderCache();
        Assert.False(cache.GetLocal<string>("k").Found);

        using var meters = new MeterListener();
        meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == "Larder") listener.EnableMeasurementEvents(instrument);
        };
        meters.SetMeasurementEventCallback<long>((instrument, value, tags, state) => Console.WriteLine($"{instrument.Name} {value} {instrument.Unit}"));
        meters.Start();
        meters.RecordObservableInstruments();

        Assert.Contains(Console.All, line => line.StartsWith("cache.requests ", StringComparison.Ordinal));
    }
}
