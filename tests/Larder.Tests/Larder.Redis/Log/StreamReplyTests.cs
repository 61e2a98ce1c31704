using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Larder.Redis;

namespace Larder.Tests.RedisClient;

public sealed class StreamReplyTests
{
    private static readonly RedisNames Names = new("larder:");

    private static RespValue Bytes(string text) => RespValue.OfBytes(Encoding.UTF8.GetBytes(text));

    private static RespValue List(params RespValue[] items) => RespValue.OfItems(RespKind.Array, items);

    private static RespValue Entry(string id) => List(Bytes(id), List([.. new[] { "epoch", "00000000000000ab", "groups", "6", "keys", "2", "at", "1000", "node", "0000000000000001", "number", "1", "kind", "all", "soft", "0" }.Select(Bytes)]));

    private static RespValue Reply(bool isMap, params (string Stream, RespValue Entries)[] streams) => isMap
        ? RespValue.OfItems(RespKind.Map, [.. streams.SelectMany(s => new[] { Bytes(s.Stream), s.Entries })])
        : List([.. streams.Select(s => List(Bytes(s.Stream), s.Entries))]);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("clause", "R-5")]
    public void Both_protocols_say_the_same(bool isMap)
    {
        Assert.True(StreamReply.TryRead(Reply(isMap, (Names.Groups, List(Entry("7-0"), Entry("9-0"))), (Names.Keys, List(Entry("8-0")))), Names, out var read));
        Assert.Equal([(RemoteStream.Groups, 2), (RemoteStream.Keys, 1)], read.Select(part => (part.Stream, part.Events.Count)));
        Assert.Equal([(0xabUL, 7L), (0xabUL, 9L)], read[0].Events.Select(e => (e.Place.Epoch, e.Place.Ordinal)));
        Assert.Equal((6L, 2L), (read[0].Events[0].GroupsBefore, read[0].Events[0].KeysBefore));
    }

    [Fact]
    public void Nothing_in_time_is_an_answer_without_events()
    {
        Assert.True(StreamReply.TryRead(RespValue.Null, Names, out var read));
        Assert.Empty(read);
    }

    [Theory]
    [InlineData("7")]
    [InlineData("7-1")]
    [InlineData("-0")]
    [InlineData("99999999999999999999-0")]
    public void An_id_that_no_event_has_belongs_to_no_ordinal(string id)
    {
        Assert.True(StreamReply.TryRead(Reply(false, (Names.Keys, List(Entry(id)))), Names, out var read));
        Assert.Equal(0, Assert.Single(read[0].Events).Place.Ordinal);
    }

    [Fact]
    public void What_is_no_answer_of_streams_is_refused()
    {
        RespValue good = List(Entry("7-0"));
        RespValue[] bad =
        [
            RespValue.OfText("OK"), RespValue.OfInteger(1), List(RespValue.OfInteger(1)), List(List(Bytes(Names.Groups))), Reply(true, ("other", good)), Reply(false, ("other", good)),
            RespValue.OfItems(RespKind.Map, [Bytes(Names.Groups)]), Reply(true, (Names.Groups, RespValue.OfInteger(1))), Reply(true, (Names.Groups, List(RespValue.OfInteger(1)))),
            Reply(true, (Names.Groups, List(List(Bytes("7-0"), List(Bytes("epoch")))))), Reply(true, (Names.Groups, List(List(RespValue.Null, List())))),
            Reply(true, (Names.Groups, List(List(Bytes("7-0"), List(List(), Bytes("x")))))),
        ];
        Assert.All(bad, reply => Assert.False(StreamReply.TryRead(reply, Names, out _)));
        Assert.True(StreamReply.TryRead(Reply(true, (Names.Groups, good)), Names, out _));
    }

    [Fact]
    public void Whatever_a_server_answers_is_read_or_refused()
    {
        // Bare values, and such in each place of an answer that is right so far.
        Gen<RespValue> value = RespText.Value();
        Gen<RespValue> answers = Gen.OneOf(
            value,
            value.Select(v => Reply(true, (Names.Groups, v))),
            value.Select(v => Reply(false, (Names.Keys, List(v)))),
            value.Select(v => Reply(true, (Names.Groups, List(List(v, List()))))),
            value.Select(v => Reply(false, (Names.Groups, List(List(Bytes("7-0"), v))))),
            value.Select(v => Reply(true, (Names.Keys, List(List(Bytes("7-0"), List(Bytes("epoch"), v)))))));
        int readable = 0;
        foreach (RespValue answer in answers.Sample(5000, 10))
            if (StreamReply.TryRead(answer, Names, out _)) readable++;
        Assert.InRange(readable, 1, 4999);
    }
}
