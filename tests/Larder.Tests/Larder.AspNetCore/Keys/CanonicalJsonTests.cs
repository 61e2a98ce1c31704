using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Larder.AspNetCore;

namespace Larder.Tests.Http.Keys;

public class CanonicalJsonTests
{
    private static string? Of(string json) => CanonicalJson.Of(Encoding.UTF8.GetBytes(json)) is { } form ? Encoding.UTF8.GetString(form) : null;

    [Theory]
    [InlineData("{\"b\":1,\"a\":[true,null,\"x\"]}", " { \"a\" : [ true , null , \"\\u0078\" ] , \"b\" : 1 } ")]
    [InlineData("{\"a\":{\"c\":1,\"b\":2}}", "{\"a\":{\"b\":2,\"c\":1}}")]
    [InlineData("{\"\\u0061\":1}", "{\"a\":1}")]
    public void Ways_to_write_the_same_have_one_form(string one, string other)
    {
        Assert.NotNull(Of(one));
        Assert.Equal(Of(one), Of(other));
    }

    [Theory]
    [InlineData("[1,2]", "[2,1]"), InlineData("1", "1.0"), InlineData("\"1\"", "1"), InlineData("{\"a\":null}", "{}"), InlineData("{\"a\":1}", "{\"A\":1}"), InlineData("[[1],2]", "[1,[2]]")]
    public void What_an_origin_can_tell_apart_has_two(string one, string other) => Assert.NotEqual(Of(one), Of(other));

    [Theory]
    [InlineData(""), InlineData("{"), InlineData("{\"a\":1,\"a\":2}"), InlineData("{\"a\":1,\"\\u0061\":2}"), InlineData("\"\\ud800\""), InlineData("1 2"), InlineData("// x\n1")]
    public void What_is_none_or_says_two_things_has_no_form(string json) => Assert.Null(Of(json));

    [Fact]
    public void Depth_is_bounded() => Assert.Null(Of(new string('[', 65) + new string(']', 65)));

    [Fact]
    public void Never_throws() =>
        Prop.ForAll<byte[]>(static bytes => CanonicalJson.Of(bytes) is null or { Length: > 0 }).QuickCheckThrowOnFailure();
}
