using System.Text;
using Larder.Redis;

namespace Larder.Tests.RedisClient;

/// <summary>Answers of servers, written short.</summary>
internal static class Replies
{
    public static RedisReply Answer(RespValue value) => new(RedisOutcome.Answered, value);

    public static RespValue Text(string text) => RespValue.OfBytes(Encoding.UTF8.GetBytes(text));

    public static RespValue List(params RespValue[] items) => RespValue.OfItems(RespKind.Array, items);

    public static RespValue Number(long number) => RespValue.OfInteger(number);

    public static RespValue Error(string line) => RespValue.OfError(RedisError.Parse(Encoding.UTF8.GetBytes(line)));

    public static RespValue Map(params string[] words) => RespValue.OfItems(RespKind.Map, [.. words.Select(Text)]);

    /// <summary>A range of hash slots as <c>CLUSTER SLOTS</c> says it.</summary>
    public static RespValue Range(long first, long last, string host, long port) => List(Number(first), Number(last), List(Text(host), Number(port), Text("id"), List()), List(Text("replica"), Number(1)));
}
