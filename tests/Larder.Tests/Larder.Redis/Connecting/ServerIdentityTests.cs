using Larder.Redis;

namespace Larder.Tests.RedisClient;

public sealed class ServerIdentityTests
{
    [Fact]
    public void What_a_server_says_is_read_and_what_it_should_not_say_is_not_believed()
    {
        ServerIdentity identity = ServerIdentity.Unknown.With("# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\nredis_mode:standalone\r\nrole:master\r\nmaster_replid:def\r\n");
        Assert.Equal(("abc", new Version(7, 0, 15), "standalone", "master", "def"), (identity.RunId, identity.Version, identity.Mode, identity.Role, identity.ReplicationId));
        Assert.Equal("Redis 7.0.15 (master, RESP2)", identity.ToString());
        ServerIdentity odd = ServerIdentity.Unknown.With($"redis_version:seven\nrun_id:{new string('a', 65)}\nrole:\u001b[31m\nmaster_replid:\nno colon");
        Assert.Equal(ServerIdentity.Unknown, odd);
    }

    [Theory]
    [InlineData("1700000000", "250000", true)]
    [InlineData("-1", "0", false)]
    [InlineData("253402300800", "0", false)]
    [InlineData("1", "1000000", false)]
    [InlineData("now", "0", false)]
    public void Its_time_is_a_time_or_none(string seconds, string micros, bool isTime)
    {
        RespValue time = RespValue.OfItems(RespKind.Array, [RespValue.OfText(seconds), RespValue.OfBytes(System.Text.Encoding.ASCII.GetBytes(micros))]);
        ServerIdentity identity = ServerIdentity.Unknown.With(time, 7);
        Assert.Equal(isTime ? new DateTimeOffset(2023, 11, 14, 22, 13, 20, 250, TimeSpan.Zero) : null, identity.Time);
        Assert.Equal(isTime ? 7 : 0, identity.TimeAsked);
        Assert.Null(ServerIdentity.Unknown.With(RespValue.Null, 7).Time);
    }
}
