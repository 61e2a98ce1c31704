using System.ComponentModel;
using System.Text;
using Larder.Tests.Support;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Logging;

namespace Larder.Tests.Warming;

public sealed class SnapshotsTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly RecordingLogger<LarderCache> _log = new();
    private readonly string _directory = Directory.CreateTempSubdirectory("larder").FullName;
    private readonly List<LarderCache> _caches = [];

    private string SnapshotPath => Path.Combine(_directory, "cache.snapshot");

    public void Dispose()
    {
        foreach (LarderCache cache in _caches) cache.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private LarderCache Cache(LarderOptions? options = null, TimeProvider? time = null)
    {
        var cache = new LarderCache(options, time ?? _time, _log);
        _caches.Add(cache);
        return cache;
    }

    private async Task<LarderCache> Restarted(LarderCache from, LarderOptions? options = null, TimeProvider? time = null)
    {
        await from.Snapshots.SaveAsync(SnapshotPath);
        LarderCache to = Cache(options, time);
        Assert.Equal(SnapshotOutcome.Loaded, (await to.Snapshots.LoadAsync(SnapshotPath)).Outcome);
        return to;
    }

    public sealed record Item(int Id, string Name);

    [ImmutableObject(true)]
    public sealed record Fixed(string Name);

    [Fact]
    public async Task Every_form_of_a_value_comes_back()
    {
        LarderCache before = Cache(new() { Compression = { Algorithm = CompressionAlgorithm.Brotli } });
        string text = string.Concat(Enumerable.Repeat("text ", 500));
        await before.SetAsync("text", "größer");
        await before.SetAsync("long text", text);
        await before.SetAsync("bytes", (byte[])[1, 2, 3]);
        await before.SetAsync("many bytes", new byte[5000]);
        await before.SetAsync("number", 42);
        await before.SetAsync("guid", (Guid?)Guid.Empty);
        await before.SetAsync("item", new Item(1, "one"));
        await before.SetAsync("list", Enumerable.Range(0, 1000).Select(i => new Item(i, "name")).ToList());
        await before.SetAsync("fixed", new Fixed("f"));
        await before.SetAsync("shared", new Item(2, "two"), new() { ShareInstance = true });
        await before.SetAsync<string?>("null", null);
        LarderCache after = await Restarted(before);
        Assert.Equal(before.Statistics.Entries, after.Statistics.Entries);
        for (int round = 0; round < 2; round++)
        {
            Assert.Equal("größer", after.GetLocal<string>("text").Value);
            Assert.Equal(text, after.GetLocal<string>("long text").Value);
            Assert.Equal([1, 2, 3], after.GetLocal<byte[]>("bytes").Value!);
            Assert.Equal(new byte[5000], after.GetLocal<byte[]>("many bytes").Value!);
            Assert.Equal(42, after.GetLocal<int>("number").Value);
            Assert.Equal(Guid.Empty, after.GetLocal<Guid?>("guid").Value);
            Assert.Equal(new Item(1, "one"), after.GetLocal<Item>("item").Value);
            Assert.NotSame(after.GetLocal<Item>("item").Value, after.GetLocal<Item>("item").Value);
            Assert.Equal(1000, after.GetLocal<List<Item>>("list").Value!.Count);
            Assert.Same(after.GetLocal<Fixed>("fixed").Value, after.GetLocal<Fixed>("fixed").Value);
            Assert.Same(after.GetLocal<Item>("shared").Value, after.GetLocal<Item>("shared").Value);
            Assert.True(after.GetLocal<string>("null").Found);
            // Once more: what was loaded, whether or not it was read, is written again.
            after = await Restarted(after);
        }
        StoreIntegrity.Check(after);
    }

    [Fact]
    public async Task A_read_as_another_type_is_a_miss()
    {
        LarderCache before = Cache();
        await before.SetAsync("k", new List<int> { 1 });
        LarderCache after = await Restarted(before);
        Assert.Equal(Reason.MissIncompatible, after.GetLocal<int[]>("k").Reason);
        Assert.Equal(Reason.MissIncompatible, after.GetLocal<object>("k").Reason);
        Assert.Equal([1], after.GetLocal<List<int>>("k").Value!);
        Assert.Equal(Reason.MissIncompatible, after.GetLocal<int[]>("k").Reason);
        Assert.Equal(2, await after.GetOrCreateAsync("k", _ => new ValueTask<int>(2)));
    }

    [Fact]
    public async Task Readers_that_race_for_the_first_read_get_one_instance()
    {
        LarderCache before = Cache();
        await before.SetAsync("k", new Fixed("f"));
        LarderCache after = await Restarted(before);
        Fixed[] read = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => after.GetLocal<Fixed>("k").Value!)));
        Assert.Single(read.Distinct<Fixed>(ReferenceEqualityComparer.Instance));
    }

    [Fact]
    public async Task Instances_whose_type_cannot_be_written_are_skipped_and_counted()
    {
        LarderCache cache = Cache();
        await cache.SetAsync("stream", new MemoryStream(), new() { ShareInstance = true });
        await cache.SetAsync("as object", (object)new Item(1, "x"), new() { ShareInstance = true });
        await cache.SetAsync("text", "v");
        SnapshotSaved saved = await cache.Snapshots.SaveAsync(SnapshotPath);
        Assert.Equal((1, 2, 0, new FileInfo(SnapshotPath).Length), (saved.Entries, saved.Skipped, saved.LeftOut, saved.Bytes));
    }

    [Fact]
    public async Task Sliding_and_absolute_ends_of_the_distributed_cache_go_on()
    {
        // Old enough that its own instants would mean something else to a cache that has just begun.
        LarderCache before = Cache();
        _time.Advance(TimeSpan.FromHours(10));
        new LarderDistributedCache(before).Set("session", [1, 2], new() { SlidingExpiration = TimeSpan.FromMinutes(20), AbsoluteExpirationRelativeToNow = TimeSpan.FromHours(1) });
        new LarderDistributedCache(before).Set("plain", [3], new());
        new LarderDistributedCache(before).Set("sliding", [4], new() { SlidingExpiration = TimeSpan.FromMinutes(20) });
        _time.Advance(TimeSpan.FromMinutes(10));
        LarderCache after = await Restarted(before);
        var distributed = new LarderDistributedCache(after);
        Assert.Equal([3], distributed.Get("plain")!);
        for (int minutes = 10; minutes < 60; minutes += 10)
        {
            // The first use after the restart may be a refresh.
            distributed.Refresh("session");
            Assert.Equal([1, 2], distributed.Get("session")!);
            Assert.Equal([4], distributed.Get("sliding")!);
            _time.Advance(TimeSpan.FromMinutes(10));
        }
        Assert.Null(distributed.Get("session"));
        Assert.Equal([4], distributed.Get("sliding")!);
        Assert.Equal(TimeSpan.MaxValue, after.GetTimeToLive("plain"));
    }

    private sealed class Face(string text)
    {
        public string Text => text;
    }

    private sealed class FaceSerializer : IHybridCacheSerializer<Face>
    {
        public Face Deserialize(System.Buffers.ReadOnlySequence<byte> source) => new(Encoding.UTF8.GetString(source));

        public void Serialize(Face value, System.Buffers.IBufferWriter<byte> target) => Encoding.UTF8.GetBytes(value.Text, target);
    }

    [Fact]
    public async Task A_face_registers_how_its_own_values_are_written()
    {
        LarderCache before = Cache(), after = Cache();
        before.Serializers.Use(new FaceSerializer());
        after.Serializers.Use(new FaceSerializer());
        before.Store("k", new Face("f"), new() { ShareInstance = true, Tags = ["=exact"] }, before.BeginFill());
        await before.Snapshots.SaveAsync(SnapshotPath);
        Assert.Equal(1, (await after.Snapshots.LoadAsync(SnapshotPath)).Entries);
        Assert.Equal("f", after.FindKept<Face>("k", out Reason reason, out _)!.Text);
        Assert.Equal(Reason.HitMemory, reason);
        Assert.Same(after.Find<Face>("k"), after.Find<Face>("k"));
        Assert.Null(after.FindKept<string>("k", out reason, out _));
        Assert.Equal(Reason.MissIncompatible, reason);
    }

    [Fact]
    public async Task Lifetimes_go_on_while_no_process_runs()
    {
        LarderCache before = Cache();
        TimeSpan minute = TimeSpan.FromMinutes(1);
        await before.SetAsync("short", 1, new() { Ttl = 5 * minute });
        await before.SetAsync("long", 1, new() { Ttl = 60 * minute });
        await before.SetAsync("ever", 1, new() { Ttl = TimeSpan.MaxValue });
        _time.Advance(2 * minute);
        await before.Snapshots.SaveAsync(SnapshotPath);
        _time.Advance(10 * minute);
        LarderCache after = Cache();
        SnapshotLoaded loaded = await after.Snapshots.LoadAsync(SnapshotPath);
        Assert.Equal((2, 1, 0), (loaded.Entries, loaded.Expired, loaded.Skipped));
        Assert.Equal(48 * minute, after.GetTimeToLive("long"));
        Assert.Equal(12 * minute, after.GetLocal<int>("long").Age);
        Assert.Equal(TimeSpan.MaxValue, after.GetTimeToLive("ever"));
        _time.Advance(48 * minute);
        Assert.False(after.Exists("long"));
    }

    [Fact]
    public async Task A_wall_clock_that_was_set_back_gives_no_entry_more_time()
    {
        LarderCache before = Cache();
        await before.SetAsync("k", 1, new() { Ttl = TimeSpan.FromMinutes(10) });
        _time.Advance(TimeSpan.FromMinutes(4));
        LarderCache after = await Restarted(before, time: new EarlierTime());
        Assert.Equal(TimeSpan.FromMinutes(6), after.GetTimeToLive("k"));
    }

    private sealed class EarlierTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch;

        public override long GetTimestamp() => 0;
    }

    [Fact]
    public async Task What_an_invalidation_covers_is_not_written_and_labels_still_invalidate_what_is_loaded()
    {
        LarderCache before = Cache();
        foreach (string name in new[] { "a", "b", "c" })
            await before.SetAsync(name, 1, new() { Tags = ["tag:" + name], User = "user " + name });
        await before.InvalidateAsync(Invalidation.Tag("tag:b"));
        LarderCache after = await Restarted(before);
        Assert.Equal((true, false, true), (after.Exists("a"), after.Exists("b"), after.Exists("c")));
        Assert.Equal(2, after.Statistics.Entries);
        Assert.Equal(1, (await after.InvalidateAsync(Invalidation.Tag("tag:a"), count: true)).Removed);
        Assert.Equal(1, (await after.InvalidateAsync(Invalidation.User("user c"), count: true)).Removed);
    }

    /// <summary>Does something in the middle of being read.</summary>
    private sealed class Interrupted(byte[] bytes, int at, Func<Task> then) : MemoryStream(bytes)
    {
        private bool _done;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position >= at && !_done)
            {
                _done = true;
                await then();
            }
            return await base.ReadAsync(buffer, cancellationToken);
        }
    }

    public static TheoryData<string> Events => ["key", "tag", "pattern", "user", "all", "remove", "set", "fill"];

    [Theory]
    [MemberData(nameof(Events))]
    public async Task What_happens_while_a_snapshot_is_loaded_wins(string what)
    {
        LarderCache before = Cache();
        await before.SetAsync("k", "old", new() { Tags = ["t"], User = "u" });
        await before.Snapshots.SaveAsync(SnapshotPath);
        LarderCache after = Cache();
        using var file = new Interrupted(await File.ReadAllBytesAsync(SnapshotPath), 30, () => (Task)(what switch
        {
            "key" => (Task)after.InvalidateAsync(Invalidation.Key("k")).AsTask(),
            "tag" => after.InvalidateAsync(Invalidation.Tag("t")).AsTask(),
            "pattern" => after.InvalidateAsync(Invalidation.Glob("k*")).AsTask(),
            "user" => after.InvalidateAsync(Invalidation.User("u")).AsTask(),
            "all" => after.InvalidateAsync(Invalidation.All).AsTask(),
            "remove" => after.RemoveAsync("k").AsTask(),
            "set" => after.SetAsync("k", "new").AsTask(),
            _ => after.GetOrCreateAsync("k", _ => new ValueTask<string>("new")).AsTask(),
        }));
        SnapshotLoaded loaded = await after.Snapshots.ReadAsync(file, null, default);
        Assert.Equal((SnapshotOutcome.Loaded, 0, 1), (loaded.Outcome, loaded.Entries, loaded.Skipped));
        Assert.Equal(what is "set" or "fill" ? "new" : null, after.GetLocal<string>("k").Value);
        // Without the event the same bytes bring the value: the test can tell.
        LarderCache undisturbed = Cache();
        Assert.Equal(1, (await undisturbed.Snapshots.ReadAsync(new MemoryStream(await File.ReadAllBytesAsync(SnapshotPath)), null, default)).Entries);
        Assert.Equal("old", undisturbed.GetLocal<string>("k").Value);
    }

    [Fact]
    public async Task The_stamp_of_what_is_loaded_must_be_from_before_the_loading()
    {
        LarderCache cache = Cache();
        MemoryStore store = StoreIntegrity.StoreOf(cache);
        long before = store.Settled;
        await cache.InvalidateAsync(Invalidation.Key("k"));
        Entry loaded = new() { Key = "k", Hash = KeyComparer.Hash("k"), Value = "old", Cost = 100, CreatedAt = 0, FreshUntil = long.MaxValue };
        Assert.Equal(Reason.UnstoredOvertaken, store.TryAddLoaded(loaded, before));
        // One that is taken when the entry is added lets the old value in.
        Assert.Equal(Reason.None, store.TryAddLoaded(loaded, store.Settled));
    }

    [Fact]
    public async Task A_smaller_cache_and_a_smaller_file_keep_the_hottest()
    {
        LarderCache before = Cache(new() { MaxEntries = 100 });
        for (int i = 0; i < 100; i++) await before.SetAsync($"k{i}", new byte[100]);
        for (int i = 0; i < 100; i += 10)
            for (int n = 0; n < 3; n++) Assert.True(before.GetLocal<byte[]>($"k{i}").Found);
        LarderCache smaller = await Restarted(before, new() { MaxEntries = 10 });
        Assert.Equal(10, smaller.Statistics.Entries);
        Assert.All(Enumerable.Range(0, 10), i => Assert.True(smaller.Exists($"k{i * 10}")));
        // They were not loaded as cold ones: a scan does not sweep them out.
        for (int i = 0; i < 5; i++) await smaller.SetAsync($"new{i}", 1);
        Assert.True(Enumerable.Range(0, 10).Count(i => smaller.Exists($"k{i * 10}")) >= 5);

        LarderCache bounded = Cache(new() { MaxEntries = 100, Snapshot = { MaxBytes = 4096 } });
        await bounded.Snapshots.LoadAsync(SnapshotPath);
        Assert.Equal(0, bounded.Statistics.Entries);
        for (int i = 0; i < 100; i++) await bounded.SetAsync($"k{i}", new byte[100]);
        for (int i = 0; i < 100; i += 10) _ = bounded.GetLocal<byte[]>($"k{i}").Value;
        SnapshotSaved saved = await bounded.Snapshots.SaveAsync(SnapshotPath);
        Assert.InRange(saved.Bytes, 2000, 4096);
        Assert.Equal((100, true), (saved.Entries + saved.LeftOut, saved.Entries >= 10));
        LarderCache after = Cache();
        await after.Snapshots.LoadAsync(SnapshotPath);
        Assert.All(Enumerable.Range(0, 10), i => Assert.True(after.Exists($"k{i * 10}")));
    }

    [Fact]
    public async Task Over_its_limits_a_cache_takes_what_it_may()
    {
        LarderCache before = Cache();
        await before.SetAsync("small", new byte[10]);
        await before.SetAsync("large", new byte[10_000]);
        await before.SetAsync(new string('k', 200), 1);
        await before.Snapshots.SaveAsync(SnapshotPath);
        LarderCache after = Cache(new() { MaxEntryBytes = 5000, MaxKeyLength = 100 });
        SnapshotLoaded loaded = await after.Snapshots.LoadAsync(SnapshotPath);
        Assert.Equal((SnapshotOutcome.Loaded, 1, 2), (loaded.Outcome, loaded.Entries, loaded.Skipped));
        // So large that it is not even read: what follows is.
        await before.SetAsync("huge", new byte[20 << 20]);
        for (int i = 0; i < 3; i++) _ = before.GetLocal<byte[]>("huge").Value;
        await before.Snapshots.SaveAsync(SnapshotPath);
        after = Cache(new() { MaxEntryBytes = 5000, MaxKeyLength = 100 });
        loaded = await after.Snapshots.LoadAsync(SnapshotPath);
        Assert.Equal((SnapshotOutcome.Loaded, 1, 3), (loaded.Outcome, loaded.Entries, loaded.Skipped));
        await before.RemoveAsync("huge");
        await before.Snapshots.SaveAsync(SnapshotPath);
        LarderCache none = Cache(new() { MaxEntries = 0 });
        Assert.Equal(3, (await none.Snapshots.LoadAsync(SnapshotPath)).Skipped);
    }

    [Fact]
    public async Task Stale_windows_and_pattern_subjects_survive()
    {
        LarderCache before = Cache();
        MemoryStore store = StoreIntegrity.StoreOf(before);
        Assert.Equal(Reason.None, store.TryAdd(new DetailedEntry
        {
            Key = "GET /a",
            Hash = KeyComparer.Hash("GET /a"),
            Value = "v",
            Cost = 100,
            CreatedAt = 0,
            FreshUntil = 60_000,
            Name = 4..,
            StaleWhileRevalidate = 30_000,
            StaleIfError = 90_000,
        }, 0));
        await before.SetAsync("another", "remembers how texts are written");
        _time.Advance(TimeSpan.FromSeconds(70));
        LarderCache after = await Restarted(before);
        var entry = (DetailedEntry)StoreIntegrity.StoreOf(after).Find("GET /a")!;
        Assert.Equal((-10_000, 30_000, 90_000, "/a"), (entry.FreshUntil, entry.StaleWhileRevalidate, entry.StaleIfError, entry.PatternSubject.ToString()));
        Assert.Equal(80_000, entry.GoneAt);
        await after.InvalidateAsync(Invalidation.Glob("/a"), count: true);
        Assert.Null(StoreIntegrity.StoreOf(after).Find("GET /a"));
    }

    [Fact]
    public async Task Nothing_is_logged_but_figures_and_the_path()
    {
        LarderCache before = Cache();
        await before.SetAsync("secret key", "secret value");
        await Restarted(before);
        Assert.Equal([(22, LogLevel.Information), (20, LogLevel.Information)], _log.Lines.Select(l => (l.Id, l.Level)));
        Assert.DoesNotContain(_log.Lines, l => l.Text.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Saved_and_loaded_caches_are_equal_whatever_is_in_them()
    {
        var random = new Random(17);
        for (int round = 0; round < 20; round++)
        {
            LarderCache before = Cache(new() { MaxEntries = 10_000, Compression = { Algorithm = (CompressionAlgorithm)random.Next(3), Threshold = 50 } });
            var model = new Dictionary<string, byte[]>();
            for (int i = 0; i < 300; i++)
            {
                string key = $"key {random.Next(200)}";
                switch (random.Next(5))
                {
                    case 0:
                        await before.RemoveAsync(key);
                        model.Remove(key);
                        break;
                    default:
                        var value = new byte[random.Next(2000)];
                        if (random.Next(2) == 0) random.NextBytes(value);
                        await before.SetAsync(key, value, new() { Tags = [$"t:{random.Next(5)}"] });
                        model[key] = value;
                        break;
                }
            }
            LarderCache after = await Restarted(before, new() { MaxEntries = 10_000 });
            Assert.Equal(model.Count, after.Statistics.Entries);
            foreach ((string key, byte[] value) in model) Assert.Equal(value, after.GetLocal<byte[]>(key).Value);
            StoreIntegrity.Check(after);
        }
    }
}
