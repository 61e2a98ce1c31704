using FsCheck;
using FsCheck.Fluent;
using Larder.Redis;

namespace Larder.Tests.RedisClient;

public sealed class RedisNamesTests
{
    private static readonly RedisNames Names = new("larder:");

    [Theory]
    [InlineData("user:1", "larder:e:user:1")]
    [InlineData("ä", "larder:e:ä")]
    [InlineData("a{log}", "larder:h:")]
    public void A_slot_is_named_by_its_key_or_by_its_hash(string key, string name) => Assert.StartsWith(name, Names.SlotOf(key), StringComparison.Ordinal);

    [Fact]
    public void What_is_no_Unicode_is_named_by_its_hash() => Assert.StartsWith("larder:h:", Names.SlotOf("\ud800"), StringComparison.Ordinal);

    [Fact]
    public void Long_keys_are_named_by_their_hash()
    {
        Assert.Equal("larder:e:" + new string('x', 400), Names.SlotOf(new string('x', 400)));
        Assert.Equal(9 + 64, Names.SlotOf(new string('x', 401)).Length);
        Assert.Equal(9 + 64, Names.SlotOf(new string('ä', 201)).Length);
    }

    [Fact]
    public void Two_keys_have_two_slots_and_none_chooses_its_server()
    {
        Gen<string> keys = Gen.OneOf(
            ArbMap.Default.GeneratorFor<NonNull<string>>().Select(s => s.Get),
            Gen.Elements("{log}", "e:x", "h:x", "x{log}y", "{}", "\ud800", "\udc00", "\ufffd"));
        Prop.ForAll(keys.ToArbitrary(), keys.ToArbitrary(), (one, two) =>
            (one == two) == (Names.SlotOf(one) == Names.SlotOf(two)) && !Names.SlotOf(one).Contains('{') && IsTheSame(one)).QuickCheckThrowOnFailure();

        static bool IsTheSame(string key)
        {
            RedisArgument word = Names.SlotWordOf(key);
            byte[] bytes = new byte[word.Measure()];
            word.Write(bytes);
            return System.Text.Encoding.UTF8.GetString(bytes) == Names.SlotOf(key);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("a{b}")]
    [InlineData("a b")]
    [InlineData("ä:")]
    public void Prefixes_that_would_choose_a_server_or_are_none_are_refused(string prefix) => Assert.Throws<ArgumentException>(() => new RedisNames(prefix));
}
