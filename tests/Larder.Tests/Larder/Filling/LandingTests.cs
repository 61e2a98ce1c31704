using System.Collections;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Larder.Tests.Support;
using Microsoft.Extensions.Logging;

namespace Larder.Tests.Filling;

/// <summary>Whatever fails around a run, the flight lands: no key hangs, and nobody loses a value that was made.</summary>
public sealed class LandingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private sealed class FullDisk : ILogger<LarderCache>
    {
        private int _lines;

        public int Lines => Volatile.Read(ref _lines);

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Interlocked.Increment(ref _lines);
            throw new IOException("disk full");
        }
    }

    /// <summary>Tags that can be read while the options are checked, and no more when the value is stored.</summary>
    private sealed class BrokenTags(Func<bool> isBroken) : IReadOnlyList<string>
    {
        public string this[int index] => isBroken() ? throw new InvalidOperationException("tags") : "t";

        public int Count => isBroken() ? throw new InvalidOperationException("tags") : 1;

        public IEnumerator<string> GetEnumerator() => isBroken() ? throw new InvalidOperationException("tags") : Enumerable.Repeat("t", 1).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    [Fact]
    public async Task A_logger_that_throws_breaks_neither_fills_nor_hits()
    {
        var log = new FullDisk();
        using var cache = new LarderCache(logger: log);
        using IDisposable _ = cache.Events.Subscribe(_ => throw new InvalidOperationException("listener"));
        EntryOptions options = new() { StoreWhen = _ => throw new InvalidOperationException("condition") };
        Assert.Equal(1, await cache.GetOrCreateAsync("k", Slowly(1), options).AsTask().WaitAsync(Patience));
        Assert.Equal(2, await cache.GetOrCreateAsync("k", Slowly(2)).AsTask().WaitAsync(Patience));
        Assert.Equal(2, await cache.GetOrCreateAsync("k", Slowly(3)).AsTask().WaitAsync(Patience));
        Assert.Equal(0, cache.FillsUnderWay);
        Assert.True(log.Lines > 0, "the logger was not asked");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_metrics_listener_that_throws_harms_no_fill(bool single)
    {
        int told = 0;
        var name = "throws " + single;
        using var cache = new LarderCache(name: name);
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Name == "cache.fill.duration") self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) =>
        {
            foreach (KeyValuePair<string, object?> tag in tags)
                if (name.Equals(tag.Value))
                {
                    told++;
                    throw new InvalidOperationException("exporter");
                }
        });
        listener.Start();
        await Fill(cache, single);
        Assert.Equal(1, told);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task A_trace_listener_that_throws_harms_no_fill(bool single, bool atStart)
    {
        int told = 0;
        var name = $"throws {single} {atStart}";
        using var cache = new LarderCache(name: name);
        void Throw(Activity span)
        {
            if (!atStart && !name.Equals(span.GetTagItem("cache.name"))) return;
            if (atStart && Mine.Value != name) return;
            told++;
            throw new InvalidOperationException("exporter");
        }
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Larder",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStarted = span => { if (atStart) Throw(span); },
            ActivityStopped = span => { if (!atStart) Throw(span); },
        };
        ActivitySource.AddActivityListener(listener);
        Mine.Value = name;
        await Fill(cache, single);
        Assert.Equal(1, told);
    }

    private static readonly AsyncLocal<string?> Mine = new();

    private static async Task Fill(LarderCache cache, bool single)
    {
        if (single) Assert.Equal(1, await cache.GetOrCreateAsync("k", Slowly(1)).AsTask().WaitAsync(Patience));
        else
            Assert.Equal(1, (await cache.GetOrCreateManyAsync<int>(["k"], async (_, _) =>
            {
                await Task.Yield();
                return new Dictionary<string, int> { ["k"] = 1 };
            }).AsTask().WaitAsync(Patience))["k"]);
        Assert.Equal(0, cache.FillsUnderWay);
        Assert.True(cache.Exists("k"));
    }

    [Fact]
    public async Task A_value_that_could_not_be_landed_is_handed_to_whoever_made_it_and_the_others_look_again()
    {
        var log = new RecordingLogger<LarderCache>();
        using var cache = new LarderCache(logger: log);
        bool isBroken = false;
        var gate = new TaskCompletionSource();
        Task<LookupResult<int>> leader = cache.GetOrCreateResultAsync("k", async _ =>
        {
            await gate.Task;
            isBroken = true;
            return 1;
        }, new() { Tags = new BrokenTags(() => isBroken) }).AsTask();
        Task<int> follower = cache.GetOrCreateAsync("k", Slowly(2)).AsTask();
        gate.SetResult();
        LookupResult<int> made = await leader.WaitAsync(Patience);
        Assert.Equal((1, Reason.MissCold, Reason.UnstoredUnserializable), (made.Value, made.Reason, made.Unstored));
        Assert.Equal(2, await follower.WaitAsync(Patience));
        Assert.Equal(0, cache.FillsUnderWay);
        Assert.Contains(log.Lines, line => line is { Id: 42, Level: LogLevel.Error });
    }

    [Fact]
    public async Task A_registration_that_throws_is_logged()
    {
        var log = new RecordingLogger<LarderCache>();
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(null, time, log);
        Task<int> call = cache.GetOrCreateAsync("k", async token =>
        {
            token.Register(() => throw new InvalidOperationException("registered"));
            await Task.Delay(Timeout.Infinite, token);
            return 1;
        }, new() { HardTimeout = TimeSpan.FromSeconds(1) }).AsTask();
        time.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAsync<TimeoutException>(() => call);
        await Eventually.True(() => log.Lines.Any(line => line.Id == 44));
    }

    private static Func<CancellationToken, ValueTask<int>> Slowly(int value) => async _ =>
    {
        await Task.Yield();
        return value;
    };
}
