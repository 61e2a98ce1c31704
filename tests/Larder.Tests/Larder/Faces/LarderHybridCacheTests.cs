using System.Buffers;
using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Larder.Tests.Support;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Larder.Tests.Faces;

public sealed class LarderHybridCacheTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly LarderCache _cache;
    private readonly LarderHybridCache _hybrid;
    private int _calls;

    public LarderHybridCacheTests()
    {
        _cache = new(null, _time);
        _hybrid = new(_cache);
    }

    public void Dispose() => _cache.Dispose();

    private ValueTask<string> Make(CancellationToken token) => new($"made {++_calls}");

    [Fact]
    public async Task Every_overload_finds_what_another_stored()
    {
        int id = 5;
        Assert.Equal("made 1", await _hybrid.GetOrCreateAsync("k5", Make));
        Assert.Equal("made 1", await _hybrid.GetOrCreateAsync("k5", this, static (t, token) => t.Make(token)));
        Assert.Equal("made 1", await _hybrid.GetOrCreateAsync("k5".AsSpan(), Make));
        Assert.Equal("made 1", await _hybrid.GetOrCreateAsync("k5".AsSpan(), this, static (t, token) => t.Make(token)));
        Assert.Equal("made 1", await _hybrid.GetOrCreateAsync($"k{id}", Make));
        Assert.Equal("made 1", await _hybrid.GetOrCreateAsync($"k{id}", this, static (t, token) => t.Make(token)));
        await _hybrid.SetAsync("k5", "set");
        Assert.Equal("set", await _hybrid.GetOrCreateAsync("k5", Make));
        await _hybrid.RemoveAsync("k5");
        Assert.Equal("made 2", await _hybrid.GetOrCreateAsync("k5", Make));
        await _hybrid.RemoveAsync(["k5", "k6"]);
        Assert.Equal("made 3", await _hybrid.GetOrCreateAsync("k5", Make));
    }

    [Fact]
    public async Task Tags_remove_hierarchically_and_a_star_removes_all()
    {
        await _hybrid.SetAsync("a", "v", tags: ["user:1:x"]);
        await _hybrid.SetAsync("b", "v", tags: new List<string> { "other" });
        await _hybrid.SetAsync("c", "v");
        await _hybrid.RemoveByTagAsync("user:1");
        Assert.Equal((false, true), (_cache.Exists("a"), _cache.Exists("b")));
        await _hybrid.RemoveByTagAsync(["nothing", "other"]);
        Assert.Equal((false, true), (_cache.Exists("b"), _cache.Exists("c")));
        await _hybrid.RemoveByTagAsync(" ");
        Assert.True(_cache.Exists("c"));
        await _hybrid.RemoveByTagAsync("*");
        Assert.False(_cache.Exists("c"));
    }

    [Fact]
    public async Task Flags_switch_reading_writing_and_making_off()
    {
        static HybridCacheEntryOptions With(HybridCacheEntryFlags flags) => new() { Flags = flags };
        Assert.Null(await _hybrid.GetOrCreateAsync("k", Make, With(HybridCacheEntryFlags.DisableUnderlyingData)));
        Assert.Equal(0, await _hybrid.GetOrCreateAsync("k", _ => new ValueTask<int>(1), With(HybridCacheEntryFlags.DisableUnderlyingData)));
        Assert.Equal("made 1", await _hybrid.GetOrCreateAsync("k", Make, With(HybridCacheEntryFlags.DisableLocalCacheWrite)));
        Assert.False(_cache.Exists("k"));
        Assert.Equal("made 2", await _hybrid.GetOrCreateAsync("k", Make, With(HybridCacheEntryFlags.DisableDistributedCache)));
        Assert.Equal("made 2", await _hybrid.GetOrCreateAsync("k", Make, With(HybridCacheEntryFlags.DisableUnderlyingData)));
        Assert.Equal("made 2", await _hybrid.GetOrCreateAsync("k", Make, With(HybridCacheEntryFlags.DisableLocalCacheWrite)));
        Assert.Equal("made 3", await _hybrid.GetOrCreateAsync("k", Make, With(HybridCacheEntryFlags.DisableLocalCacheRead), ["t"]));
        Assert.Equal("made 3", _cache.GetLocal<string>("k").Value);
        Assert.Equal("made 4", await _hybrid.GetOrCreateAsync("k", Make, With(HybridCacheEntryFlags.DisableLocalCache)));
        Assert.Equal("made 3", _cache.GetLocal<string>("k").Value);
        await _hybrid.SetAsync("k", "unkept", With(HybridCacheEntryFlags.DisableLocalCacheWrite));
        Assert.False(_cache.Exists("k"));
    }

    [Fact]
    public async Task The_shorter_lifetime_counts()
    {
        TimeSpan minute = TimeSpan.FromMinutes(1);
        await _hybrid.SetAsync("local", 1, new() { Expiration = 5 * minute, LocalCacheExpiration = minute });
        await _hybrid.SetAsync("overall", 1, new() { Expiration = minute, LocalCacheExpiration = 5 * minute });
        await _hybrid.SetAsync("one", 1, new() { Expiration = 2 * minute });
        await _hybrid.SetAsync("none", 1, new());
        Assert.Equal([minute, minute, 2 * minute, TimeSpan.FromHours(1)], new[] { "local", "overall", "one", "none" }.Select(k => _cache.GetTimeToLive(k)!.Value));
    }

    [Fact]
    public async Task Keys_that_cannot_be_cached_still_bring_the_data()
    {
        string longKey = new('k', 1025);
        Assert.Equal("made 1", await _hybrid.GetOrCreateAsync(longKey, Make));
        Assert.Equal("made 2", await _hybrid.GetOrCreateAsync(longKey, Make));
        Assert.Equal("made 3", await _hybrid.GetOrCreateAsync("", Make));
        await _hybrid.SetAsync(longKey, "v");
        Assert.Equal(Reason.BypassLimit, await _cache.SetAsync(longKey, "v"));
        Assert.Equal(Reason.BypassLimit, _cache.TryStore(longKey, "v", new(), _cache.BeginFill()));
        Assert.Equal("made 4", await _hybrid.GetOrCreateAsync(longKey, Make, new() { Flags = HybridCacheEntryFlags.DisableLocalCacheRead }));
        Assert.Equal(0, _cache.Statistics.Entries);
        Assert.Equal("made 5", await _hybrid.GetOrCreateAsync(longKey[..1024], Make));
        Assert.Equal("made 5", await _hybrid.GetOrCreateAsync(longKey[..1024], Make));
    }

    [Fact]
    public async Task A_payload_is_measured_as_it_is_serialized_before_it_is_compressed()
    {
        var options = new LarderOptions { Compression = { Algorithm = CompressionAlgorithm.Brotli } };
        options.HybridCache.MaximumPayloadBytes = 100_000;
        using var compressing = new LarderCache(options);
        using var plain = new LarderCache(new() { HybridCache = { MaximumPayloadBytes = 100_000 } });
        foreach (LarderCache cache in new[] { plain, compressing })
        {
            var hybrid = new LarderHybridCache(cache);
            await hybrid.SetAsync("text", new string('x', 100_000));
            await hybrid.SetAsync("wide", new string('\u8a9e', 33_334));
            await hybrid.SetAsync("bytes", new byte[100_000]);
            await hybrid.SetAsync("more", new byte[100_001]);
            Assert.Equal((true, false, true, false), (cache.Exists("text"), cache.Exists("wide"), cache.Exists("bytes"), cache.Exists("more")));
        }
    }

    [Fact]
    public async Task A_cancelled_caller_gets_no_hit()
    {
        await _hybrid.SetAsync("k", "v");
        using var source = new CancellationTokenSource();
        Assert.Equal("v", await _hybrid.GetOrCreateAsync("k", Make, cancellationToken: source.Token));
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await _hybrid.GetOrCreateAsync("k", Make, cancellationToken: source.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await _hybrid.GetOrCreateAsync("k".AsSpan(), Make, cancellationToken: source.Token));
        Assert.Equal(0, _calls);
    }

    [Fact]
    public async Task Null_is_a_value()
    {
        Assert.Null(await _hybrid.GetOrCreateAsync("k", _ => { _calls++; return new ValueTask<string?>((string?)null); }));
        Assert.Null(await _hybrid.GetOrCreateAsync("k", _ => { _calls++; return new ValueTask<string?>((string?)null); }));
        Assert.Equal(1, _calls);
        Assert.True(_cache.GetLocal<List<int>?>("k").Found);
        Assert.True(_cache.GetLocal<int?>("k").Found);
        Assert.Equal(Reason.MissIncompatible, _cache.GetLocal<int>("k").Reason);
        Assert.Null(_cache.GetLocal<object>("k").Value);
    }
}

public sealed class ValueTests
{
    [ImmutableObject(true)]
    private sealed record Marked(string Name);

    [ImmutableObject(true)]
    private record Open(string Name);

    private sealed record Unmarked(string Name);

    private readonly record struct Pair(int Left, double Right);

    private struct Holder
    {
        public List<int> Items;
    }

    [Fact]
    public async Task Immutable_values_are_shared_and_mutable_ones_copied()
    {
        using var cache = new LarderCache();
        Assert.True(await Shared(cache, new string('x', 3)));
        Assert.True(await Shared(cache, new Marked("a")));
        Assert.True(await Shared(cache, new Uri("http://host/")));
        Assert.False(await Shared(cache, new Open("a")));
        Assert.False(await Shared(cache, new Unmarked("a")));
        Assert.False(await Shared(cache, new List<string> { "a" }));
        Assert.False(await Shared(cache, new byte[] { 1, 2, 3 }));
        Assert.True(await Shared(cache, new List<string> { "a" }, new() { ShareInstance = true }));
        Assert.True(Immutability<DayOfWeek>.IsImmutable);
        Assert.True(Immutability<int?>.IsImmutable);
        Assert.True(Immutability<Pair>.IsImmutable);
        Assert.True(Immutability<(int, Guid)>.IsImmutable);
        Assert.False(Immutability<(int, string)>.IsImmutable);
        Assert.False(Immutability<Holder>.IsImmutable);

        static async Task<bool> Shared<T>(LarderCache cache, T value, EntryOptions? options = null) where T : class
        {
            await cache.SetAsync("k", value, options);
            T first = cache.GetLocal<T>("k").Value!, second = cache.GetLocal<T>("k").Value!;
            Assert.Equivalent(value, first);
            Assert.Equal(ReferenceEquals(first, value), ReferenceEquals(first, second));
            return ReferenceEquals(first, second);
        }
    }

    [Fact]
    public async Task A_caller_that_changes_its_copy_changes_nobody_elses()
    {
        using var cache = new LarderCache();
        List<int> made = await cache.GetOrCreateAsync("k", _ => new ValueTask<List<int>>([1]));
        made.Add(2);
        cache.GetLocal<List<int>>("k").Value!.Add(3);
        Assert.Equal([1], cache.GetLocal<List<int>>("k").Value!);
        await cache.SetAsync("h", new Holder { Items = [1] });
        cache.GetLocal<Holder>("h").Value.Items.Add(2);
        Assert.Equal([1], cache.GetLocal<Holder>("h").Value.Items);
        await cache.SetAsync("t", (1, "two"));
        Assert.Equal((1, "two"), cache.GetLocal<(int, string)>("t").Value);
    }

    [Fact]
    public async Task The_engines_own_forms_are_never_handed_out_as_objects()
    {
        using var cache = new LarderCache();
        await cache.SetAsync<string?>("null", null);
        await cache.SetAsync("list", new List<int> { 1 });
        await cache.SetAsync("text", "v");
        Assert.Null(cache.GetLocal<object>("null").Value);
        Assert.Equal(Reason.MissIncompatible, cache.GetLocal<object>("list").Reason);
        Assert.Equal("v", cache.GetLocal<object>("text").Value);
    }

    private sealed class Reversing : IHybridCacheSerializer<Unmarked>
    {
        public Unmarked Deserialize(ReadOnlySequence<byte> source) => new("read " + Encoding.UTF8.GetString(source));

        public void Serialize(Unmarked value, IBufferWriter<byte> target) => target.Write(Encoding.UTF8.GetBytes(value.Name));
    }

    private sealed class Broken<T>(bool writes) : IHybridCacheSerializer<T>
    {
        public T Deserialize(ReadOnlySequence<byte> source) => throw new FormatException();

        public void Serialize(T value, IBufferWriter<byte> target)
        {
            if (!writes) throw new FormatException();
        }
    }

    private sealed class Factory(Type of, object serializer) : IHybridCacheSerializerFactory
    {
        public bool TryCreateSerializer<T>([NotNullWhen(true)] out IHybridCacheSerializer<T>? made)
        {
            made = typeof(T) == of ? (IHybridCacheSerializer<T>)serializer : null;
            return made is not null;
        }
    }

    [Fact]
    public async Task Registered_serializers_and_factories_are_honoured()
    {
        foreach (bool factory in new[] { false, true })
        {
            var services = new ServiceCollection();
            services.AddLarder();
            services.AddSingleton<IHybridCacheSerializerFactory>(new Factory(typeof(int[]), new Broken<int[]>(false)));
            if (factory) services.AddSingleton<IHybridCacheSerializerFactory>(new Factory(typeof(Unmarked), new Reversing()));
            else services.AddSingleton<IHybridCacheSerializer<Unmarked>>(new Reversing());
            await using ServiceProvider provider = services.BuildServiceProvider();
            HybridCache cache = provider.GetRequiredService<HybridCache>();
            Assert.Equal("a", (await cache.GetOrCreateAsync("k", _ => new ValueTask<Unmarked>(new Unmarked("a")))).Name);
            Assert.Equal("read a", (await cache.GetOrCreateAsync("k", _ => new ValueTask<Unmarked>(new Unmarked("b")))).Name);
        }
    }

    [Theory]
    [InlineData(false, 2)]
    [InlineData(true, 3)]
    public async Task A_serializer_that_fails_costs_the_storing_not_the_call(bool writes, int eventId)
    {
        var log = new RecordingLogger<LarderCache>();
        var services = new ServiceCollection();
        services.AddSingleton<IHybridCacheSerializer<Unmarked>>(new Broken<Unmarked>(writes));
        using ServiceProvider provider = services.BuildServiceProvider();
        using var cache = new LarderCache(null, null, log, provider);
        for (int i = 0; i < 2; i++)
            Assert.Equal("a" + i, (await cache.GetOrCreateAsync("k", _ => new ValueTask<Unmarked>(new Unmarked("a" + i)))).Name);
        Assert.All(log.Lines, l => Assert.Equal((eventId, LogLevel.Warning), (l.Id, l.Level)));
        Assert.NotEmpty(log.Lines);
        Assert.Equal(writes ? Reason.None : Reason.UnstoredUnserializable, await cache.SetAsync("k", new Unmarked("b")));
    }

    [Fact]
    public async Task A_weigher_that_fails_or_lies_breaks_neither_call_nor_bound()
    {
        var log = new RecordingLogger<LarderCache>();
        var options = new EntryOptions { ShareInstance = true };
        using var failing = new LarderCache(new() { Weigher = _ => throw new FormatException() }, null, log);
        Assert.NotNull(await failing.GetOrCreateAsync("k", _ => new ValueTask<Unmarked>(new Unmarked("a")), options));
        Assert.False(failing.Exists("k"));
        Assert.Single(log.Lines);
        using var lying = new LarderCache(new() { Weigher = _ => long.MinValue, MaxBytes = 2_000 });
        for (int i = 0; i < 50; i++) await lying.SetAsync("k" + i, new Unmarked("a"), options);
        Assert.InRange(lying.Statistics.Bytes, 1, 2_000);
        using var honest = new LarderCache(new() { Weigher = _ => 5_000 });
        await honest.SetAsync("k", new Unmarked("a"), options);
        Assert.InRange(honest.Statistics.Bytes, 5_000, 6_000);
    }

    [Fact]
    public async Task A_provider_without_keyed_services_will_do()
    {
        using var cache = new LarderCache(null, null, null, new Bare());
        await cache.SetAsync("k", new List<int> { 1 });
        Assert.Equal([1], cache.GetLocal<List<int>>("k").Value!);
    }

    private sealed class Bare : IServiceProvider
    {
        public object? GetService(Type serviceType) => serviceType == typeof(IEnumerable<IHybridCacheSerializerFactory>) ? Array.Empty<IHybridCacheSerializerFactory>() : null;
    }
}
