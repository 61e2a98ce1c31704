using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;

namespace Larder.Tests.Invalidations;

public sealed class RegexSizeTests
{
    [Theory]
    [InlineData("", 0)]
    [InlineData("abc", 3)]
    [InlineData("a{3}", 3)]
    [InlineData("ab{3}", 4)]
    [InlineData("((ab){3}c){2}", 14)]
    [InlineData("a{2,5}", 5)]
    [InlineData("a{7,}", 7)]
    [InlineData("a{0}", 1)]
    [InlineData("a{,5}", 5)]
    [InlineData("a{x}", 4)]
    [InlineData("a{3,4,5}", 8)]
    [InlineData("(a|b)*{2}", 8)]
    [InlineData("(a?){3}", 6)]
    [InlineData("a+?b*", 5)]
    [InlineData("[a-z]{4}", 4)]
    [InlineData("[]a{9}]{4}", 4)]
    [InlineData("[^]({9}]{4}", 4)]
    [InlineData(@"[\]({9}]{4}", 4)]
    [InlineData("[a-z-[({9}]]{4}", 4)]
    [InlineData(@"\({4}\p{Lu}{3}\\", 8)]
    [InlineData("(?:ab){3}", 6)]
    [InlineData("(?i)a{3}", 4)]
    [InlineData("a{99999999999}", 1001)]
    [InlineData("(((a|b)?){99}){99}c", 1001)]
    [InlineData("((((a{9}){9}){9}){9}", 1001)]
    [InlineData("a)b{3}", 4)]
    [InlineData(@"a\", 2)]
    [InlineData("[a", 1)]
    public void The_size_is_that_of_the_written_out_expression(string pattern, int size) => Assert.Equal(size, RegexSize.Of(pattern, 1000));

    [Fact]
    [Trait("clause", "I-24")]
    public void No_expression_is_counted_smaller_than_it_is()
    {
        Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
        {
            (string pattern, long size) = Make(new Random(seed), 4);
            _ = new Regex(pattern, RegexOptions.None, TimeSpan.FromSeconds(1));
            return RegexSize.Of(pattern, 1000) >= Math.Min(size, 1001);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

        // An expression, and how many characters or classes it has when it is written out.
        static (string, long) Make(Random random, int depth)
        {
            (string text, long size) = ("", 0);
            for (int parts = random.Next(1, 4); parts > 0; parts--)
            {
                (string part, long partSize) = random.Next(depth > 0 ? 8 : 5) switch
                {
                    0 => ("a", 1),
                    1 => (@"\.", 1),
                    2 => ("[x-z]", 1),
                    3 => (@"\P{Lu}", 1),
                    4 => ("[^-(]", 1),
                    5 => Grouped("(?:", Make(random, depth - 1)),
                    6 => Grouped("(?<n>", Make(random, depth - 1)),
                    _ => Grouped("(b|", Make(random, depth - 1)),
                };
                int least = random.Next(12), most = least + random.Next(12);
                (string count, int times) = random.Next(5) switch
                {
                    0 => ($"{{{least}}}", least),
                    1 => ($"{{{least},{most}}}", most),
                    2 => ($"{{{least},}}?", least),
                    3 => ("+", 1),
                    _ => ("", 1),
                };
                (text, size) = (text + part + count, size + partSize * times);
            }
            return (text, size);

            static (string, long) Grouped(string open, (string Text, long Size) inner) => (open + inner.Text + ")", inner.Size);
        }
    }

    [Fact]
    [Trait("clause", "I-24")]
    public void Expressions_that_grow_by_counting_are_refused_before_they_are_compiled()
    {
        foreach (string hostile in new[] { "(((a|b)?){99}){99}c", "(a{100}){11}", "((((((x?){9}){9}){9}){9}){9}){9}", "(a?){400}a{400}b", "[ab]{1001}" })
            Assert.Contains("written out", Assert.Throws<ArgumentException>(() => Invalidation.Regex(hostile)).Message, StringComparison.Ordinal);
        Invalidation.Regex("(a{100}){10}");
        // A comment or blanks could stand between a part and its count.
        Assert.Throws<ArgumentException>(() => Invalidation.Regex("(?x)(a{30}) {40}"));
        Assert.Throws<ArgumentException>(() => Invalidation.Regex("(?i-x:a)"));
        Assert.Throws<ArgumentException>(() => Invalidation.Regex("(a{30})(?#comment){40}"));
    }
}
