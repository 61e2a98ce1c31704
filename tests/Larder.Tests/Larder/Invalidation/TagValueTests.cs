namespace Larder.Tests.Invalidations;

public sealed class TagValueTests
{
    [Fact]
    public void Values_in_tags_are_harmless_and_different_ones_stay_different()
    {
        string?[] values =
        [
            "a", "a:b", "a%3Ab", "a%b", "=a", null, "", "%empty", "%null", "\u0001", "%01", "\u0085", "\u007f", "%85", new string(':', 26), new string(':', 27),
            new string(':', 100), new string(':', 101), new string('x', 80), new string('x', 81), "\ud800", "\ud801",
        ];
        string[] tags = [.. values.Select(TagValue.Write)];
        Assert.Equal(tags.Length, tags.Distinct().Count());
        Assert.All(tags, t => Assert.True(TagRules.Problem(t) is null && !t.Contains(':') && t.Length <= TagValue.MaxLength, t));
        Assert.Equal(TagValue.Write(new string(':', 101)), TagValue.Write(new string(':', 101)));
    }
}
