using FsCheck;
using FsCheck.Fluent;
using Larder.AspNetCore.Rfc9111;
using Microsoft.Extensions.Primitives;

namespace Larder.Tests.Http.Rfc9111;

public class VaryTests
{
    [Theory]
    [InlineData("foo|bar", "Foo, Bar")]
    [InlineData("bar|baz|foo", "Foo, Bar", "BAZ, foo")]
    [InlineData("foo", " ,foo ,, ")]
    [InlineData("")]
    [InlineData("", "")]
    public void Names_are_lower_case_sorted_and_distinct(string expected, params string[] lines)
    {
        Assert.True(Vary.TryParse(new StringValues(lines), out string[] names));
        Assert.Equal(expected.Split('|', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal), names);
        Assert.False(Vary.HasStar(new StringValues(lines)));
    }

    [Theory]
    [InlineData("*")]
    [InlineData("*, *")]
    [InlineData("*", "*")]
    [InlineData(", *")]
    [InlineData("", "*")]
    [InlineData("*, Foo")]
    [InlineData("Foo, *")]
    [InlineData("Foo", " * ")]
    public void A_star_anywhere_matches_nothing(params string[] lines)
    {
        Assert.False(Vary.TryParse(new StringValues(lines), out string[] names));
        Assert.Empty(names);
        Assert.True(Vary.HasStar(new StringValues(lines)));
    }

    [Theory]
    [InlineData("foo bar")]
    [InlineData("foo;q=1")]
    [InlineData("\"foo\"")]
    public void What_is_no_field_name_matches_nothing(string line) => Assert.False(Vary.TryParse(line, out _));

    [Theory]
    [InlineData("1, 2", "1, 2")]
    [InlineData("1, 2", "1", "2")]
    [InlineData("1, 2", "1,2")]
    [InlineData("1, 2", " 1 \t,   2 ")]
    [InlineData("1", " 1\t")]
    [InlineData("", "")]
    [InlineData("1,", "1,")]
    [InlineData("\"a , b\", c", "\"a , b\",c")]
    [InlineData("\"a\\\" , b\", c", "\"a\\\" , b\"   ,c")]
    [InlineData("\"a, b", "\"a , b")]
    public void Normalises_white_space_around_commas(string expected, params string[] lines) =>
        Assert.Equal(expected == "1," ? "1, " : expected, Vary.Normalise(new StringValues(lines)));

    [Fact]
    public void Absent_differs_from_empty()
    {
        Assert.Null(Vary.Normalise(StringValues.Empty));
        Assert.Null(Vary.Normalise("Cookie", StringValues.Empty));
        Assert.Null(Vary.Normalise("Accept-Language", StringValues.Empty));
        Assert.Equal("", Vary.Normalise(""));
        Assert.Equal("", Vary.Normalise("Cookie", ""));
    }

    [Fact]
    public void A_value_in_normal_form_is_not_copied()
    {
        string plain = new('x', 3), list = "a, b" + plain;
        Assert.Same(plain, Vary.Normalise(plain));
        Assert.Same(list, Vary.Normalise(list));
    }

    [Fact]
    public void Case_is_dropped_only_where_the_header_allows_it()
    {
        Assert.Equal("de, en", Vary.Normalise("accept-language", " eN ,De"));
        Assert.Equal("br, gzip", Vary.Normalise("Accept-Encoding", "GZIP,br"));
        Assert.Equal("A, b", Vary.Normalise("Foo", "A,b"));
        Assert.Equal("de, en", Vary.Normalise("Accept-Language", "de, en"));
        Assert.Equal("de;q=0.5, en", Vary.Normalise("Accept-Language", "en,de;q=0.5"));
        Assert.Equal("br, gzip", Vary.Normalise("Accept-Encoding", "gzip, BR"));
        Assert.Equal("a=1,2", Vary.Normalise("Cookie", "a=1,2"));
        Assert.Equal("(KHTML,like Gecko)", Vary.Normalise("User-Agent", "(KHTML,like Gecko)"));
    }

    [Fact]
    public void Normalising_is_idempotent_and_never_throws()
    {
        static bool Holds(string text) => Vary.Normalise(text) is { } once && Vary.Normalise(once) == once;
        Prop.ForAll(Messages.Hostile, Holds).QuickCheckThrowOnFailure();
        Prop.ForAll<NonNull<string>>(text => Holds(text.Get)).QuickCheckThrowOnFailure();
        Prop.ForAll<string>(text => { Vary.TryParse(text, out _); Vary.HasStar(text); }).QuickCheckThrowOnFailure();
    }
}
