using FsCheck;
using FsCheck.Fluent;
using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;
using static Larder.Tests.Http.Rfc9111.Messages;

namespace Larder.Tests.Http.Rfc9111;

public class ConditionalsTests
{
    private static bool Matches(StringValues ifNoneMatch, string? etag) =>
        Conditionals.IsNotModified(ifNoneMatch, StringValues.Empty, etag, null, null, Now);

    private static bool Since(StringValues ifModifiedSince, int? modified, int? date) => Conditionals.IsNotModified(
        StringValues.Empty, ifModifiedSince, "\"a\"",
        modified is { } m ? Now.AddSeconds(m) : null, date is { } d ? Now.AddSeconds(d) : null, Now);

    [Theory]
    [InlineData("\"abcdef\"", "\"abcdef\"", true)]
    [InlineData("W/\"abcdef\"", "W/\"abcdef\"", true)]
    [InlineData("W/\"abcdef\"", "\"abcdef\"", true)]
    [InlineData("\"abcdef\"", "W/\"abcdef\"", true)]
    [InlineData("\"abcdef\", \"1234\", \"5678\"", "\"abcdef\"", true)]
    [InlineData("\"1234\", \"abcdef\", \"5678\"", "\"abcdef\"", true)]
    [InlineData("\"1234\",\"5678\",W/\"abcdef\"", "\"abcdef\"", true)]
    [InlineData("\"a,b\", \"c\"", "\"c\"", true)]
    [InlineData("\"a,b\", \"c\"", "\"a,b\"", true)]
    [InlineData("\"a,b\"", "b", false)]
    [InlineData("\"abcdef\u00fc\"", "\"abcdef\u00fc\"", true)]
    [InlineData("\"a\\\", \"b\"", "\"b\"", true)]
    [InlineData("*", "\"x\"", true)]
    [InlineData(" * ", null, true)]
    [InlineData("\"*\"", "\"x\"", false)]
    [InlineData("\"x\", *", "\"y\"", false)]
    [InlineData("\"ABCDEF\"", "\"abcdef\"", false)]
    [InlineData("\"abcdef\"", null, false)]
    [InlineData("", "\"abcdef\"", false)]
    [InlineData("abcdef", "\"abcdef\"", false)]
    [InlineData("\"abcdef\"", "abcdef", false)]
    [InlineData("abcdef", "abcdef", true)]
    [InlineData("w/\"abcdef\"", "w/\"abcdef\"", true)]
    [InlineData("W\\\"abcdef\"", "W\\\"abcdef\"", true)]
    [InlineData("W\"abcdef\"", "W\"abcdef\"", true)]
    public void If_none_match(string field, string? etag, bool notModified) => Assert.Equal(notModified, Matches(field, etag));

    [Fact]
    public void If_none_match_may_span_lines() => Assert.True(Matches(new StringValues(["\"a\"", "\"b\""]), "\"b\""));

    [Fact]
    public void If_none_match_goes_before_if_modified_since()
    {
        DateTimeOffset modified = Now.AddSeconds(-5000);
        Assert.True(Conditionals.IsNotModified("\"a\"", Date(-9000), "\"a\"", modified, Now, Now));
        Assert.False(Conditionals.IsNotModified("\"b\"", Date(-1), "\"a\"", modified, Now, Now));
    }

    [Fact]
    public void If_modified_since()
    {
        Assert.True(Since(Date(-3000), -3000, 0));
        Assert.True(Since(Date(-2000), -3000, 0));
        Assert.False(Since(Date(-3001), -3000, 0));
        Assert.True(Since(Date(0), null, 0));
        Assert.False(Since(Date(-3000), null, 0));
        Assert.False(Since(Date(0), null, null));
        Assert.True(Since("Sunday, 01-Mar-26 12:00:00 GMT", -3000, 0));
        Assert.False(Since("0", -3000, 0));
        Assert.False(Since(new StringValues([Date(0), Date(0)]), -3000, 0));
        Assert.False(Since(StringValues.Empty, -3000, 0));
    }

    [Fact]
    public void Preconditions_of_writes_are_for_the_origin()
    {
        Assert.True(Conditionals.IsForOrigin("*", StringValues.Empty));
        Assert.True(Conditionals.IsForOrigin(StringValues.Empty, Date(0)));
        Assert.False(Conditionals.IsForOrigin(StringValues.Empty, StringValues.Empty));
    }

    [Theory]
    [InlineData("\"a\"", "\"a\"", true)]
    [InlineData("W/\"a\"", "W/\"a\"", false)]
    [InlineData("a", "a", false)]
    [InlineData("\"", "\"", false)]
    [InlineData("\"a\"b\"", "\"a\"b\"", false)]
    [InlineData("\"\"", "\"\"", true)]
    public void Strong_comparison(string a, string b, bool equal) => Assert.Equal(equal, EntityTag.StrongEquals(a, b));

    [Fact]
    public void Never_throws()
    {
        static void Try(string text) => Conditionals.IsNotModified(text, text, text, Now, Now, Now);
        Prop.ForAll<string>(Try).QuickCheckThrowOnFailure();
        Prop.ForAll(Messages.Hostile, Try).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_well_formed_tag_is_found_wherever_it_stands() => Prop.ForAll(
        Gen.Elements("\"a\"", "W/\"b,c\"", "\"\"", "\"d\\\"", "\"e f\"").NonEmptyListOf().ToArbitrary(),
        tags => tags.All(tag => Matches(string.Join(" ,", tags), tag))).QuickCheckThrowOnFailure();
}
