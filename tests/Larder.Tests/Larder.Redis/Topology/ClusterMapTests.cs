using FsCheck;
using FsCheck.Fluent;
using Larder.Redis;
using static Larder.Tests.RedisClient.Replies;

namespace Larder.Tests.RedisClient;

public sealed class ClusterMapTests
{
    private static readonly RedisEndpoint Asked = new("10.0.0.9", 7000);

    private static ClusterMap? Read(params RespValue[] ranges) => ClusterMap.Of(Answer(List(ranges)), Asked);

    [Fact]
    [Trait("clause", "R-33")]
    public void Ranges_become_a_map()
    {
        ClusterMap map = Read(Range(0, 99, "a", 1), Range(200, 16383, "b", 2), Range(100, 100, "a", 1), List(Number(101), Number(101), List(RespValue.Null, Number(7001))), List(Number(102), Number(102), List(Text("?"), Number(1))))!;
        Assert.Equal([new("a", 1), new("b", 2), new("10.0.0.9", 7001)], map.Nodes);
        Assert.Equal(new("a", 1), map.EndpointOf(0));
        Assert.Equal(new("a", 1), map.EndpointOf(100));
        Assert.Equal(new("10.0.0.9", 7001), map.EndpointOf(101));
        // The master of this one has no name yet, and nobody serves the next.
        Assert.Equal((-1, -1), (map.OwnerOf(102), map.OwnerOf(103)));
        Assert.Null(map.EndpointOf(103));
        Assert.Equal(102 + 16184, map.Served);
    }

    public static TheoryData<string> Lies => ["nothing", "text", "shape", "numbers", "behind", "outside", "negative", "overlap", "no node", "port", "host", "path", "many ranges", "many nodes", "only unknown", "error"];

    [Theory]
    [MemberData(nameof(Lies))]
    [Trait("clause", "R-33")]
    public void Half_a_map_is_none(string lie)
    {
        RespValue good = Range(0, 99, "a", 1);
        RespValue[] ranges = lie switch
        {
            "nothing" => [],
            "text" => [good, Text("x")],
            "shape" => [good, List(Number(100))],
            "numbers" => [good, List(Text("x"), Number(1), List(Text("a"), Number(1)))],
            "behind" => [good, Range(200, 100, "a", 1)],
            "outside" => [good, Range(100, 16384, "a", 1)],
            "negative" => [good, Range(-5, 16000, "a", 1)],
            "overlap" => [good, Range(99, 100, "b", 1)],
            "no node" => [good, List(Number(100), Number(101), Text("a"))],
            "port" => [good, Range(100, 101, "a", 65536)],
            "host" => [good, Range(100, 101, "a b", 1)],
            "path" => [good, Range(100, 101, "/run/redis.sock", 0)],
            "many ranges" => [.. Enumerable.Repeat(good, HashSlot.Count + 1)],
            "many nodes" => [.. Enumerable.Range(0, ClusterMap.MostNodes + 1).Select(i => Range(i, i, "a", i + 1))],
            "only unknown" => [Range(0, 99, "?", 1)],
            _ => [],
        };
        Assert.Null(lie == "error" ? ClusterMap.Of(Answer(Error("NOPERM no")), Asked) : Read(ranges));
        // The control: it is the lie that makes the difference.
        Assert.NotNull(Read(good));
        Assert.NotNull(Read([.. Enumerable.Range(0, ClusterMap.MostNodes).Select(i => Range(i, i, "a", i + 1))]));
    }

    [Fact]
    public void A_slot_that_moved_has_another_master_and_the_rest_stays()
    {
        ClusterMap map = Read(Range(0, 99, "a", 1), Range(100, 199, "b", 2))!;
        Assert.Same(map, map.With(5, new("a", 1), 10));
        ClusterMap known = map.With(5, new("b", 2), 2), other = map.With(5, new("c", 3), 3);
        Assert.Equal((new("b", 2), new("a", 1)), (known.EndpointOf(5), known.EndpointOf(6)));
        Assert.Equal((new("c", 3), 3), (other.EndpointOf(5), other.Nodes.Count));
        Assert.Equal(new("a", 1), map.EndpointOf(5));
        // A server that names ever new ones is not believed for ever.
        Assert.Same(map, map.With(5, new("c", 3), 2));
        Assert.Equal(new("c", 3), map.With(16383, new("c", 3), 3).EndpointOf(16383));
    }

    [Fact]
    [Trait("clause", "R-36")]
    public void Maps_are_alike_where_each_hash_slot_has_the_same_master_whatever_order_they_are_told_in()
    {
        ClusterMap map = Read(Range(0, 99, "a", 1), Range(100, 199, "b", 2))!;
        Assert.True(map.IsLike(map));
        Assert.True(map.IsLike(Read(Range(150, 199, "b", 2), Range(0, 99, "a", 1), Range(100, 149, "b", 2))!));
        Assert.True(map.With(5, new("b", 2), 2).With(5, new("a", 1), 2).IsLike(map));
        ClusterMap[] others =
        [
            map.With(5, new("b", 2), 2), map.With(5, new("c", 3), 3), map.With(200, new("c", 3), 3), map.With(200, new("a", 1), 3),
            Read(Range(0, 99, "a", 1))!, Read(Range(0, 99, "b", 2), Range(100, 199, "a", 1))!, Read(Range(0, 99, "a", 2), Range(100, 199, "b", 2))!,
        ];
        Assert.All(others, other => Assert.False(map.IsLike(other) || other.IsLike(map)));
    }

    [Fact]
    public void Whatever_a_server_says_is_a_map_or_none()
    {
        Gen<RespValue> leaf = Gen.OneOf(
            Gen.Choose(-2, 16400).Select(n => Number(n)), Gen.Elements("a", "", "?", "/x", "::1", "10.0.0.1", "12").Select(Text), Gen.Constant(RespValue.Null), Gen.Constant(RespValue.OfBoolean(true)));
        Gen<RespValue> tree = leaf;
        for (int depth = 0; depth < 3; depth++)
        {
            Gen<RespValue> inner = tree;
            tree = Gen.Frequency((1, leaf), (4, inner.ListOf().Select(items => List([.. items]))));
        }
        Prop.ForAll(Arb.From(tree), value => ClusterMap.Of(Answer(value), Asked) is null or { Served: > 0 }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
        Prop.ForAll(Arb.From(tree), value => SentinelAnswer.Of(Answer(value)) is null && SentinelAnswer.Others(Answer(value)).Count() <= 32).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
    }

    [Theory]
    [InlineData("MOVED 3999 10.0.0.1:6381", false, 3999, "10.0.0.1:6381")]
    [InlineData("ASK 0 host.example:1", true, 0, "host.example:1")]
    [InlineData("MOVED 1 :6381", false, 1, "10.0.0.9:6381")]
    [InlineData("MOVED 1 fe80::1:6381", false, 1, "[fe80::1]:6381")]
    [InlineData("MOVED 16383 a:1 more", false, 16383, "a:1")]
    [InlineData("MOVED 16384 a:1", false, 0, null)]
    [InlineData("MOVED -1 a:1", false, 0, null)]
    [InlineData("MOVED x a:1", false, 0, null)]
    [InlineData("MOVED 1 a", false, 0, null)]
    [InlineData("MOVED 1 a:0", false, 0, null)]
    [InlineData("MOVED 1 a:70000", false, 0, null)]
    [InlineData("MOVED 1 ?:1", false, 0, null)]
    [InlineData("MOVED 1 /run/x:0", false, 0, null)]
    [InlineData("MOVED 1", false, 0, null)]
    [InlineData("MOVED", false, 0, null)]
    [InlineData("TRYAGAIN 1 a:1", false, 0, null)]
    public void Redirections(string error, bool isAsk, int slot, string? node)
    {
        ClusterRedirection? read = ClusterRedirection.Of(Error(error).Error, Asked);
        if (node is null) Assert.Null(read);
        else Assert.Equal((isAsk, slot, node), (read!.Value.IsAsk, read.Value.Slot, read.Value.Node.ToString()));
    }

    [Fact]
    public void The_node_that_has_heard_the_most_is_believed()
    {
        ClusterMap large = Read(Range(0, 99, "a", 1))!, small = Read(Range(0, 9, "a", 1))!;
        Assert.Null(ClusterAnswer.Best([]));
        Assert.Same(small, ClusterAnswer.Best([new(large, 1, true), new(small, 2, false)])!.Value.Map);
        Assert.Same(small, ClusterAnswer.Best([new(large, 2, false), new(small, 2, true)])!.Value.Map);
        Assert.Same(large, ClusterAnswer.Best([new(small, 2, true), new(large, 2, true)])!.Value.Map);
    }
}
