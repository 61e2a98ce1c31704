using System.Text;
using Larder.Redis;

namespace Larder.Tests.RedisClient;

public sealed class HashSlotTests
{
    private static int Of(string name) => HashSlot.Of(Encoding.UTF8.GetBytes(name));

    [Fact]
    [Trait("clause", "R-33")]
    public void It_is_the_checksum_that_the_specification_names()
    {
        // The check value of CRC-16/XMODEM.
        Assert.Equal(0x31C3 % HashSlot.Count, Of("123456789"));
        Assert.Equal(12182, Of("foo"));
        Assert.Equal(0, Of(""));
    }

    [Fact]
    public void What_is_in_the_first_braces_decides_if_there_is_anything()
    {
        Assert.Equal(Of("user1000"), Of("{user1000}.following"));
        Assert.Equal(Of("{bar"), Of("foo{{bar}}zap"));
        Assert.Equal(Of("bar"), Of("foo{bar}{zap}"));
        Assert.NotEqual(Of("bar"), Of("foo{}{bar}"));
        Assert.NotEqual(Of("bar"), Of("foo{bar"));
        Assert.NotEqual(Of("bar"), Of("foo}bar{"));
    }

    [Fact]
    public void A_word_of_a_command_has_the_slot_of_its_bytes_however_it_is_made()
    {
        foreach (string text in new[] { "k", new string('x', 600), "é🙂", "" })
        {
            Assert.Equal(Of("larder:e:" + text), HashSlot.Of(RedisArgument.Joined("larder:e:"u8.ToArray(), text)));
            Assert.Equal(Of(text), HashSlot.Of((RedisArgument)text));
        }
        Assert.Equal(Of("{log}"), HashSlot.Of((RedisArgument)new RedisNames("a:").State));
        Assert.Equal(Of("{log}"), HashSlot.Of((RedisArgument)new RedisNames("b").Keys));
    }
}
