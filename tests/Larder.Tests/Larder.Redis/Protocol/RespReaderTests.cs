using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Larder.Redis;

namespace Larder.Tests.RedisClient;

public sealed class RespReaderTests
{
    private static string Shape(RespValue value) => value.Kind switch
    {
        RespKind.Text => $"'{value.Text}'",
        RespKind.Bytes => $"\"{value.Text}\"",
        RespKind.Integer => value.Text!,
        RespKind.Boolean => value.Boolean ? "true" : "false",
        RespKind.Null => "null",
        RespKind.Error => $"{value.Error!.Code}!{value.Error.Text}",
        RespKind.Map => "{" + Items(value) + "}",
        RespKind.Push => ">" + Items(value) + "<",
        _ => "[" + Items(value) + "]",
    };

    private static string Items(RespValue value) => string.Join(' ', value.Items.ToArray().Select(Shape));

    [Theory]
    [InlineData("+OK\r\n", "'OK'")]
    [InlineData("+\r\n", "''")]
    [InlineData("$5\r\nhello\r\n", "\"hello\"")]
    [InlineData("$0\r\n\r\n", "\"\"")]
    [InlineData("$4\r\n\r\n\r\n\r\n", "\"\r\n\r\n\"")]
    [InlineData("$-1\r\n", "null")]
    [InlineData("*-1\r\n", "null")]
    [InlineData("_\r\n", "null")]
    [InlineData(":-9223372036854775808\r\n", "-9223372036854775808")]
    [InlineData(":+7\r\n", "7")]
    [InlineData("#t\r\n", "true")]
    [InlineData("#f\r\n", "false")]
    [InlineData(",-1.5e3\r\n", "'-1.5e3'")]
    [InlineData(",inf\r\n", "'inf'")]
    [InlineData("(3492890328409238509324850943850943825024385\r\n", "'3492890328409238509324850943850943825024385'")]
    [InlineData("-MOVED 3999 127.0.0.1:6381\r\n", "MOVED!MOVED 3999 127.0.0.1:6381")]
    [InlineData("-\r\n", "ERR!")]
    [InlineData("-Nothing to see\r\n", "ERR!Nothing to see")]
    [InlineData("-FUNNY\u0007\u001b[31m\r\n", "ERR!FUNNY  [31m")]
    [InlineData("!21\r\nSYNTAX invalid syntax\r\n", "SYNTAX!SYNTAX invalid syntax")]
    [InlineData("=8\r\ntxt:some\r\n", "\"some\"")]
    [InlineData("*0\r\n", "[]")]
    [InlineData("*3\r\n:1\r\n$1\r\na\r\n*1\r\n_\r\n", "[1 \"a\" [null]]")]
    [InlineData("~2\r\n:1\r\n:2\r\n", "[1 2]")]
    [InlineData("%1\r\n+first\r\n:1\r\n", "{'first' 1}")]
    [InlineData("%0\r\n", "{}")]
    [InlineData(">2\r\n+message\r\n:1\r\n", ">'message' 1<")]
    [InlineData("|1\r\n+ttl\r\n:3600\r\n$1\r\na\r\n", "\"a\"")]
    [InlineData("|0\r\n*2\r\n|1\r\n+k\r\n*1\r\n:9\r\n:1\r\n:2\r\n", "[1 2]")]
    public void Each_type_is_read_whole_and_byte_by_byte(string text, string shape)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Assert.Equal([shape], RespText.Read(bytes).Select(Shape));
        Assert.Equal([shape, shape], RespText.Read([.. bytes, .. bytes], null, 1).Select(Shape));
        Assert.Empty(RespText.Read(bytes.AsSpan(..^1)));
    }

    [Theory]
    [InlineData("hello\r\n")]
    [InlineData("\r\n")]
    [InlineData("+OK\n")]
    [InlineData(":\r\n")]
    [InlineData(":1x\r\n")]
    [InlineData(":9223372036854775808\r\n")]
    [InlineData("$-2\r\n")]
    [InlineData("=-1\r\n")]
    [InlineData("*-2\r\n")]
    [InlineData("~-1\r\n")]
    [InlineData("%-1\r\n")]
    [InlineData("$1\r\nab\r\n")]
    [InlineData("$1\r\na\rx")]
    [InlineData("=3\r\ntxt\r\n")]
    [InlineData("=4\r\ntxtx\r\n")]
    [InlineData("#x\r\n")]
    [InlineData("_x\r\n")]
    [InlineData(",\r\n")]
    [InlineData("(\r\n")]
    [InlineData("$?\r\n")]
    [InlineData("*?\r\n")]
    [InlineData("%?\r\n")]
    [InlineData(".\r\n")]
    [InlineData("*1\r\n>1\r\n:1\r\n")]
    [InlineData("HTTP/1.1 400 Bad Request\r\n")]
    public void What_is_malformed_is_refused(string text)
    {
        Assert.Throws<RespException>(() => RespText.Read(Encoding.UTF8.GetBytes(text)));
        Assert.Throws<RespException>(() => RespText.Read(Encoding.UTF8.GetBytes(text), null, 1));
    }

    [Fact]
    public void Any_tree_cut_anywhere_parses_to_itself() =>
        Prop.ForAll(Arb.From(RespText.Value().ListOf().SelectMany(_ => Gen.Choose(1, 40).ListOf(), (values, pieces) => (values, pieces))), c =>
        {
            byte[] bytes = [.. c.values.SelectMany(RespText.Encode)];
            List<RespValue> whole = RespText.Read(bytes), cut = RespText.Read(bytes, null, [.. c.pieces]);
            return whole.Count == c.values.Count && cut.Count == c.values.Count
                && c.values.Zip(whole).All(pair => RespText.Same(pair.First, pair.Second)) && c.values.Zip(cut).All(pair => RespText.Same(pair.First, pair.Second));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Theory]
    [InlineData(1, 4096)]
    [InlineData(BulkReader.Step, 65536)]
    [InlineData(BulkReader.Step + 1, 65536)]
    [InlineData(3 * BulkReader.Step, 100_000)]
    [InlineData(5 * BulkReader.Step + 17, 7 * BulkReader.Step)]
    public void Strings_of_any_length_arrive_whole(int length, int piece)
    {
        byte[] content = new byte[length];
        new Random(length).NextBytes(content);
        RespValue value = Assert.Single(RespText.Read(RespText.Encode(RespValue.OfBytes(content)), null, piece));
        Assert.True(content.AsSpan().SequenceEqual(value.Bytes));
    }

    [Fact]
    public void Limits_hold_at_their_exact_values()
    {
        var limits = new RespLimits { Bytes = 10, Elements = 4, Depth = 2, Line = 16 };
        foreach (string good in new[] { "$10\r\n0123456789\r\n", "*3\r\n:1\r\n:1\r\n:1\r\n", "*1\r\n*1\r\n:1\r\n", "+0123456789012\r\n", "*2\r\n$5\r\n01234\r\n$5\r\n01234\r\n" })
            Assert.Single(RespText.Read(Encoding.UTF8.GetBytes(good), limits));
        foreach (string bad in new[]
        {
            "$11\r\n", "$2147483647\r\n", "*2\r\n$5\r\n01234\r\n$6\r\n", "*5\r\n", "*2147483647\r\n", "*2\r\n:1\r\n*2\r\n:1\r\n:1\r\n", "%2\r\n:1\r\n:1\r\n:1\r\n:1\r\n",
            "|0\r\n|0\r\n|0\r\n|0\r\n:1\r\n", "*1\r\n*1\r\n*1\r\n:1\r\n", "+01234567890123\r\n", "+0123456789012345678901234567890",
        })
            Assert.Throws<RespException>(() => RespText.Read(Encoding.UTF8.GetBytes(bad), limits));
    }

    [Fact]
    public void A_limit_is_one_reply_s_not_the_connection_s()
    {
        byte[] reply = "*2\r\n$5\r\n01234\r\n:1\r\n"u8.ToArray();
        Assert.Equal(100, RespText.Read([.. Enumerable.Repeat(reply, 100).SelectMany(bytes => bytes)], new() { Bytes = 5, Elements = 3 }).Count);
    }

    [Theory]
    [InlineData("$134217728\r\n", BulkReader.Step * 2)]
    [InlineData("*262144\r\n", 100_000)]
    [InlineData("*200000\r\n*200000\r\n*200000\r\n*200000\r\n*200000\r\n*200000\r\n", 100_000)]
    public void A_length_that_is_only_claimed_costs_little(string claim, long most)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(claim);
        RespText.Read(bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        RespText.Read(bytes);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, most);
    }

    [Fact]
    public void An_answer_costs_its_bytes_and_nothing_more()
    {
        byte[] reply = RespText.Encode(RespValue.OfBytes(new byte[1024]));
        var reader = new RespReader(new());
        Read(100);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Read(1000);
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 1000, 1024, 1024 + 32);

        void Read(int times)
        {
            for (int i = 0; i < times; i++)
            {
                ReadOnlySpan<byte> input = reply;
                Assert.True(reader.TryRead(ref input, out _));
            }
        }
    }

    [Theory]
    [InlineData("MOVED", "MOVED")]
    [InlineData("SECRET", "ERR")]
    public void Only_a_known_code_is_shown(string code, string shown)
    {
        RedisError error = RedisError.Parse(Encoding.UTF8.GetBytes(code + " and more"));
        Assert.True(error.Is(code));
        Assert.Equal(shown, error.ToString());
        Assert.Equal(shown, new RedisReply(RedisOutcome.Answered, RespValue.OfError(error)).ToString());
    }
}
