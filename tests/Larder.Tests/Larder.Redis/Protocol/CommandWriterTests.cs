using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Larder.Redis;

namespace Larder.Tests.RedisClient;

public sealed class CommandWriterTests
{
    private static string Written(params ReadOnlySpan<RedisArgument> command)
    {
        var output = new ArrayBufferWriter<byte>();
        CommandWriter.Write(output, command);
        Assert.Equal(CommandWriter.Measure(command), output.WrittenCount);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    [Fact]
    public void Words_are_written_as_strings_of_their_length()
    {
        Assert.Equal("*1\r\n$4\r\nPING\r\n", Written("PING"));
        Assert.Equal("*5\r\n$3\r\nSET\r\n$6\r\nké€\r\n$2\r\n\r\n\r\n$2\r\nPX\r\n$20\r\n-9223372036854775808\r\n",
            Written("SET", "ké€", "\r\n"u8.ToArray(), "PX", long.MinValue));
        Assert.Equal("*2\r\n$3\r\nGET\r\n$11\r\nlarder:e:é\r\n", Written("GET", RedisArgument.Joined("larder:e:"u8.ToArray(), "é")));
        Assert.Equal("*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", Written("ECHO", ""));
    }

    [Fact]
    public void What_no_command_is_and_text_that_is_no_Unicode_is_refused()
    {
        Assert.Throws<ArgumentException>(() => CommandWriter.Measure([]));
        Assert.Throws<ArgumentException>(() => CommandWriter.Measure(new RedisArgument[(1 << 16) + 1]));
        Assert.ThrowsAny<ArgumentException>(() => CommandWriter.Measure(["GET", "a\ud800"]));
    }

    [Fact]
    public void Any_command_reads_back_as_an_array_of_its_words() =>
        Prop.ForAll(Arb.From(ArbMap.Default.GeneratorFor<byte[]>().ListOf().Where(words => words.Count > 0)), words =>
        {
            var output = new ArrayBufferWriter<byte>();
            RedisArgument[] command = [.. words.Select(word => (RedisArgument)word)];
            CommandWriter.Write(output, command);
            RespValue read = Assert.Single(RespText.Read(output.WrittenSpan));
            return CommandWriter.Measure(command) == output.WrittenCount && words.Zip(read.Items.ToArray()).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second.Bytes));
        }).Check(Config.QuickThrowOnFailure);
}
