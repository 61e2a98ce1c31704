using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;

namespace Larder.Tests.Invalidations;

public sealed class PatternMatcherTests
{
    [Fact]
    public void A_glob_matches_as_its_regular_expression_does()
    {
        Gen<string> Text(string from) => Gen.Elements(from.ToCharArray()).ListOf().Select(chars => new string([.. chars]));
        Arbitrary<(string, string)> cases = Arb.From(Text("ab*?*").SelectMany(_ => Text("ab"), (glob, text) => (glob, text)));
        Prop.ForAll(cases, ((string glob, string text) c) =>
        {
            if (c.glob.Length == 0) return true;
            string regex = "^" + Regex.Escape(c.glob).Replace(@"\*", ".*", StringComparison.Ordinal).Replace(@"\?", ".", StringComparison.Ordinal) + "\\z";
            return PatternMatcher.Glob(c.glob).IsMatch(c.text) == Regex.IsMatch(c.text, regex, RegexOptions.Singleline | RegexOptions.NonBacktracking);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
    }

    [Theory]
    [InlineData("/api/*", "/api/users?id=1", true)]
    [InlineData("/api/*", "/apis", false)]
    [InlineData("[a].+", "[a].+", true)]
    [InlineData("*\n*", "a\nb", true)]
    [InlineData("***", "", true)]
    [InlineData("?", "", false)]
    public void A_glob_knows_only_two_signs(string glob, string text, bool matches) => Assert.Equal(matches, PatternMatcher.Glob(glob).IsMatch(text));

    [Fact]
    public void Patterns_that_are_too_long_malformed_or_need_backtracking_are_refused()
    {
        foreach (Func<string, Invalidation> make in new Func<string, Invalidation>[] { Invalidation.Glob, Invalidation.Regex })
        {
            Assert.Throws<ArgumentException>(() => make(new string('a', 10_000)));
            Assert.Throws<ArgumentException>(() => make(""));
            make(new string('a', PatternMatcher.MaxLength));
        }
        Assert.ThrowsAny<ArgumentException>(() => Invalidation.Regex("(unclosed"));
        Assert.Throws<ArgumentException>(() => Invalidation.Regex("(?=look)ahead"));
        Assert.Throws<ArgumentException>(() => Invalidation.Regex("(?<!look)behind"));
        Assert.Throws<ArgumentException>(() => Invalidation.Regex(@"(a)\1"));
        Assert.Throws<ArgumentException>(() => Invalidation.Regex("((a{1000}){1000}){1000}"));
    }

    [Fact]
    public void Patterns_made_to_take_for_ever_end()
    {
        string text = new('a', 100_000);
        Assert.False(PatternMatcher.Regex("^(a+)+$").IsMatch(text + "!"));
        Assert.False(PatternMatcher.Glob("*a*a*a*b").IsMatch(text));
        Assert.False(PatternMatcher.Glob(string.Concat(Enumerable.Repeat("*a", 400)) + "*b").IsMatch(text));
        Assert.True(PatternMatcher.Regex("^(a+)+$").IsMatch(text));
    }
}
