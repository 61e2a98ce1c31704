using Larder.Redis;
using static Larder.Tests.RedisClient.Replies;

namespace Larder.Tests.RedisClient;

public sealed class SentinelAnswerTests
{
    private static readonly RedisEndpoint Old = new("old", 1), New = new("new", 2);

    [Fact]
    [Trait("clause", "R-32")]
    public void A_master_is_an_address_with_the_epoch_of_its_configuration()
    {
        Assert.Equal(new SentinelAnswer(new("10.0.0.1", 6379), 7), SentinelAnswer.Of(Answer(Map("name", "m", "ip", "10.0.0.1", "port", "6379", "config-epoch", "7"))));
        // As RESP2 says it.
        Assert.Equal(new SentinelAnswer(new("::1", 1), 0), SentinelAnswer.Of(Answer(List(Text("ip"), Text("::1"), Text("port"), Text("1"), Text("config-epoch"), Text("0")))));
    }

    [Fact]
    [Trait("clause", "R-32")]
    public void What_is_no_address_is_no_master()
    {
        string[][] lies =
        [
            ["ip", "h", "port", "1"], ["ip", "h", "config-epoch", "1"], ["port", "1", "config-epoch", "1"], ["ip", "h", "port", "0", "config-epoch", "1"], ["ip", "h", "port", "65536", "config-epoch", "1"],
            ["ip", "/run/redis.sock", "port", "0", "config-epoch", "1"], ["ip", "a b", "port", "1", "config-epoch", "1"], ["ip", "h", "port", "1", "config-epoch", "-1"],
            ["ip", "h", "port", "1", "config-epoch", "99999999999999999999"], ["ip"], [],
        ];
        Assert.All(lies, lie => Assert.Null(SentinelAnswer.Of(Answer(Map(lie)))));
        Assert.Null(SentinelAnswer.Of(Answer(RespValue.Null)));
        Assert.Null(SentinelAnswer.Of(Answer(Error("ERR No such master with that name"))));
        Assert.Null(SentinelAnswer.Of(new(RedisOutcome.TimedOut)));
        Assert.NotNull(SentinelAnswer.Of(Answer(Map("ip", "h", "port", "1", "config-epoch", "1"))));
    }

    [Fact]
    public void Others_that_make_no_sense_are_left_out_and_there_is_an_end_to_them()
    {
        RespValue good = Map("ip", "s", "port", "2", "runid", "r");
        Assert.Equal([(new("s", 2), "r")], SentinelAnswer.Others(Answer(List(Text("x"), good, Map("ip", "s"), RespValue.Null))));
        Assert.Equal(32, SentinelAnswer.Others(Answer(List([.. Enumerable.Repeat(good, 1000)]))).Count());
        Assert.Empty(SentinelAnswer.Others(Answer(Error("NOPERM"))));
    }

    [Fact]
    [Trait("clause", "R-32")]
    public void The_newest_configuration_holds_and_a_few_who_have_not_heard_of_it_do_not_bring_an_older_one_back()
    {
        SentinelAnswer old = new(Old, 4), @new = new(New, 5);
        Assert.Null(SentinelAnswer.Choose([], 3, null));
        Assert.Equal(old, SentinelAnswer.Choose([], 3, old));
        Assert.Equal(old, SentinelAnswer.Choose([old], 3, null));
        Assert.Equal(@new, SentinelAnswer.Choose([old, @new, old], 3, old));
        Assert.Equal(@new, SentinelAnswer.Choose([old], 3, @new));
        Assert.Equal(@new, SentinelAnswer.Choose([old, old], 4, @new));
        // Their memory was reset.
        Assert.Equal(old, SentinelAnswer.Choose([old, old], 3, @new));
        Assert.Equal(old, SentinelAnswer.Choose([old], 1, @new));
    }

    [Fact]
    public void A_master_that_some_call_by_another_name_is_kept()
    {
        SentinelAnswer byAddress = new(new("10.0.0.1", 1), 5), byName = new(new("redis-1", 1), 5);
        Assert.Equal(byName, SentinelAnswer.Choose([byAddress, byName], 3, byName));
        Assert.Equal(byAddress, SentinelAnswer.Choose([byAddress, byName], 3, byAddress));
        // One number more, and still the same server.
        Assert.Equal(byName with { Epoch = 6 }, SentinelAnswer.Choose([byAddress with { Epoch = 6 }, byName with { Epoch = 6 }], 3, byName));
    }
}
