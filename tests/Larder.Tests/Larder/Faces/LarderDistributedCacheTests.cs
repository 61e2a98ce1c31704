using System.Buffers;
using Larder.Tests.Support;
using Microsoft.Extensions.Caching.Distributed;

namespace Larder.Tests.Faces;

public sealed class LarderDistributedCacheTests : IDisposable
{
    private static readonly DistributedCacheEntryOptions Forever = new();

    private readonly ManualTimeProvider _time = new();
    private readonly LarderCache _cache;
    private readonly LarderDistributedCache _distributed;

    public LarderDistributedCacheTests() => _distributed = new(_cache = new(null, _time));

    public void Dispose() => _cache.Dispose();

    private static DistributedCacheEntryOptions Sliding(int seconds, int? absolute = null) =>
        new() { SlidingExpiration = TimeSpan.FromSeconds(seconds), AbsoluteExpirationRelativeToNow = absolute is { } s ? TimeSpan.FromSeconds(s) : null };

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1), Millisecond = TimeSpan.FromMilliseconds(1);

    [Fact]
    public async Task Every_call_finds_what_another_stored()
    {
        byte[] value = [1, 2, 3];
        var segmented = new ReadOnlySequence<byte>(value);
        var buffer = new ArrayBufferWriter<byte>();
        foreach (Func<string, Task> store in new Func<string, Task>[]
        {
            k => { _distributed.Set(k, value, Forever); return Task.CompletedTask; },
            k => _distributed.SetAsync(k, value, Forever),
            k => { _distributed.Set(k, segmented, Forever); return Task.CompletedTask; },
            async k => await _distributed.SetAsync(k, segmented, Forever),
        })
        {
            Assert.Null(_distributed.Get("k"));
            Assert.Null(await _distributed.GetAsync("k"));
            Assert.False(_distributed.TryGet("k", buffer));
            Assert.False(await _distributed.TryGetAsync("k", buffer));
            await store("k");
            Assert.Equal(value, _distributed.Get("k"));
            Assert.Equal(value, await _distributed.GetAsync("k"));
            Assert.True(_distributed.TryGet("k", buffer));
            Assert.True(await _distributed.TryGetAsync("k", buffer));
            Assert.Equal([1, 2, 3, 1, 2, 3], buffer.WrittenSpan.ToArray());
            buffer.Clear();
            await _distributed.RemoveAsync("k");
        }
        _distributed.Set("k", [], Forever);
        Assert.Empty(_distributed.Get("k")!);
        _distributed.Remove("k");
        Assert.Null(_distributed.Get("k"));
    }

    [Fact]
    public void Bytes_are_copied_in_and_out()
    {
        byte[] given = [1];
        _distributed.Set("k", given, Forever);
        given[0] = 2;
        _distributed.Get("k")![0] = 3;
        Assert.Equal([1], _distributed.Get("k"));
        byte[] pooled = [4];
        _distributed.Set("s", new ReadOnlySequence<byte>(pooled), Forever);
        pooled[0] = 5;
        Assert.Equal([4], _distributed.Get("s"));
    }

    [Fact]
    public void Absolute_ends_are_exact_and_the_nearer_one_counts()
    {
        DateTimeOffset now = _time.GetUtcNow();
        _distributed.Set("at", [1], new() { AbsoluteExpiration = now + 10 * Second });
        _distributed.Set("in", [1], new() { AbsoluteExpirationRelativeToNow = 10 * Second });
        _distributed.Set("both", [1], new() { AbsoluteExpirationRelativeToNow = 20 * Second, AbsoluteExpiration = now + 10 * Second });
        _distributed.Set("never", [1], Forever);
        _time.Advance(10 * Second - Millisecond);
        Assert.All(new[] { "at", "in", "both" }, k => Assert.NotNull(_distributed.Get(k)));
        _time.Advance(Millisecond);
        Assert.All(new[] { "at", "in", "both" }, k => Assert.Null(_distributed.Get(k)));
        _time.Advance(TimeSpan.FromDays(400));
        Assert.NotNull(_distributed.Get("never"));
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => _distributed.Set("past", [1], new() { AbsoluteExpiration = _time.GetUtcNow() }));
        Assert.Contains("in the future", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("get")]
    [InlineData("buffer")]
    [InlineData("refresh")]
    public async Task A_sliding_end_moves_with_each_use_and_is_exact(string use)
    {
        _distributed.Set("k", [1], Sliding(60));
        _distributed.Set("unused", [1], Sliding(60));
        for (int i = 0; i < 5; i++)
        {
            _time.Advance(60 * Second - Millisecond);
            if (use == "get") Assert.NotNull(await _distributed.GetAsync("k"));
            else if (use == "buffer") Assert.True(_distributed.TryGet("k", new ArrayBufferWriter<byte>()));
            else await _distributed.RefreshAsync("k");
            Assert.Equal(60 * Second, _cache.GetTimeToLive("k"));
        }
        Assert.False(_cache.Exists("unused"));
        StoreIntegrity.Check(_cache);
        _time.Advance(60 * Second);
        Assert.False(_cache.Exists("k"));
        _distributed.Refresh("k");
        Assert.Null(_distributed.Get("k"));
        // What the wheel was told anew is collected when it is due.
        Assert.Equal(0, _cache.Statistics.Entries);
    }

    [Fact]
    public void Looking_without_using_does_not_move_a_sliding_end()
    {
        _distributed.Set("k", [1], Sliding(60));
        _time.Advance(30 * Second);
        Assert.True(_cache.Exists("k"));
        Assert.Equal(30 * Second, _cache.GetTimeToLive("k"));
    }

    [Fact]
    public void A_sliding_end_stops_at_the_absolute_one()
    {
        _distributed.Set("k", [1], Sliding(60, absolute: 100));
        for (int i = 0; i < 9; i++)
        {
            _time.Advance(11 * Second);
            Assert.NotNull(_distributed.Get("k"));
        }
        _time.Advance(Second - Millisecond);
        Assert.NotNull(_distributed.Get("k"));
        _time.Advance(Millisecond);
        Assert.Null(_distributed.Get("k"));
        _distributed.Set("short", [1], Sliding(60, absolute: 10));
        Assert.Equal(10 * Second, _cache.GetTimeToLive("short"));
    }

    /// <summary>Random uses of random keys, compared with a plain model of the interface's words.</summary>
    [Fact]
    public void Any_sequence_ends_as_the_model_says()
    {
        var random = new Random(7);
        for (int run = 0; run < 200; run++)
        {
            var time = new ManualTimeProvider();
            using var cache = new LarderCache(null, time);
            var distributed = new LarderDistributedCache(cache);
            var model = new Dictionary<string, (byte Value, double Until, double? Sliding, double End)>();
            double now = 0;
            for (int step = 0; step < 60; step++)
            {
                string key = "k" + random.Next(3);
                bool alive = model.TryGetValue(key, out var held) && now < held.Until;
                switch (random.Next(6))
                {
                    case 0:
                        double? sliding = random.Next(2) == 0 ? random.Next(1, 20) : null, absolute = random.Next(2) == 0 ? random.Next(1, 40) : null;
                        distributed.Set(key, [(byte)step], new() { SlidingExpiration = sliding is { } s ? s * Second : null, AbsoluteExpirationRelativeToNow = absolute is { } a ? a * Second : null });
                        double end = now + (absolute ?? double.PositiveInfinity);
                        model[key] = ((byte)step, Math.Min(end, now + (sliding ?? double.PositiveInfinity)), sliding, end);
                        break;
                    case 1:
                        distributed.Remove(key);
                        model.Remove(key);
                        break;
                    case 2:
                        double by = random.Next(1, 12_000) / 1000.0;
                        time.Advance(TimeSpan.FromMilliseconds(Math.Round(by * 1000)));
                        now = Math.Round(now + by, 3);
                        break;
                    case 3:
                        distributed.Refresh(key);
                        if (alive && held.Sliding is { } r) model[key] = held with { Until = Math.Min(held.End, Math.Round(now + r, 3)) };
                        break;
                    default:
                        byte[]? got = distributed.Get(key);
                        Assert.Equal(alive ? held.Value : null, got?[0]);
                        if (alive && held.Sliding is { } g) model[key] = held with { Until = Math.Min(held.End, Math.Round(now + g, 3)) };
                        break;
                }
            }
            StoreIntegrity.Check(cache);
        }
    }

    /// <summary>One-time codes, messages, sessions: what a program does one step after the other it finds done.</summary>
    [Fact]
    public void Steps_one_after_the_other_lose_no_set()
    {
        for (int i = 0; i < 100; i++) Assert.Null(_distributed.Get("k"));
        _distributed.Remove("k");
        for (byte i = 0; i < 50; i++)
        {
            _distributed.Set("k", [i], Forever);
            Assert.Equal([i], _distributed.Get("k")!);
            _distributed.Remove("k");
            Assert.Null(_distributed.Get("k"));
        }
        Assert.False(_cache.ReasonCounts.TryGetValue("unstored-overtaken", out long refused) && refused > 0);
    }

    [Fact]
    public async Task Limits_and_arguments()
    {
        using var cache = new LarderCache(new() { MaxEntryBytes = 1000, MaxKeyLength = 10 });
        var distributed = new LarderDistributedCache(cache);
        distributed.Set("k", [1], Forever);
        distributed.Set("k", new byte[2000], Forever);
        Assert.Null(distributed.Get("k"));
        string tooLong = new('k', 11);
        distributed.Set(tooLong, [1], Forever);
        Assert.Null(distributed.Get(tooLong));
        distributed.Set(tooLong, [1], Forever);
        Assert.Null(distributed.Get(tooLong));
        distributed.Remove(tooLong);
        Assert.Throws<ArgumentNullException>(() => distributed.Get(null!));
        Assert.Throws<ArgumentNullException>(() => distributed.Set("k", (byte[])null!, Forever));
        Assert.Throws<ArgumentNullException>(() => distributed.Set("k", [1], null!));
        Assert.Throws<ArgumentNullException>(() => distributed.TryGet("k", null!));
        Assert.Throws<ArgumentException>(() => distributed.Refresh(""));
        var gone = new CancellationToken(true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => distributed.GetAsync("k", gone));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => distributed.SetAsync("k", [1], Forever, gone));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => distributed.RefreshAsync("k", gone));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => distributed.RemoveAsync("k", gone));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await distributed.TryGetAsync("k", new ArrayBufferWriter<byte>(), gone));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await distributed.SetAsync("k", new ReadOnlySequence<byte>([1]), Forever, gone));
    }

    [Fact]
    public void Lookups_are_counted_like_any_other()
    {
        _distributed.Get("k");
        _distributed.Set("k", [1], Forever);
        _distributed.Get("k");
        _distributed.Refresh("k");
        Assert.Equal((1, 1), (_cache.Statistics.Hits, _cache.Statistics.Misses));
        _distributed.Set("t", [1], new() { AbsoluteExpirationRelativeToNow = Second });
        _time.Advance(Second / 2);
        Assert.Equal(1, _cache.ReasonCounts["hit-memory"]);
    }
}
