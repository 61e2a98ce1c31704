using System.Diagnostics.Metrics;

namespace Larder.Tests.Examples;

/// <summary>The code of docs/features/monitoring.md.</summary>
public sealed class MonitoringExample
{
    [Fact]
    public async Task A_listener_is_told_the_figures()
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
        meters.SetMeasurementEventCallback<double>((instrument, value, tags, state) => Console.WriteLine($"{instrument.Name} {value} {instrument.Unit}"));
        meters.Start();
        meters.RecordObservableInstruments();

        Assert.Equal(1, await cache.GetOrCreateAsync("k", _ => new ValueTask<int>(1)));
        string[] told = Console.All;
        Assert.Contains(told, line => line.StartsWith("cache.requests ", StringComparison.Ordinal));
        Assert.Contains(told, line => line.StartsWith("cache.fill.duration ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_subscriber_is_told_of_single_entries()
    {
        var Console = new Lines();
        using var cache = new LarderCache();

        using IDisposable subscription = cache.Events.Subscribe(told => Console.WriteLine($"{told.Kind} {told.Key} {told.Reason.Name()}"));
        await cache.SetAsync("price:7", 12.5m);
        await cache.InvalidateAsync(Invalidation.Key("price:7"));

        Assert.Equal(["Set price:7 none", "Invalidate price:7 none"], Console.All);
    }
}
