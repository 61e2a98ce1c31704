namespace Larder.Tests.Invalidating;

public sealed class TagRulesTests
{
    [Fact]
    public void Exact_tags_differ_where_names_differ_and_have_a_bounded_length()
    {
        string longName = new('x', 10_000);
        Assert.Equal("=a", TagRules.Exact("a"));
        Assert.NotEqual(TagRules.Exact(longName), TagRules.Exact(longName + "x"));
        Assert.InRange(TagRules.Exact(longName).Length, 1, TagRules.MaxLength);
        Assert.Equal(TagRules.MaxLength, TagRules.Exact(new string('x', TagRules.MaxLength - 1)).Length);
    }

    [Fact]
    public void Of_all_characters_the_control_characters_are_refused()
    {
        for (int c = 0; c <= char.MaxValue; c++)
            Assert.Equal(char.IsControl((char)c), TagRules.Problem("a" + (char)c + "b") is not null);
    }

    [Fact]
    public void Exact_tags_do_not_count()
    {
        Assert.False(TagRules.AreTooMany(["a", "=b"], 1));
        Assert.True(TagRules.AreTooMany(["a", "b", "=c"], 1));
        Assert.False(TagRules.AreTooMany([], 0));
    }
}
