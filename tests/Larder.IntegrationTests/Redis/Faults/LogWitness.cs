using System.Globalization;
using Larder.IntegrationTests.RedisServers;
using Larder.Redis;

namespace Larder.IntegrationTests.RedisFaults;

/// <summary>Looks at the log on the server itself, on a connection on which there are no faults.</summary>
/// <remarks>A life of the server is over before it is killed: what is seen in one is never taken for what was in another.</remarks>
internal sealed class LogWitness(RedisServer server) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);

    private readonly RedisLink _link = new(server.Options(o => (o.Timeout, o.LongestBackoff) = (TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(100))));
    private int _life = 1;

    /// <summary>Where the log ended at a moment.</summary>
    public sealed record End(string Epoch, long Last, int Life);

    /// <summary>An event in the log: whoever has read both streams up to there has applied it.</summary>
    public sealed record Event(int Life, long Groups, long Keys);

    /// <summary>The server is about to be killed.</summary>
    public void LifeEnds() => Interlocked.Increment(ref _life);

    /// <summary>Where the log ends; null where that can't be told.</summary>
    public async Task<End?> EndAsync()
    {
        int life = Volatile.Read(ref _life);
        RedisReply reply = await _link.SendAsync(["HMGET", "larder:{log}:state", "epoch", "last"], Patience);
        return reply.IsOk && reply.Value.Items.Length == 2 && reply.Value.Items.Span[0].Text is { } epoch && reply.Value.Items.Span[1].TryGetInteger(out long last) && life == Volatile.Read(ref _life)
            ? new(epoch, last, life)
            : null;
    }

    /// <summary>The first event of a tag that a node has sent and that stands behind an end; null where there is none, or none known.</summary>
    public async Task<Event?> TagEventAsync(End end, string? node, string tag)
    {
        RedisReply reply = await _link.SendAsync(["XRANGE", "larder:{log}:groups", $"{end.Last + 1}-0", "+"], Patience);
        if (!reply.IsOk) return null;
        foreach (RespValue entry in reply.Value.Items.ToArray())
        {
            Func<string, string?> field = FieldsOf(entry);
            if (field("node") != node || field("kind") != "tag" || field("text") != tag || field("epoch") != end.Epoch || end.Life != Volatile.Read(ref _life)) continue;
            return new(end.Life, long.Parse(entry.Items.Span[0].Text!.Split('-')[0], CultureInfo.InvariantCulture), long.Parse(field("keys")!, CultureInfo.InvariantCulture));
        }
        return null;
    }

    /// <summary>Who has sent the newest event of groups; null where there is none.</summary>
    public async Task<string?> NewestNodeAsync()
    {
        RedisReply newest = await _link.SendAsync(["XREVRANGE", "larder:{log}:groups", "+", "-", "COUNT", 1], Patience);
        return newest.IsOk && newest.Value.Items.Length == 1 ? FieldsOf(newest.Value.Items.Span[0])("node") : null;
    }

    private static Func<string, string?> FieldsOf(RespValue entry)
    {
        string?[] words = [.. entry.Items.Span[1].Items.ToArray().Select(word => word.Text)];
        return name => Array.IndexOf(words, name) is >= 0 and var at ? words[at + 1] : null;
    }

    public ValueTask DisposeAsync() => _link.DisposeAsync();
}
