using Larder.Tests.Support;

namespace Larder.Tests.Invalidations;

[Trait("clause", "I-27")]
public sealed class InvalidationHistoryTests
{
    [Fact]
    public async Task Four_events_of_eighteen_keys_are_four_and_a_half_on_average()
    {
        using var cache = new LarderCache(null, new ManualTimeProvider());
        Assert.Null(cache.InvalidationHistory.Totals.MeanRemoved);
        foreach (int keys in new[] { 5, 3, 8, 2 })
        {
            for (int i = 0; i < keys; i++) await cache.SetAsync($"{keys}:{i}", i, new() { Tags = ["t" + keys] });
            Assert.Equal(keys, (await cache.InvalidateAsync(Invalidation.Tag("t" + keys), "nightly import", count: true)).Removed);
        }
        InvalidationTotals totals = cache.InvalidationHistory.Totals;
        Assert.Equal((4, 18, 4.5), (totals.Events, totals.Removed, totals.MeanRemoved));
        await cache.InvalidateAsync(Invalidation.All.Soft());
        totals = cache.InvalidationHistory.Totals;
        Assert.Equal((5, 1, 4, 4.5), (totals.Events, totals.Soft, totals.Counted, totals.MeanRemoved));
        Assert.Equal(new Dictionary<InvalidationKind, long> { [InvalidationKind.Tag] = 4, [InvalidationKind.All] = 1 }, totals.ByKind);
    }

    [Fact]
    [Trait("clause", "I-25")]
    public async Task A_record_says_when_what_why_and_what_came_of_it()
    {
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(null, time);
        await cache.SetAsync("k", 1);
        time.Advance(TimeSpan.FromHours(1) / 2);
        InvalidationResult result = await cache.InvalidateAsync(Invalidation.Key("k").Soft(), "job 7: queued → done", count: true);
        Assert.Equal((1, InvalidationStatus.Acknowledged, InvalidationReach.Logged), (result.Removed, result.Status, result.Reach));
        InvalidationRecord record = Assert.Single(cache.InvalidationHistory.Last());
        Assert.Equal(new(time.GetUtcNow(), InvalidationKind.Key, "k", true, "job 7: queued → done", result.Position, result.Status, 1), record);
        await cache.InvalidateAsync(Invalidation.Key(new string('x', 300)));
        Assert.Equal(new string('x', 255) + "…", cache.InvalidationHistory.Last(1)[0].Subject);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public async Task The_last_events_stay_and_the_sums_are_of_all(int capacity)
    {
        using var cache = new LarderCache(new() { InvalidationHistory = capacity });
        for (int i = 1; i <= 20; i++)
        {
            await cache.InvalidateAsync(Invalidation.Key("k" + i));
            string[] expected = [.. Enumerable.Range(0, Math.Min(i, capacity)).Select(back => "k" + (i - back))];
            Assert.Equal(expected, cache.InvalidationHistory.Last().Select(r => r.Subject));
            Assert.Equal(expected.Take(2), cache.InvalidationHistory.Last(2).Select(r => r.Subject));
            Assert.Empty(cache.InvalidationHistory.Last(0));
        }
        Assert.Equal(20, cache.InvalidationHistory.Totals.Events);
        Assert.Throws<ArgumentOutOfRangeException>(() => cache.InvalidationHistory.Last(-1));
    }

    [Fact]
    public async Task Fifty_events_in_an_hour_are_a_warning_and_a_hundred_are_critical()
    {
        var time = new ManualTimeProvider();
        var log = new RecordingLogger<LarderCache>();
        using var cache = new LarderCache(null, time, log);
        var levels = new List<InvalidationRateLevel>();
        for (int i = 1; i <= 120; i++)
        {
            await cache.InvalidateAsync(Invalidation.Key("k"));
            Assert.Equal(i, cache.InvalidationHistory.Rate.LastHour);
            levels.Add(cache.InvalidationHistory.Rate.Level);
        }
        Assert.Equal((49, 50, 21), (levels.Count(l => l == InvalidationRateLevel.Normal), levels.Count(l => l == InvalidationRateLevel.Warning), levels.Count(l => l == InvalidationRateLevel.Critical)));
        Assert.Equal(["There were 50", "There were 100"], log.Lines.Where(line => line.Id == 32).Select(line => string.Join(' ', line.Text.Split(' ')[..3])));
        time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(new InvalidationRate(0, InvalidationRateLevel.Normal), cache.InvalidationHistory.Rate);
        for (int i = 0; i < 50; i++) await cache.InvalidateAsync(Invalidation.Key("k"));
        Assert.Equal(3, log.Lines.Count(line => line.Id == 32));
    }

    [Fact]
    public void The_last_hour_is_counted_like_a_list_of_all_events_would()
    {
        var time = new ManualTimeProvider();
        var counter = new HourCounter(time);
        var minutes = new List<int>();
        var random = new Random(7);
        for (int i = 0; i < 20_000; i++)
        {
            // Pauses of all lengths: within a minute, over some, over more than the hour.
            double pause = random.Next(200) == 0 ? random.Next(200) : random.NextDouble() * 2;
            time.Advance(TimeSpan.FromMinutes(pause));
            double minute = time.GetTimestamp() / (double)TimeSpan.TicksPerMinute;
            if (random.Next(3) > 0)
            {
                counter.Increment();
                minutes.Add((int)minute);
            }
            minutes.RemoveAll(at => at <= (int)minute - 60);
            Assert.Equal(minutes.Count, counter.Count);
        }
    }

    [Fact]
    public async Task Other_thresholds_are_other_levels()
    {
        var options = new LarderOptions { InvalidationsPerHour = { Warning = 1, Critical = 2 } };
        using var cache = new LarderCache(options);
        await cache.InvalidateAsync(Invalidation.All);
        Assert.Equal(InvalidationRateLevel.Warning, cache.InvalidationHistory.Rate.Level);
        await cache.InvalidateAsync(Invalidation.All);
        Assert.Equal(InvalidationRateLevel.Critical, cache.InvalidationHistory.Rate.Level);
        options.InvalidationsPerHour.Critical = 0;
        Assert.Contains("InvalidationsPerHour.Critical is 0; allowed is Warning to", Assert.Throws<ArgumentException>(() => new LarderCache(options)).Message);
    }

    [Fact]
    public async Task Operations_on_a_key_are_no_invalidations()
    {
        using var cache = new LarderCache();
        await cache.SetAsync("k", 1);
        await cache.RemoveAsync("k");
        Assert.Equal(0, cache.InvalidationHistory.Totals.Events);
    }

    [Fact]
    public async Task Switched_off_it_keeps_nothing()
    {
        using var cache = new LarderCache(new() { InvalidationHistory = 0 });
        await cache.InvalidateAsync(Invalidation.All, "why", count: true);
        Assert.Empty(cache.InvalidationHistory.Last());
        Assert.Equal((0, 0), (cache.InvalidationHistory.Capacity, cache.InvalidationHistory.Totals.Events));
        Assert.Equal(default, cache.InvalidationHistory.Rate);
    }

    [Fact]
    [Trait("clause", "I-23")]
    public async Task A_reason_that_is_too_long_or_could_forge_lines_is_refused_and_nothing_happens()
    {
        using var cache = new LarderCache();
        await cache.SetAsync("k", 1);
        foreach (string reason in new[] { new string('x', 257), "a\nb", "a\rb", "a\u001b[2J", "a\u0085b" })
            await Assert.ThrowsAsync<ArgumentException>(async () => await cache.InvalidateAsync(Invalidation.All, reason));
        Assert.True(cache.Exists("k"));
        Assert.Equal(0, cache.InvalidationHistory.Totals.Events);
        await cache.InvalidateAsync(Invalidation.All, new string('x', 256));
    }
}
