using System.Text;
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
        [Cached(Shared = true)] int FineToo();
        [Cached] int Fine(int id, IReadOnlyList<string?> names, Dictionary<string, int[]> map, DayOfWeek? day, CancellationToken token);
    }

    private sealed class Tree : List<int>;

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
    [InlineData("Endless", "may hold others of its kind without end")]
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

    [Fact]
    public void Values_in_tags_are_harmless_and_different_ones_stay_different()
    {
        string[] values = ["a", "a:b", "a%3Ab", "a%b", "=a", "", "%empty", "%null", "\u0001", "%01", new string(':', 100), new string(':', 101), new string('x', 80), new string('x', 81), "\ud800", "\ud801"];
        string[] tags = [.. values.Append(null).Select(MethodTemplate.Harmless)];
        Assert.Equal(tags.Length, tags.Distinct().Count());
        Assert.All(tags, t => Assert.True(TagRules.Problem(t) is null && !t.Contains(':') && t.Length <= 80, t));
        Assert.Equal(MethodTemplate.Harmless(new string(':', 101)), MethodTemplate.Harmless(new string(':', 101)));
    }
}
