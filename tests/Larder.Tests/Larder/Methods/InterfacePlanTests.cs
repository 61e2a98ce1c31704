using System.Collections;
using System.Text;
using Microsoft.Extensions.Caching.Hybrid.Internal;
using Microsoft.Extensions.DependencyInjection;

namespace Larder.Tests.Methods;

/// <summary>What can't work is told when the interface is registered, all of it at once.</summary>
public sealed class InterfacePlanTests
{
    private interface IWrong
    {
        [Cached] void Nothing();
        [Cached] Task NothingLater();
        [Cached] Stream Once();
        [Cached] IAsyncEnumerable<int> Streamed();
        [Cached] int ByReference(ref int id);
        [Cached] int Out(out int id);
        [Cached] T Open<T>(T id);
        [Cached] int Unsupported(StringBuilder id);
        [Cached] int Unknown(object id);
        [Cached] int Lazy(IEnumerable<int> ids);
        [Cached] int Keyed(Dictionary<int, int> ids);
        [Cached] int Derived(Tree tree);
        [Cached] int Endless(ITree tree);
        [Cached(Tags = ["a:{name}"])] int Misnamed(int id);
        [Cached(Tags = ["a:{id.Length}"])] int NoProperty(int id);
        [Cached(Tags = ["a:{id"])] int Unclosed(int id);
        [Cached(Tags = [""])] int Empty(int id);
        [Cached(Tags = ["=a"])] int Exact(int id);
        [Cached(Tags = ["{a}{b}{c}{d}"])] int TooLong(string a, string b, string c, string d);
        [Cached(Tags = ["a:{ids}"])] int NoText(int[] ids);
        [Cached(TtlSeconds = -1)] int Negative();
        [Cached(User = "{name}")] int NoUser(int id);
        [Cached(Operation = "same")] int First(int id);
        [Cached(Operation = "same")] int Second(int id);
        [Cached, Invalidates(Tags = ["a"])] int Both();
        [Cached] int TwoTokens(CancellationToken one, CancellationToken two);
        [Invalidates] void Blank();
        [Invalidates(Methods = ["Nobody"])] void NoMethod();
        [Invalidates(Keys = ["k:{x}"])] void NoKey();
        [Invalidates(Tags = ["a"])] IAsyncEnumerable<int> Later();
        [Cached] int Whose(CancellationToken token);
        [Cached(User = "{id}", Shared = true)] int Contradicting(string id);
        [Cached] int CustomMap(IMap map);
        [Cached] Map ResultMap(int id);
        [Cached] Task<IMap> ResultMapLater(int id);
        [Cached] object Anything(int id);
        [Cached(ShareInstance = true)] Map FineShared(int id);
        [Cached] ValueTask<IReadOnlyDictionary<string, int>> FineMap(int id);
        [Cached(Shared = true)] int FineToo();
        [Cached] int Fine(int id, IReadOnlyList<string?> names, Dictionary<string, int[]> map, DayOfWeek? day, CancellationToken token);
    }

    private sealed class Tree : List<int>;

    private interface IMap : IReadOnlyDictionary<string, int>;

    private sealed class Map(IReadOnlyDictionary<string, int> items) : IMap
    {
        public int this[string key] => items[key];

        public IEnumerable<string> Keys => items.Keys;

        public IEnumerable<int> Values => items.Values;

        public int Count => items.Count;

        public bool ContainsKey(string key) => items.ContainsKey(key);

        public bool TryGetValue(string key, out int value) => items.TryGetValue(key, out value);

        public IEnumerator<KeyValuePair<string, int>> GetEnumerator() => items.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    private interface IMaps
    {
        [Cached] Map Get(int id);
    }

    private sealed class Maps : IMaps
    {
        public Map Get(int id) => new(new Dictionary<string, int>());
    }

    [Fact]
    public void A_result_that_cannot_be_kept_is_refused_at_registration_unless_a_serializer_may_know_it()
    {
        var services = new ServiceCollection();
        // What the framework's own cache registers is passed over, here as at run time.
        services.AddHybridCache();
        Assert.Contains("could be kept", Assert.Throws<ArgumentException>(() => services.AddCachedInterface<IMaps, Maps>()).Message, StringComparison.Ordinal);
        services.AddKeyedSingleton<System.Text.Json.JsonSerializerOptions>(typeof(LarderCache), new System.Text.Json.JsonSerializerOptions());
        Assert.Same(services, services.AddCachedInterface<IMaps, Maps>());
    }

    [Fact]
    public void A_function_that_could_never_be_cached_is_refused_when_it_is_made()
    {
        using var cache = new LarderCache();
        string message = Assert.Throws<ArgumentException>(() => cache.Wrap("x", (int id, CancellationToken _) => new ValueTask<Map>(new Map(null!)))).Message;
        Assert.Contains("ShareInstance", message, StringComparison.Ordinal);
        Assert.NotNull(cache.Wrap("x", (int id, CancellationToken _) => new ValueTask<Map>(new Map(null!)), _ => new() { ShareInstance = true }));
        Assert.Throws<ArgumentException>(() => cache.Wrap("y", (Map map, CancellationToken _) => new ValueTask<int>(1)));
        Assert.Throws<ArgumentException>(() => cache.Wrap("y", (int id, IMap map, CancellationToken _) => new ValueTask<int>(1)));
    }

    private interface ITree : IReadOnlyList<ITree>;

    [Theory]
    [InlineData("Nothing", "it has no result that could be cached")]
    [InlineData("NothingLater", "it has no result that could be cached")]
    [InlineData("Once", "a Stream can be read only once and not be cached")]
    [InlineData("Streamed", "can be read only once and not be cached")]
    [InlineData("ByReference", "the parameter 'id' is passed by reference")]
    [InlineData("Out", "the parameter 'id' is passed by reference")]
    [InlineData("Open", "it is generic")]
    [InlineData("Unsupported", "the parameter 'id' can't be part of a key: A value of type System.Text.StringBuilder")]
    [InlineData("Unknown", "the parameter 'id' can't be part of a key: A value of type System.Object")]
    [InlineData("Lazy", "may be read only once; declare it as IReadOnlyList<T>")]
    [InlineData("Keyed", "a dictionary needs strings for keys")]
    [InlineData("Derived", "the parameter 'tree' can't be part of a key: A value of type")]
    [InlineData("Endless", "the parameter 'tree' can't be part of a key: A value of type")]
    [InlineData("CustomMap", "the parameter 'map' can't be part of a key: A value of type")]
    [InlineData("ResultMap", "no result of type Larder.Tests.Methods.InterfacePlanTests+Map could be kept; say ShareInstance = true")]
    [InlineData("ResultMapLater", "or register a serializer before the interface")]
    [InlineData("Anything", "no result of type System.Object could be kept")]
    [InlineData("Misnamed", "'a:{name}' names 'name', which is no parameter")]
    [InlineData("NoProperty", "'a:{id.Length}' names 'Length', which Int32 has not")]
    [InlineData("Unclosed", "'a:{id' has a brace that is not closed")]
    [InlineData("Empty", "the tag '' is not allowed: A tag must not be empty")]
    [InlineData("Exact", "the tag '=a' is not allowed")]
    [InlineData("TooLong", "may come to 320 characters; allowed are 256")]
    [InlineData("NoText", "of whose type Int32[] no text can be made")]
    [InlineData("Negative", "TtlSeconds must lie between 0 and a year")]
    [InlineData("NoUser", "'{name}' names 'name', which is no parameter")]
    [InlineData("Second", "its operation 'same' is that of another method")]
    [InlineData("Both", "it can't be both cached and invalidating")]
    [InlineData("TwoTokens", "it has several cancellation tokens")]
    [InlineData("Whose", "it has no parameters that say whose result it is")]
    [InlineData("Contradicting", "it can't be both shared by all users and a user's")]
    [InlineData("Blank", "it does not say what it invalidates")]
    [InlineData("NoMethod", "'Nobody' is no cached method of the interface")]
    [InlineData("NoKey", "'k:{x}' names 'x', which is no parameter")]
    [InlineData("Later", "has been read to its end is not known")]
    public void A_mistake_is_told(string method, string what)
    {
        string message = Assert.Throws<ArgumentException>(() => InterfacePlan.Of(typeof(IWrong), new(typeof(object)))).Message;
        Assert.Contains(message.Split(Environment.NewLine), line => line.StartsWith($"IWrong.{method}: ", StringComparison.Ordinal) && line.Contains(what, StringComparison.Ordinal));
        Assert.DoesNotContain("Fine", message, StringComparison.Ordinal);
        Assert.DoesNotContain("IWrong.First", message, StringComparison.Ordinal);
    }

    private interface IPlain
    {
        int Plain();
    }

    private sealed class Plain : IPlain
    {
        int IPlain.Plain() => 1;
    }

    [Fact]
    public void An_interface_without_attributes_and_a_class_are_refused()
    {
        Assert.Contains("[Cached]", Assert.Throws<ArgumentException>(() => new ServiceCollection().AddCachedInterface<IPlain, Plain>()).Message, StringComparison.Ordinal);
        Assert.Contains("no interface", Assert.Throws<ArgumentException>(() => new ServiceCollection().AddCachedInterface<Plain, Plain>()).Message, StringComparison.Ordinal);
    }

    public interface IBase
    {
        [Cached] int Get(int id);
    }

    public interface IDerived : IBase
    {
        [Invalidates(Methods = [nameof(Get)])] void Set(int id);
    }

    private sealed class Derived : IDerived
    {
        private int _calls;

        public int Get(int id) => ++_calls;

        public void Set(int id)
        {
        }
    }

    [Fact]
    public void Methods_of_base_interfaces_count()
    {
        var services = new ServiceCollection();
        services.AddLarder();
        services.AddCachedInterface<IDerived, Derived>(lifetime: ServiceLifetime.Singleton);
        using ServiceProvider provider = services.BuildServiceProvider();
        IDerived derived = provider.GetRequiredService<IDerived>();
        Assert.Equal((1, 1), (derived.Get(1), derived.Get(1)));
        derived.Set(1);
        Assert.Equal(2, derived.Get(1));
    }
}
