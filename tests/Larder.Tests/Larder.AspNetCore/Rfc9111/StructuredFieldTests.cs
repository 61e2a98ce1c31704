using FsCheck;
using FsCheck.Fluent;
using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;

namespace Larder.Tests.Http.Rfc9111;

public class StructuredFieldTests
{
    private static List<StructuredItem>? Dictionary(params string[] lines) =>
        StructuredField.TryParseDictionary(new StringValues(lines), out List<StructuredItem> members) ? members : null;

    private static List<StructuredItem>? Values(params string[] lines) =>
        StructuredField.TryParseList(new StringValues(lines), out List<StructuredItem> members) ? members : null;

    [Fact]
    public void Every_type_of_member_is_read()
    {
        List<StructuredItem> members = Dictionary("a=1, b=-2.5, c=\"x\\\"y\", d=tok/en:*, e=:aGk=:, f=?0, g, h=@17, i=%\"%c3%bc\", j=(1 \"two\" three);p", "k=?1;q=1;r")!;
        Assert.Equal(
            [
                ("a", StructuredKind.Integer), ("b", StructuredKind.Decimal), ("c", StructuredKind.String), ("d", StructuredKind.Token), ("e", StructuredKind.Bytes),
                ("f", StructuredKind.Boolean), ("g", StructuredKind.Boolean), ("h", StructuredKind.Date), ("i", StructuredKind.DisplayString), ("j", StructuredKind.InnerList), ("k", StructuredKind.Boolean),
            ],
            members.Select(member => (member.Key, member.Kind)));
        Assert.Equal(1, members[0].Integer);
        Assert.Equal("x\"y", members[2].Text);
        Assert.Equal("tok/en:*", members[3].Text);
        Assert.False(members[5].IsTrue);
        Assert.True(members[6].IsTrue && members[10].IsTrue);
        Assert.Equal(17, members[7].Integer);
        Assert.Equal(["p"], members[9].Parameters!);
        Assert.Equal(["q", "r"], members[10].Parameters!);
    }

    [Fact]
    public void Of_a_key_that_is_there_twice_the_last_one_counts() => Assert.Equal(2, Assert.Single(Dictionary("a=1", "a=2")!).Integer);

    [Fact]
    public void Nothing_is_an_empty_field() => Assert.Empty(Dictionary("  ")!);

    [Fact]
    public void A_list_has_no_keys() =>
        Assert.Equal(["x", "y", "z"], Values("\"x\", y", "\"z\"")!.Select(member => member.Text));

    [Theory]
    [InlineData("a=1, &&&"), InlineData("a=1,"), InlineData(",a"), InlineData("A=1"), InlineData("a =1"), InlineData("a= 1"), InlineData("a=1;B"), InlineData("a=\"x"), InlineData("a=\"\\x\"")]
    [InlineData("a=1.2345"), InlineData("a=1234567890123456"), InlineData("a=1."), InlineData("a=-"), InlineData("a=?2"), InlineData("a=:x"), InlineData("a=(1 2"), InlineData("a=(1\"2\")"), InlineData("a=@1.5"), InlineData("a b"), InlineData("a=\u00fc")]
    public void One_mistake_fails_the_whole_field(string line) => Assert.Null(Dictionary(line));

    [Fact]
    public void There_is_a_limit_to_the_number_of_members()
    {
        Assert.NotNull(Dictionary(string.Join(", ", Enumerable.Range(0, 1024).Select(i => $"a{i}"))));
        Assert.Null(Dictionary(string.Join(", ", Enumerable.Range(0, 1025).Select(i => $"a{i}"))));
    }

    [Fact]
    public void Never_throws()
    {
        static bool Reads(string text) => (Dictionary(text)?.Count ?? 0) + (Values(text)?.Count ?? 0) <= 2048;
        Prop.ForAll<string>(Reads).QuickCheckThrowOnFailure();
        Prop.ForAll(Messages.Hostile, Reads).QuickCheckThrowOnFailure();
    }
}
