using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Collections.ObjectModel;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Larder.Tests.Support;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;

namespace Larder.Tests.Entries;

public sealed record Point(int X, int Y);

[JsonSerializable(typeof(Point))]
internal sealed partial class PointJson : JsonSerializerContext;

public sealed class SerializersTests
{
    private static async Task<Reason> Stored<T>(T value, Action<LookupResult<T>>? then = null)
    {
        using var cache = new LarderCache();
        Reason reason = await cache.SetAsync("k", value);
        if (reason == Reason.None) then?.Invoke(cache.GetLocal<T>("k"));
        return reason;
    }

    private static async Task RoundTrips<T>(T value) =>
        Assert.Equal(Reason.None, await Stored(value, found => Assert.Equivalent(value, found.Value, strict: true)));

    private static async Task Refused<T>(T value, string because)
    {
        var log = new RecordingLogger<LarderCache>();
        using var cache = new LarderCache(null, null, log);
        Assert.Equal(Reason.UnstoredUnserializable, await cache.SetAsync("k", value));
        Assert.False(cache.Exists("k"));
        Assert.NotEmpty(log.Lines);
        var refusal = Assert.ThrowsAny<Exception>(() => new Serializers(null).For<T>().Serialize(value, new ArrayBufferWriter<byte>()));
        Assert.Contains(because, refusal.Message, StringComparison.Ordinal);
    }

    public sealed class Open
    {
        public int Number { get; set; }
        public string? Text { get; set; }
        public double Ratio { get; set; }
        public List<Point> Points { get; set; } = [];
        public Dictionary<string, long?> Table { get; set; } = [];
        public int Field;
    }

    public sealed record Computed(string First, string Last)
    {
        public string Full => First + " " + Last;
    }

    [Fact]
    public async Task What_JSON_can_keep_comes_back_equal()
    {
        await RoundTrips(new Open { Number = 1, Text = "größer 😀 <&>", Ratio = double.NaN, Points = [new(1, 2)], Table = new() { ["ä"] = null, [""] = 5 }, Field = 7 });
        await RoundTrips(new Computed("a", "b"));
        await RoundTrips(new List<Computed> { new("a", "b") });
        await RoundTrips((1, "two", new[] { 3.5m, 1.10m }));
        await RoundTrips(new[] { DateTimeOffset.UnixEpoch.AddTicks(1) });
        await RoundTrips(new KeyValuePair<string, int[]>("a", [1]));
        await RoundTrips<IReadOnlyList<string>>(["a"]);
        await RoundTrips(new { Name = "anonymous" });
        await RoundTrips(new[] { 'a', 'ä' });
        await RoundTrips(new Nothing());
        // A null where the type says there is none.
        await RoundTrips(new Computed(null!, "b"));
    }

    public record Nothing;

    public class Base
    {
        public int A { get; set; }
    }

    public sealed class Derived : Base
    {
        public int B { get; set; }
    }

    public sealed class Lost
    {
        public int Value { get; private set; }

        public Lost Be(int value)
        {
            Value = value;
            return this;
        }
    }

    public sealed class Hidden
    {
        private readonly List<int> _items = [];

        public void Add(int item) => _items.Add(item);

        public int Sum() => _items.Sum();
    }

    public sealed class Filled
    {
        public List<int> Items { get; } = [];
    }

    [Fact]
    public async Task What_JSON_would_lose_silently_is_not_stored()
    {
        await Refused(new Dictionary<string, object> { ["a"] = 1 }, "object");
        await Refused(new List<object?> { "a" }, "object");
        await Refused(new Base[] { new Derived { A = 1, B = 2 } }, "Derived");
        await Refused<Base>(new Derived(), "Derived");
        await Refused(new Lost().Be(5), "can't be set");
        await Refused(new Filled { Items = { 1 } }, "can't be set");
        await Refused(new Hidden(), "no public members");
        await Refused(new List<string> { "half \ud800" }, "surrogate");
        await Refused(new Dictionary<string, int> { ["\udc00"] = 1 }, "surrogate");
        await Refused(new[] { '\ud800' }, "surrogate");
        await Refused(new Stack<int>([1, 2]), "differs");
        // The same members with nothing in them lose nothing.
        Assert.Equal(Reason.None, await Stored(new Lost()));
        Assert.Equal(Reason.None, await Stored(new Filled()));
        Assert.Equal(Reason.None, await Stored(new Base[] { new() }));
    }

    public class Paged : List<string>
    {
        public int Total { get; set; }
    }

    public class Names : List<string>;

    public sealed class Page<T> : List<T>
    {
        public Page(IEnumerable<T> items, int total)
        {
            AddRange(items);
            Total = total;
        }

        public int Total { get; }
    }

    public sealed class Counted
    {
        private int _count;
        public string Id { get; set; } = "";

        public Counted Count()
        {
            _count++;
            return this;
        }

        public int Counts() => _count;
    }

    public sealed class Seeded
    {
        public Seeded(int seed) => X = seed;

        public int X { get; set; }
    }

    public class Shadowed : Base
    {
        public new int A { get; set; }
    }

    public sealed class Captured(int seed)
    {
        public int X { get; set; }

        public int Sum() => X + seed;
    }

    [Fact]
    public async Task State_that_JSON_does_not_see_is_not_lost_but_refused()
    {
        await Refused(new Paged { Total = 7 }, "only the items");
        await Refused(new Page<string>(["a"], 7), "only the items");
        await Refused<List<string>>(new Paged(), "read back as");
        await Refused<IReadOnlyList<string>>(new Paged(), "read back as");
        await Refused(new { Inner = new Paged() }, "only the items");
        await Refused(new Counted { Id = "x" }.Count(), "_count");
        await Refused(new Seeded(1), "can be written and not made again");
        await Refused(new Shadowed(), "<A>");
        await Refused(new Captured(1), "seed");
        await Refused(new ReadOnlyCollection<int>([1]), "can be written and not made again");
    }

    [Fact]
    public async Task Comparers_that_would_be_lost_are_refused()
    {
        const string Because = "The comparer";
        StringComparer any = StringComparer.OrdinalIgnoreCase;
        await Refused(new Dictionary<string, int>(any) { ["A"] = 1 }, Because);
        await Refused<IReadOnlyDictionary<string, int>>(new Dictionary<string, int>(any), Because);
        await Refused(new HashSet<string>(any), Because);
        await Refused(new SortedSet<string>(StringComparer.Ordinal), Because);
        await Refused(new SortedDictionary<int, int>(Comparer<int>.Create((a, b) => b - a)), Because);
        await Refused(new SortedList<string, int>(any), Because);
        await Refused(new ConcurrentDictionary<string, int>(any), Because);
        await Refused(ImmutableDictionary.Create<string, int>(any), Because);
        await Refused(ImmutableHashSet.Create<string>(any), Because);
        await Refused(new List<Dictionary<string, int>> { new(any) }, Because);
        await Refused(new HashSet<int>(EqualityComparer<int>.Create((a, b) => a == b, a => a)), Because);
        await RoundTrips(new Dictionary<string, int>(StringComparer.Ordinal) { ["A"] = 1 });
        await RoundTrips(new Dictionary<int, int> { [1] = 1 });
        await RoundTrips(new HashSet<string> { "A" });
        await RoundTrips(new HashSet<DayOfWeek> { DayOfWeek.Monday });
        await RoundTrips(new SortedSet<string> { "b", "A" });
        await RoundTrips(new SortedDictionary<string, int> { ["b"] = 1 });
        await RoundTrips(ImmutableDictionary<string, int>.Empty.Add("a", 1));
        await RoundTrips(ImmutableSortedSet.Create(2, 1));
        await RoundTrips<IDictionary<string, int>>(new SortedList<string, int> { ["a"] = 1 });
    }

    public sealed class Clocked
    {
        private static long s_asked;

        public DateTime Born { get; set; }

        public long Asked => Interlocked.Increment(ref s_asked);
    }

    public class Person
    {
        private string _name = "";
        private int m_age;
        [JsonIgnore] private int? _hash;

        public string Name
        {
            get => _name;
            set => _name = value;
        }

        public int Age
        {
            get => m_age;
            set => m_age = value;
        }

        public virtual int Rank { get; set; }

        public override int GetHashCode() => _hash ??= _name.GetHashCode(StringComparison.Ordinal);

        public override bool Equals(object? obj) => obj is Person other && other._name == _name;
    }

    public sealed class Manager : Person
    {
        public override int Rank { get; set; }
    }

    [Fact]
    public async Task What_is_computed_is_neither_written_nor_an_obstacle()
    {
        await Stored(new Clocked { Born = DateTime.UnixEpoch }, found => Assert.Equal(DateTime.UnixEpoch, found.Value!.Born));
        Assert.Equal("""{"Born":"1970-01-01T00:00:00Z"}""", Written(new Clocked { Born = DateTime.UnixEpoch }, _ => { }));
        Assert.Equal("""{"First":"a","Last":"b"}""", Written(new Computed("a", "b"), _ => { }));
        await RoundTrips(new Person { Name = "ann", Age = 7, Rank = 1 });
        await RoundTrips(new Manager { Name = "ann", Age = 7, Rank = 1 });
        await RoundTrips(new Names { "a" });
        await RoundTrips(Tuple.Create(1, "a"));
    }

    [Fact]
    public async Task A_type_that_is_not_stored_is_told_of_once_a_minute_with_what_to_do_and_counted_each_time()
    {
        var log = new RecordingLogger<LarderCache>();
        var time = new ManualTimeProvider();
        using var cache = new LarderCache(new() { Weigher = _ => throw new FormatException("no weight") }, time, log);
        for (int minute = 1; minute <= 2; minute++)
        {
            for (int i = 0; i < 3; i++)
            {
                Assert.Equal(Reason.UnstoredUnserializable, await cache.SetAsync("k", new Paged()));
                await cache.GetOrCreateAsync("filled", _ => new ValueTask<Paged>(new Paged()));
                time.Advance(TimeSpan.FromSeconds(19));
            }
            await cache.SetAsync("k", new Seeded(minute));
            await cache.SetAsync("k", new Paged(), new() { ShareInstance = true });
            Assert.Equal(3L * minute, cache.ReasonCounts["unstored-unserializable"]);
            Assert.Equal(2 * minute, log.Lines.Count);
            time.Advance(TimeSpan.FromSeconds(60));
        }
        Assert.All(log.Lines, line => Assert.Single(line.Text.Split("ShareInstance").Skip(1)));
        Assert.Contains(log.Lines, line => line.Text.Contains(typeof(Paged).ToString(), StringComparison.Ordinal));
        using var weighing = new LarderCache(new() { Weigher = _ => throw new FormatException("no weight") }, time, log);
        await weighing.SetAsync("k", new Paged(), new() { ShareInstance = true });
        Assert.Contains("Weigher", log.Lines.Last().Text, StringComparison.Ordinal);
    }

    [JsonDerivedType(typeof(Circle), "circle")]
    public abstract record Shape;

    public sealed record Circle(double Radius) : Shape;

    [Fact]
    public async Task Declared_polymorphism_is_kept() =>
        Assert.Equal(Reason.None, await Stored<List<Shape>>([new Circle(2)], found => Assert.Equal(new Circle(2), Assert.Single(found.Value!))));

    [Fact]
    public void What_another_shape_of_the_type_wrote_is_not_half_read()
    {
        IHybridCacheSerializer<Point> points = new Serializers(null).For<Point>();
        Assert.Equal(new Point(1, 2), Read("""{"X":1,"Y":2}"""));
        Assert.ThrowsAny<JsonException>(() => Read("""{"X":1}"""));
        Assert.ThrowsAny<JsonException>(() => Read("""{"X":1,"Y":2,"Z":3}"""));
        Assert.ThrowsAny<JsonException>(() => Read("""{"x":1,"y":2}"""));
        Assert.ThrowsAny<JsonException>(() => Read("""{"X":1,"X":1,"Y":2}"""));
        Assert.ThrowsAny<JsonException>(() => Read("""{"X":1,"Y":2} {}"""));
        Assert.ThrowsAny<JsonException>(() => Read("""{"X":"1","Y":2}"""));
        Assert.ThrowsAny<JsonException>(() => new Serializers(null).For<Open>().Deserialize(new("""{"Number":1}"""u8.ToArray())));

        Point Read(string json) => points.Deserialize(new(Encoding.UTF8.GetBytes(json)));
    }

    private static string Written<T>(T value, Action<ServiceCollection> register)
    {
        var services = new ServiceCollection();
        register(services);
        using ServiceProvider provider = services.BuildServiceProvider();
        var target = new ArrayBufferWriter<byte>();
        new Serializers(provider).For<T>().Serialize(value, target);
        return Encoding.UTF8.GetString(target.WrittenSpan);
    }

    [Fact]
    public void Keyed_JSON_options_are_used_the_most_particular_first()
    {
        JsonSerializerOptions Naming(JsonNamingPolicy policy) => new() { PropertyNamingPolicy = policy };
        JsonSerializerOptions camel = Naming(JsonNamingPolicy.CamelCase), snake = Naming(JsonNamingPolicy.SnakeCaseUpper), kebab = Naming(JsonNamingPolicy.KebabCaseLower);
        var value = new Computed("a", "b");
        Assert.StartsWith("""{"First":""", Written(value, _ => { }), StringComparison.Ordinal);
        Assert.StartsWith("""{"first":""", Written(value, s => s.AddKeyedSingleton<JsonSerializerOptions>(typeof(IHybridCacheSerializer<>), camel)), StringComparison.Ordinal);
        Assert.StartsWith("""{"FIRST":""", Written(value, s => s.AddKeyedSingleton<JsonSerializerOptions>(typeof(IHybridCacheSerializer<>), camel).AddKeyedSingleton<JsonSerializerOptions>(typeof(LarderCache), snake)), StringComparison.Ordinal);
        Assert.StartsWith("""{"first":""", Written(value, s => s.AddKeyedSingleton<JsonSerializerOptions>(typeof(LarderCache), snake).AddKeyedSingleton<JsonSerializerOptions>(typeof(IHybridCacheSerializer<Computed>), kebab)), StringComparison.Ordinal);
        Assert.StartsWith("""{"First":""", Written(value, s => s.AddKeyedSingleton<JsonSerializerOptions>(typeof(IHybridCacheSerializer<Point>), kebab)), StringComparison.Ordinal);
    }

    [Fact]
    public void Source_generated_contexts_are_honoured()
    {
        var options = new JsonSerializerOptions { TypeInfoResolver = PointJson.Default };
        Assert.Equal("""{"X":1,"Y":2}""", Written(new Point(1, 2), s => s.AddKeyedSingleton<JsonSerializerOptions>(typeof(LarderCache), options)));
        Assert.Throws<NotSupportedException>(() => Written(new Computed("a", "b"), s => s.AddKeyedSingleton<JsonSerializerOptions>(typeof(LarderCache), options)));
    }

    private sealed record Nested(Nested? Inner, int Depth);

    [Fact]
    public void Options_that_allow_a_greater_depth_are_believed_when_reading_too()
    {
        Nested value = new(null, 0);
        for (int i = 0; i < 80; i++) value = new(value, i);
        var options = new JsonSerializerOptions { MaxDepth = 200 };
        using ServiceProvider provider = new ServiceCollection().AddKeyedSingleton<JsonSerializerOptions>(typeof(LarderCache), options).BuildServiceProvider();
        IHybridCacheSerializer<Nested> deep = new Serializers(provider).For<Nested>();
        var target = new ArrayBufferWriter<byte>();
        deep.Serialize(value, target);
        Assert.Equal(value, deep.Deserialize(new(target.WrittenMemory)));
        Assert.ThrowsAny<Exception>(() => new Serializers(null).For<Nested>().Serialize(value, target));
    }

    private sealed class Marking(string mark) : IHybridCacheSerializerFactory
    {
        public bool TryCreateSerializer<T>([NotNullWhen(true)] out IHybridCacheSerializer<T>? serializer)
        {
            serializer = new Marker<T>(mark);
            return true;
        }
    }

    private sealed class Marker<T>(string mark) : IHybridCacheSerializer<T>
    {
        public T Deserialize(ReadOnlySequence<byte> source) => throw new NotSupportedException();

        public void Serialize(T value, IBufferWriter<byte> target) => target.Write(Encoding.UTF8.GetBytes(mark));
    }

    [Fact]
    public void The_factory_registered_last_is_asked_first_as_HybridCache_does()
    {
        Assert.Equal("last", Written(1, s => s.AddSingleton<IHybridCacheSerializerFactory>(new Marking("first")).AddSingleton<IHybridCacheSerializerFactory>(new Marking("last"))));
        Assert.Equal("own", Written(1, s => s.AddSingleton<IHybridCacheSerializerFactory>(new Marking("first")).AddSingleton<IHybridCacheSerializer<int>>(new Marker<int>("own"))));
    }

    [Fact]
    public void Bytes_and_texts_are_written_as_they_are()
    {
        var serializers = new Serializers(null);
        var target = new ArrayBufferWriter<byte>();
        serializers.For<string>().Serialize("ä\"", target);
        Assert.Equal("ä\"", Encoding.UTF8.GetString(target.WrittenSpan));
        Assert.Equal("ä\"", serializers.For<string>().Deserialize(new(target.WrittenMemory)));
        Assert.ThrowsAny<ArgumentException>(() => serializers.For<string>().Serialize("\ud800", target));
        Assert.ThrowsAny<ArgumentException>(() => serializers.For<string>().Deserialize(new(new byte[] { 0xFF })));
        foreach ((string text, bool can) in new[] { ("", true), ("a😀b", true), ("\ud83d", false), ("a\ud83d!", false), ("\ude00\ud83d", false), ("😀\ude00", false) })
            Assert.Equal(can, TextSerializer.CanKeep(text));
    }

    [Fact]
    public void Without_reflection_the_frameworks_types_still_have_a_form()
    {
        foreach (Type type in new[] { typeof(int), typeof(decimal), typeof(DateTime), typeof(Guid), typeof(Uri), typeof(Version), typeof(Int128), typeof(Half) })
            Assert.NotNull(BuiltInJson.Default.GetTypeInfo(type));
    }
}
