using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Larder.Tests.Monitoring;

public sealed class MetersTests
{
    [Fact]
    public async Task Instruments_say_what_the_statistics_say()
    {
        string name = "meters-" + Guid.NewGuid();
        using var cache = new LarderCache(new() { MaxEntries = 2 }, name: name);
        using var twin = new LarderCache(name: name);
        await cache.SetAsync("a", "1");
        await cache.SetAsync("b", "1");
        await cache.SetAsync("c", "1");
        await twin.SetAsync("d", "1");
        Assert.True(twin.GetLocal<string>("d").Found);
        Assert.False(twin.GetLocal<string>("e").Found);
        Assert.Equal("made", await cache.GetOrCreateAsync("f", _ => new ValueTask<string>("made")));
        await cache.InvalidateAsync(Invalidation.Tag("t"));

        Dictionary<string, long> seen = Collect(name);
        Assert.Equal(1, seen["cache.requests hit hit-memory"]);
        Assert.Equal(2, seen["cache.requests miss miss-cold"]);
        Assert.Equal(2, seen["cache.evictions"]);
        Assert.Equal(3, seen["cache.entries"]);
        Assert.Equal(cache.Statistics.Bytes + twin.Statistics.Bytes, seen["cache.estimated_size"]);
        Assert.Equal(1, seen["cache.invalidations"]);
        Assert.Equal(0, seen["cache.expirations"]);
    }

    [Fact]
    public async Task A_tier_that_is_away_and_what_waits_for_it()
    {
        string name = "meters-" + Guid.NewGuid();
        using var alone = new LarderCache(name: name);
        Assert.DoesNotContain("cache.remote.state", Collect(name).Keys);
        var redis = new Remote.ModelRedis();
        using var node = new Remote.ModelNode(redis, name: name);
        node.Connect();
        node.ReadLog();
        Assert.Equal((2, 0), (Collect(name)["cache.remote.state"], Collect(name)["cache.remote.pending"]));
        using var away = new Remote.ModelNode(redis, name: name);
        await away.Cache.InvalidateAsync(Invalidation.Tag("t"), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal((0, 1), (Collect(name)["cache.remote.state"], Collect(name)["cache.remote.pending"]));
    }

    [Fact]
    public void The_counts_of_a_cache_that_was_disposed_of_stay_and_its_levels_go()
    {
        string name = "meters-" + Guid.NewGuid();
        var cache = new LarderCache(name: name);
        Assert.False(cache.GetLocal<string>("k").Found);
        Assert.Equal(0, Collect(name)["cache.entries"]);
        cache.Dispose();
        cache.Dispose();
        using var next = new LarderCache(name: name);
        Assert.False(next.GetLocal<string>("k").Found);
        Assert.Equal(2, Collect(name)["cache.requests miss miss-cold"]);
        next.Dispose();
        Dictionary<string, long> seen = Collect(name);
        Assert.Equal(2, seen["cache.requests miss miss-cold"]);
        Assert.DoesNotContain("cache.entries", seen.Keys);
    }

    [Fact]
    public async Task A_run_of_a_factory_is_a_span_and_a_duration_without_the_key()
    {
        string name = "meters-" + Guid.NewGuid();
        using var cache = new LarderCache(name: name);
        var spans = new List<Activity>();
        var durations = new List<string?>();
        using var activities = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Larder",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span => { lock (spans) if (span.GetTagItem("cache.name") as string == name) spans.Add(span); },
        };
        ActivitySource.AddActivityListener(activities);
        using var meters = new MeterListener { InstrumentPublished = (instrument, listener) => { if (instrument.Name == "cache.fill.duration") listener.EnableMeasurementEvents(instrument); } };
        meters.SetMeasurementEventCallback<double>((_, _, tags, _) =>
        {
            var of = tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value as string);
            lock (durations) if (of["cache.name"] == name) durations.Add(of["error.type"]);
        });
        meters.Start();

        Activity? within = null;
        await cache.GetOrCreateAsync("secret", _ =>
        {
            within = Activity.Current;
            return new ValueTask<int>(1);
        });
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await cache.GetOrCreateAsync<int>("secret2", _ => throw new InvalidOperationException("secret")));
        Assert.Equal([null, typeof(InvalidOperationException).FullName], durations);
        Assert.Equal(2, spans.Count);
        Assert.Same(within, spans[0]);
        Assert.Equal((ActivityStatusCode.Unset, ActivityStatusCode.Error), (spans[0].Status, spans[1].Status));
        Assert.All(spans, span => Assert.DoesNotContain("secret", span.DisplayName + string.Join('|', span.TagObjects.Select(tag => $"{tag.Key}={tag.Value}")) + span.StatusDescription));
    }

    private static Dictionary<string, long> Collect(string name)
    {
        var seen = new Dictionary<string, long>();
        using var listener = new MeterListener { InstrumentPublished = (instrument, listener) => { if (instrument.Meter.Name == "Larder") listener.EnableMeasurementEvents(instrument); } };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            var of = tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value as string);
            if (of.GetValueOrDefault("cache.name") != name) return;
            string key = of.TryGetValue("cache.request.type", out string? type) ? $"{instrument.Name} {type} {of["cache.request.reason"]}" : instrument.Name;
            seen.Add(key, value);
        });
        listener.Start();
        listener.RecordObservableInstruments();
        return seen;
    }
}
